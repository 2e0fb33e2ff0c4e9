/* focal - cross-entropy in which rows count less the better they are predicted, from logits y.
 *
 *     L = -a (1 - p)^gamma log p
 *
 * p is the probability of the truth. For labels and two outputs or more it is softmax(y)_label, and
 * a the label's number of alpha. Else each output is a question of its own, with p = sigmoid(u),
 * u = y where the answer is 1 and -y where it is 0; a is alpha and 1 - alpha there, and L the mean
 * over the elements of a row. Without alpha a is 1. The mean over rows is one by their number.
 *
 *     dL/du = -a (1 - p)^gamma (gamma p (-log p) + 1 - p)
 *     dL/dy_k = a (1 - p)^gamma (gamma p log p / (1 - p) - 1) (1 if k is the label - softmax(y)_k)
 *
 * Lin, Goyal, Girshick, He, Dollar, "Focal loss for dense object detection", ICCV 2017, eq. 5 and
 * appendix B. */
#include <tenon/plugin.h>
#include <tenon/score.h>
#include <tenon/math.h>

#include "binary.h"
#include "classes.h"
#include "softmax_rows.h"

#define OPTIONS(P)                                                                      \
    P(REAL, gamma, TN_POSITIONAL, 2, 0, INFINITY,                                       \
      "how fast what is predicted well counts less; 0: cross-entropy")                  \
    P(REALS, alpha, 0, "[]", , ,                                                        \
      "weights: of yes or no one number, that of yes, from 0 to 1; of classes one for " \
      "each; none: all 1")
TN_SELF(OPTIONS, int32_t binary;)

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field)
{
    TN(self) *self = me;
    const tn_reals alpha = self->alpha;
    const int64_t width = tn_shape_width(&out->shape);
    self->binary = field[0]->real || width == 1;
    tn_status status = logits_check(c, out, self->binary ? "sigmoid" : "softmax");
    if (status) return status;
    status = self->binary ? binary_check(c, out, field[0])
                          : classes_check(c, out, field[0], TN_UNSET_INT);
    if (status) return status;
    const int64_t wanted = self->binary ? 1 : width;
    if (alpha->count && alpha->count != wanted)
        return tn_fail(c, TN_ESHAPE, "alpha: %lld numbers, needs %lld or none",
                       (long long)alpha->count, (long long)wanted);
    for (int64_t k = 0; k < alpha->count; k++)
        if (!(alpha->at[k] >= 0) || alpha->at[k] > (self->binary ? 1.0 : 1e300))
            return tn_fail(c, TN_EINVAL, "alpha: %g is not %s", alpha->at[k],
                           self->binary ? "in 0 .. 1" : "a number from 0 up");
    return TN_OK;
}

/* ---- yes or no ----------------------------------------------------------------------- */

/* (1 - p)^gamma = exp(-gamma log(1 + exp(u))), and -log p = log(1 + exp(-u)). */
TN_KERNEL void TN(elements)(const TN(self) * self, int64_t n, int64_t width,
                            const tn_real *y, const double *target, double *loss,
                            tn_real *gy)
{
    const int weighs = self->alpha->count > 0;
    const double scale = 1 / (double)width, gamma = self->gamma,
                 yes = weighs ? self->alpha->at[0] : 1, no = weighs ? 1 - yes : 1;
    for (int64_t i = 0; i < n; i++) {
        const double sign = target[i] > 0.5 ? 1 : -1, u = sign * (double)y[i];
        const double e = tn_exp(-fabs(u)), small = tn_log1p(e);
        const double cost = small + (u < 0 ? -u : 0), away = small + (u > 0 ? u : 0);
        const double p = (u < 0 ? e : 1) / (1 + e), rest = (u < 0 ? 1 : e) / (1 + e);
        const double by = scale * (target[i] > 0.5 ? yes : no) * tn_exp(-gamma * away);
        loss[i] = by * cost;
        if (gy) gy[i] = (tn_real)(-sign * by * (gamma * p * cost + rest));
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
        for (int64_t i = 0; i < n; i++)
            if (target[i] != 0 && target[i] != 1)
                return tn_fail(c, TN_EINVAL, "target %g of row %lld is neither 0 nor 1",
                               target[i], (long long)(t->row + (first + i) / t->width));
        TN(elements)
        (self, n, t->width, y + first, target, loss, gy ? gy + first : NULL);
        TN(add_rows)(t, first, n, loss, value);
    }
    return TN_OK;
}

/* ---- classes ------------------------------------------------------------------------- */

/* 1 - p is what the others have, which is not lost where p is next to 1; log p / (1 - p) is -1
 * where it is 1. e holds exp(y - m), and becomes the gradient where that is wanted. */
TN_INLINE double TN(class_row)(const TN(self) * self, int64_t n, const tn_real *y,
                               int32_t label, double top, double lse, double sum,
                               tn_real *gy)
{
    const double a = self->alpha->count ? self->alpha->at[label] : 1;
    const double log_p = (double)y[label] - lse, p = tn_exp(log_p);
    const double others = TN_SUM(k, n, k == label ? 0 : tn_exp((double)y[k] - top)) / sum;
    const double by = a * (others > 0 ? tn_exp(self->gamma * tn_log(others))
                                      : self->gamma == 0);
    const double pull = by * (self->gamma * p * (others > 0 ? log_p / others : -1) - 1);
    for (int64_t k = 0; gy && k < n; k++)
        gy[k] = (tn_real)(pull * (k == label ? others : -(double)gy[k] / sum));
    return -by * log_p;
}

TN_KERNEL tn_status TN(some_rows)(const TN(self) * self, tn_call *c, const tn_tile *t,
                                  int64_t first, int64_t rows, const tn_real *y,
                                  const int32_t *label, double *value, tn_real *gy)
{
    const int64_t n = t->width;
    TN(rows_state) r;
    TN(softmax)(&r, rows, n, y, gy);
    for (int64_t i = 0; i < rows; i++, y += n, gy = gy ? gy + n : NULL) {
        const tn_status status = label_check(c, t, first + i, label[i]);
        if (status) return status;
        value[i] = TN(class_row)(self, n, y, label[i], (double)r.top[i], r.lse[i],
                                 r.sum[i], gy);
    }
    return TN_OK;
}

static tn_status TN(rows)(const void *me, tn_call *c, const tn_tile *t, const tn_real *y,
                          const tn_field *field, double *value, double *weight,
                          tn_real *gy)
{
    const TN(self) *self = me;
    const int64_t n = t->width, rows = t->n / n;
    tn_status status = TN_OK;
    if (self->binary) return TN(questions)(self, c, t, y, field, value, gy);
    for (int64_t i = 0; !status && i < rows; i += ROWS)
        status = TN(some_rows)(self, c, t, i, rows - i < ROWS ? rows - i : ROWS,
                               y + i * n, field->label + i, value + i,
                               gy ? gy + i * n : NULL);
    return status;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(
    OPTIONS, loss, focal,
    .summary = "Cross-entropy that makes little of what is predicted well",
    .formula = "L = -alpha (1 - p)^gamma log p, p the probability of the truth",
    .reference = "Lin, Goyal, Girshick, He, Dollar, Focal loss for dense object "
                 "detection, ICCV 2017, eq. 5",
    .questions = 1)
