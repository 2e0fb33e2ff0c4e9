/* cross_entropy - of softmax(y) against the true class, from logits y.
 *
 *     L = -sum_k q_k log p_k = sum_k q_k (lse(y) - y_k),  p = softmax(y)
 *     dL/dy_k = p_k sum_j q_j - q_k
 *
 * q is the one-hot vector of an integer label, or a row of probabilities. Label smoothing s
 * replaces it by (1 - s) q + s / K. Weights w of the classes, as in PyTorch: q_k becomes w_k q_k;
 * the sum over rows is divided by the sum of the labels' weights, with rows of probabilities by
 * their number. Goodfellow, Bengio, Courville, "Deep learning", 2016, section 6.2.2.3; smoothing:
 * Szegedy et al., "Rethinking the Inception architecture", CVPR 2016, section 7. */
#include <tenon/plugin.h>
#include <tenon/score.h>
#include <tenon/math.h>

#include "classes.h"
#include "shares.h"
#include "softmax_rows.h"

#define OPTIONS(P)                                      \
    P(REAL, label_smoothing, 0, 0, 0, 1,                \
      "share of the target that is spread evenly over " \
      "all classes")                                    \
    CLASS_OPTIONS(P)
TN_SELF(OPTIONS, )

/* With smoothing, a row whose weight is 0 would still have a value. */
static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    for (int64_t k = 0; k < self->class_weights->count; k++)
        if (self->class_weights->at[k] == 0 && self->label_smoothing > 0)
            return tn_fail(c, TN_EINVAL,
                           "class_weights: that of class %lld is 0, but label_smoothing "
                           "needs weights above 0",
                           (long long)k);
    return TN_OK;
}

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field)
{
    const TN(self) *self = me;
    tn_status status = logits_check(c, out, "softmax");
    if (!status) status = classes_check(c, out, field[0], self->ignore_label);
    if (!status)
        status = weights_check(c, out, field[0], self->class_weights, self->ignore_label);
    return status;
}

/* Against q_k = even w_k / w_label + (1 - s) x (1 if k is the label): the row's weight is w_label. */
TN_INLINE double TN(label_row)(const TN(self) * self, int64_t n, const tn_real *y,
                               int32_t label, double lse, double sum, tn_real *gy)
{
    const double s = self->label_smoothing, *w = self->class_weights->at;
    const int weighs = s > 0 && self->class_weights->count;
    const double even = weighs ? s / (double)n / w[label] : s / (double)n;
    const double all = weighs ? 1 - s + even * TN_SUM(k, n, w[k]) : 1, scale = all / sum;
    double value = (1 - s) * (lse - (double)y[label]);
    if (weighs)
        value += even * TN_SUM(k, n, w[k] * (lse - (double)y[k]));
    else if (s > 0)
        value += even * TN_SUM(k, n, lse - (double)y[k]);
    for (int64_t k = 0; gy && !weighs && k < n; k++)
        gy[k] = (tn_real)(gy[k] * scale - even);
    for (int64_t k = 0; gy && weighs && k < n; k++)
        gy[k] = (tn_real)(gy[k] * scale - even * w[k]);
    if (gy) gy[label] -= (tn_real)(1 - s);
    return value;
}

TN_INLINE double TN(smoothed)(const TN(self) * self, int64_t n, double q, int64_t k)
{
    const double s = self->label_smoothing,
                 w = self->class_weights->count ? self->class_weights->at[k] : 1;
    return w * ((1 - s) * q + s / (double)n);
}

TN_INLINE double TN(probability_row)(const TN(self) * self, int64_t n, const tn_real *y,
                                     const tn_real *target, double lse, double sum,
                                     tn_real *gy)
{
    double value = 0, total = 0;
    for (int64_t k = 0; k < n; k++) {
        const double q = TN(smoothed)(self, n, (double)target[k], k);
        total += q;
        if (q != 0) value += q * (lse - (double)y[k]); /* 0 log 0 is 0 */
    }
    for (int64_t k = 0; gy && k < n; k++)
        gy[k] = (tn_real)(gy[k] * (total / sum) -
                          TN(smoothed)(self, n, (double)target[k], k));
    return value;
}

TN_KERNEL tn_status TN(some_rows)(const void *me, tn_call *c, const tn_tile *t,
                                  int64_t first, int64_t rows, const tn_real *y,
                                  const tn_field *field, double *value, double *weight,
                                  tn_real *gy)
{
    const TN(self) *self = me;
    const int64_t n = t->width;
    TN(rows_state) r;
    TN(softmax)(&r, rows, n, y, gy);
    for (int64_t i = 0; i < rows; i++, y += n, gy = gy ? gy + n : NULL) {
        if (field->real) {
            const tn_real *target = (const tn_real *)field->real + (first + i) * n;
            value[i] = TN(probability_row)(self, n, y, target, r.lse[i], r.sum[i], gy);
            continue;
        }
        const int32_t label = field->label[first + i];
        if (label == self->ignore_label) {
            value[i] = weight[i] = 0;
            continue;
        }
        const tn_status status = label_check(c, t, first + i, label);
        if (status) return status;
        value[i] = TN(label_row)(self, n, y, label, r.lse[i], r.sum[i], gy);
        if (self->class_weights->count) weight[i] = self->class_weights->at[label];
    }
    return TN_OK;
}

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    const int64_t n = t->width, rows = t->n / n;
    tn_status status = field->real ? TN(check_shares)(c, t, field->real, weight) : TN_OK;
    for (int64_t i = 0; !status && i < rows; i += ROWS)
        status = TN(some_rows)(self, c, t, i, rows - i < ROWS ? rows - i : ROWS,
                               y + i * n, field, value + i, weight + i,
                               gy ? gy + i * n : NULL);
    return status;
}

TN_VTABLE(loss, .check = TN(check), .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(
    OPTIONS, loss, cross_entropy, .summary = "Cross-entropy of classes, from logits",
    .formula = "L = -sum_k q_k log softmax(y)_k, q smoothed: (1 - s) q + s / K",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section "
                 "6.2.2.3; smoothing: Szegedy et al., CVPR 2016, section 7")
