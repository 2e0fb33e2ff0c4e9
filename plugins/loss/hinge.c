/* hinge - for scores y: what is not beyond the margin on the right side costs.
 *
 *     yes or no      L = 1/n sum_k h(margin - s_k y_k),  s = 1 where the target is above 0, else -1
 *     classes        L = 1/K sum_k h(margin - y_label + y_k)  over k other than the label,  or the
 *                    largest of these terms, without 1/K
 *
 * with h(z) = max(z, 0), or max(z, 0)^2. Labels with two outputs or more are classes; else each
 * output is a question of its own. Where h has a kink its gradient is 0. Cortes, Vapnik,
 * "Support-vector networks", 1995; classes: Weston, Watkins, "Support vector machines for
 * multi-class pattern recognition", 1999, eq. 3 (as PyTorch's multi_margin_loss, divided by K);
 * Crammer, Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
 * 2001, eq. 3. */
#include <tenon/plugin.h>
#include <tenon/score.h>

#include "binary.h"
#include "classes.h"

#define OPTIONS(P)                                                                   \
    P(BOOL, squared, 0, 0, , , "whether h is squared")                               \
    P(REAL, margin, TN_ABOVE, 1, 0, INFINITY, "distance beyond which nothing costs") \
    P(ENUM, classes, 0, 0, "weston_watkins|crammer_singer", ,                        \
      "weston_watkins: mean over all other classes; crammer_singer: the strongest one")
TN_SELF(OPTIONS, int32_t binary;)

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field)
{
    TN(self) *self = me;
    self->binary = field[0]->real || tn_shape_width(&out->shape) == 1;
    return self->binary ? binary_check(c, out, field[0])
                        : classes_check(c, out, field[0], TN_UNSET_INT);
}

/* h(z), and its slope. */
TN_INLINE double TN(cost)(int squared, double z, double *slope)
{
    const double above = z > 0 ? z : 0;
    *slope = squared ? 2 * above : z > 0;
    return squared ? above * above : above;
}

/* ---- yes or no ----------------------------------------------------------------------- */

TN_KERNEL void TN(elements)(const TN(self) * self, int64_t n, int64_t width,
                            const tn_real *y, const double *target, double *loss,
                            tn_real *gy)
{
    const double scale = 1 / (double)width, margin = self->margin;
    const int squared = self->squared;
    for (int64_t i = 0; i < n; i++) {
        const double s = target[i] > 0 ? 1 : -1;
        double slope;
        loss[i] = scale * TN(cost)(squared, margin - s * (double)y[i], &slope);
        if (gy) gy[i] = (tn_real)(-s * scale * slope);
    }
}

static tn_status TN(questions)(const TN(self) * self, tn_call *c, const tn_tile *t,
                               const tn_real *y, const tn_field *field, double *value,
                               tn_real *gy)
{
    double target[BLOCK] = {0}, loss[BLOCK];
    for (int64_t first = 0; first < t->n; first += BLOCK) {
        const int64_t n = t->n - first < BLOCK ? t->n - first : BLOCK;
        const tn_status status = TN(targets)(c, t, field, first, n, target);
        if (status) return status;
        TN(elements)
        (self, n, t->width, y + first, target, loss, gy ? gy + first : NULL);
        TN(add_rows)(t, first, n, loss, value);
    }
    return TN_OK;
}

/* ---- classes ------------------------------------------------------------------------- */

TN_KERNEL double TN(all_others)(const TN(self) * self, int64_t n, const tn_real *y,
                                int32_t label, tn_real *gy)
{
    const double scale = 1 / (double)n, base = self->margin - (double)y[label];
    double value = 0, pull = 0, slope;
    for (int64_t k = 0; k < n; k++) {
        const double cost = TN(cost)(self->squared, base + (double)y[k], &slope);
        if (k == label) continue;
        value += cost, pull += slope;
        if (gy) gy[k] = (tn_real)(scale * slope);
    }
    if (gy) gy[label] = (tn_real)(-scale * pull);
    return scale * value;
}

static double TN(strongest)(const TN(self) * self, int64_t n, const tn_real *y,
                            int32_t label, tn_real *gy)
{
    int64_t best = label == 0;
    double slope;
    for (int64_t k = best + 1; k < n; k++)
        if (k != label && y[k] > y[best]) best = k;
    const double z = self->margin + (double)y[best] - (double)y[label];
    const double value = TN(cost)(self->squared, z, &slope);
    for (int64_t k = 0; gy && k < n; k++) gy[k] = 0;
    if (gy) gy[best] = (tn_real)slope, gy[label] = (tn_real)-slope;
    return value;
}

static tn_status TN(rows)(const void *me, tn_call *c, const tn_tile *t, const tn_real *y,
                          const tn_field *field, double *value, double *weight,
                          tn_real *gy)
{
    const TN(self) *self = me;
    const int64_t n = t->width;
    if (self->binary) return TN(questions)(self, c, t, y, field, value, gy);
    for (int64_t i = 0; i < t->n / n; i++, y += n, gy = gy ? gy + n : NULL) {
        const tn_status status = label_check(c, t, i, field->label[i]);
        if (status) return status;
        value[i] = self->classes ? TN(strongest)(self, n, y, field->label[i], gy)
                                 : TN(all_others)(self, n, y, field->label[i], gy);
    }
    return TN_OK;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(
    OPTIONS, loss, hinge,
    .summary = "What is not beyond a margin on the right side costs",
    .formula = "L = 1/K sum_{k != label} max(0, margin - y_label + y_k)^p; of yes "
               "or no 1/n sum_k max(0, margin - s_k y_k)^p, s = +-1",
    .reference = "Cortes, Vapnik, Support-vector networks, 1995; Weston, Watkins, "
                 "1999, eq. 3; Crammer, Singer, 2001, eq. 3",
    .questions = 1)
