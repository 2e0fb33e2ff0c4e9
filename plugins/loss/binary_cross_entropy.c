/* binary_cross_entropy - of probabilities sigmoid(y) against targets in 0 .. 1, from
 * logits y, as the mean over the elements of a row.
 *
 *     L = 1/n sum_k -(w t_k log p_k + (1 - t_k) log(1 - p_k)),  p = sigmoid(y)
 *       = 1/n sum_k (v_k max(y_k, 0) - w t_k y_k + v_k log(1 + exp(-|y_k|))),  v = w t + 1 - t
 *     dL/dy_k = (v_k p_k - w t_k) / n
 *
 * with no exponential that can overflow and no log of 0. Targets are labels 0 and 1, or numbers. w
 * weighs what is 1, as PyTorch's pos_weight does. Label smoothing s makes t of it (1 - s) t + s / 2.
 * Goodfellow, Bengio, Courville, "Deep learning", 2016, section 6.2.2.2; smoothing: Szegedy et al.,
 * "Rethinking the Inception architecture", CVPR 2016, section 7. */
#include <tenon/plugin.h>
#include <tenon/score.h>
#include <tenon/math.h>

#include "binary.h"

#define OPTIONS(P)                                               \
    P(REALS, pos_weight, 0, "[1]", , ,                           \
      "weight of targets 1: one number, or one for each output") \
    P(REAL, label_smoothing, 0, 0, 0, 1, "share of the target that becomes 1/2")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field)
{
    const TN(self) *self = me;
    const tn_reals w = self->pos_weight;
    if (out->are)
        return tn_fail(
            c, TN_EINVAL,
            "takes logits and applies sigmoid itself, so outputs that are "
            "probabilities (or their logarithms) would go through it twice and "
            "hardly be learned: leave out the layer that makes them");
    if (w->count != 1 && w->count != tn_shape_width(&out->shape))
        return tn_fail(c, TN_ESHAPE,
                       "pos_weight: %lld numbers; give one, or one for each of the %lld "
                       "outputs of a row",
                       (long long)w->count, (long long)tn_shape_width(&out->shape));
    for (int64_t k = 0; k < w->count; k++)
        if (!(w->at[k] >= 0 && isfinite(w->at[k])))
            return tn_fail(c, TN_EINVAL, "pos_weight: %g is not a number from 0 up",
                           w->at[k]);
    return binary_check(c, out, field[0]);
}

/* Numbers as targets; a little outside is rounding, and rows of weight 0 may have any. */
TN_KERNEL tn_status TN(check_probabilities)(tn_call *c, const tn_tile *t, int64_t first,
                                            int64_t n, const double *target,
                                            const double *weight)
{
    const tn_real most = (tn_real)(0.5 + 1e-3);
    int64_t bad = 0;
    if (TN_MAX(i, n, (tn_real)fabs(target[i] - 0.5)) <= most) return TN_OK;
    while (bad < n && ((tn_real)fabs(target[bad] - 0.5) <= most ||
                       weight[(first + bad) / t->width] == 0))
        bad++;
    if (bad == n) return TN_OK;
    return tn_fail(
        c, TN_EINVAL,
        "target value %g of row %lld is not in 0 .. 1; for targets that are no "
        "probabilities use mse",
        target[bad], (long long)(t->row + (first + bad) / t->width));
}

/* Weights w of elements from number `first` on. */
static void TN(weights)(const TN(self) * self, int64_t width, int64_t first, int64_t n,
                        double *w)
{
    const tn_reals given = self->pos_weight;
    for (int64_t i = 0; i < n; i++)
        w[i] = given->at[given->count > 1 ? (first + i) % width : 0];
}

/* Losses and gradients of n elements of rows of `width`; exp(-|y|) stands in loss on the
 * way. */
TN_KERNEL void TN(elements)(int64_t n, int64_t width, const tn_real *y,
                            const double *target, const double *w, double *loss,
                            tn_real *gy)
{
    const double scale = 1 / (double)width;
    for (int64_t i = 0; i < n; i++) loss[i] = tn_exp(-fabs((double)y[i]));
    for (int64_t i = 0; gy && i < n; i++) {
        const double e = loss[i], sigmoid = (y[i] < 0 ? e : 1) / (1 + e);
        const double yes = w[i] * target[i], all = yes + (1 - target[i]);
        gy[i] = (tn_real)(scale * (all * sigmoid - yes));
    }
    for (int64_t i = 0; i < n; i++) {
        const double z = (double)y[i], above = z > 0 ? z : 0;
        const double yes = w[i] * target[i], all = yes + (1 - target[i]);
        loss[i] = scale * (all * above - yes * z + all * tn_log1p(loss[i]));
    }
}

static tn_status TN(rows)(const void *me, tn_call *c, const tn_tile *t, const tn_real *y,
                          const tn_field *field, double *value, double *weight,
                          tn_real *gy)
{
    const TN(self) *self = me;
    const double s = self->label_smoothing;
    double target[BLOCK] = {0}, loss[BLOCK], w[BLOCK] = {0};
    for (int64_t first = 0; first < t->n; first += BLOCK) {
        const int64_t n = t->n - first < BLOCK ? t->n - first : BLOCK;
        tn_status status = TN(targets)(c, t, field, first, n, target);
        if (!status && field->real)
            status = TN(check_probabilities)(c, t, first, n, target, weight);
        if (status) return status;
        for (int64_t i = 0; i < n; i++) target[i] = (1 - s) * target[i] + s / 2;
        TN(weights)(self, t->width, first, n, w);
        TN(elements)
        (n, t->width, y + first, target, w, loss, gy ? gy + first : NULL);
        TN(add_rows)(t, first, n, loss, value);
    }
    return TN_OK;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(
    OPTIONS, loss, binary_cross_entropy,
    .summary = "Cross-entropy of yes or no, from logits",
    .formula = "L = 1/n sum_k -(w t_k log sigmoid(y_k) + (1 - t_k) log sigmoid(-y_k))",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section 6.2.2.2",
    .questions = 1)
