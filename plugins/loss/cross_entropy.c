/* cross_entropy - of softmax(y) against the true class, from logits y.
 *
 *     L = -sum_k q_k log p_k = sum_k q_k (lse(y) - y_k),  p = softmax(y)
 *     lse(y) = m + log sum_k exp(y_k - m),  m = max_k y_k
 *     dL/dy_k = p_k sum_j q_j - q_k
 *
 * q is the one-hot vector of an integer label, or a row of probabilities. Label
 * smoothing s replaces it by (1 - s) q + s / K (as PyTorch does). Goodfellow, Bengio,
 * Courville, "Deep learning", 2016, section 6.2.2.3; smoothing: Szegedy et al.,
 * "Rethinking the Inception architecture", CVPR 2016, section 7. */
#include <tenon/plugin.h>
#include <tenon/score.h>
#include <tgmath.h>

#define OPTIONS(P)                                      \
    P(REAL, label_smoothing, 0, 0, 0, 1,                \
      "share of the target that is spread evenly over " \
      "all classes")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *self, tn_call *c, const tn_shape *out,
                           const tn_field_spec *const *field)
{
    const int64_t classes = tn_shape_width(out), given = tn_shape_count(&field[0]->shape);
    const int64_t wanted = tn_shape_count(out) / (field[0]->real ? 1 : classes);
    if (classes < 2)
        return tn_fail(c, TN_ESHAPE,
                       "needs an output for each of two classes or more, got 1; "
                       "for one output use binary_cross_entropy");
    if (field[0]->classes > classes)
        return tn_fail(c, TN_ESHAPE,
                       "the data has %d classes but the model has only %lld "
                       "outputs; end it with a layer of %d units",
                       field[0]->classes, (long long)classes, field[0]->classes);
    if (given != wanted)
        return tn_fail(
            c, TN_ESHAPE, "each sample has %lld target values, needs %lld (%s)",
            (long long)given, (long long)wanted,
            field[0]->real ? "a probability for each output" : "a label a row");
    return TN_OK;
}

/* One row: exponentials into gy unless it is NULL; returns lse and what they add up
 * to. */
static double TN(sum_exp)(int64_t n, const tn_real *y, tn_real *gy, double *sum)
{
    tn_real top = y[0];
    for (int64_t k = 1; k < n; k++) top = y[k] > top ? y[k] : top;
    *sum = 0;
    for (int64_t k = 0; k < n; k++) {
        const tn_real e = exp(y[k] - top);
        if (gy) gy[k] = e;
        *sum += e;
    }
    return (double)top + log(*sum);
}

/* Against q_k = even + (1 - s) x (1 if k is the label). */
static double TN(label_row)(const TN(self) * self, int64_t n, const tn_real *y,
                            int32_t label, tn_real *gy)
{
    const double s = self->label_smoothing, even = s / (double)n;
    double sum, value;
    const double lse = TN(sum_exp)(n, y, gy, &sum);
    value = (1 - s) * (lse - (double)y[label]);
    for (int64_t k = 0; s > 0 && k < n; k++) value += even * (lse - (double)y[k]);
    if (!gy) return value;
    for (int64_t k = 0; k < n; k++) gy[k] = (tn_real)(gy[k] / sum - even);
    gy[label] -= (tn_real)(1 - s);
    return value;
}

static double TN(probability_row)(const TN(self) * self, int64_t n, const tn_real *y,
                                  const tn_real *target, tn_real *gy)
{
    const double s = self->label_smoothing, even = s / (double)n;
    double sum, value = 0, total = 0;
    const double lse = TN(sum_exp)(n, y, gy, &sum);
    for (int64_t k = 0; k < n; k++) {
        const double q = (1 - s) * (double)target[k] + even;
        total += q;
        if (q != 0) value += q * (lse - (double)y[k]); /* 0 log 0 is 0 */
    }
    for (int64_t k = 0; gy && k < n; k++)
        gy[k] = (tn_real)(gy[k] / sum * total - ((1 - s) * (double)target[k] + even));
    return value;
}

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    const int64_t n = t->width, rows = t->n / n;
    for (int64_t i = 0; i < rows; i++, y += n, gy = gy ? gy + n : NULL) {
        if (field->real) {
            value[i] = TN(probability_row)(self, n, y, (tn_real *)field->real + i * n,
                                           gy);
            continue;
        }
        const int32_t label = field->label[i];
        if (label < 0 || label >= n)
            return tn_fail(c, TN_EINVAL, "label %d of row %lld is not in 0 .. %lld",
                           label, (long long)(t->row + i), (long long)n - 1);
        value[i] = TN(label_row)(self, n, y, label, gy);
    }
    return TN_OK;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(
    OPTIONS, loss, cross_entropy, .summary = "Cross-entropy of classes, from logits",
    .formula = "L = -sum_k q_k log softmax(y)_k, q smoothed: (1 - s) q + s / K",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section "
                 "6.2.2.3; smoothing: Szegedy et al., CVPR 2016, section 7")
