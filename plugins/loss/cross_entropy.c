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
#include <tenon/math.h>

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

/* exp(y_k - m) of each row into e, and m into value. */
static inline void TN(exponentials)(int64_t rows, int64_t n, const tn_real *y, tn_real *e,
                                    double *value)
{
    for (int64_t i = 0; i < rows; i++) {
        const tn_real *row = y + i * n, top = TN_MAX(k, n, row[k]);
        for (int64_t k = 0; k < n; k++) e[i * n + k] = row[k] - top;
        value[i] = (double)top;
    }
    for (int64_t i = 0; i < rows * n; i++) e[i] = tn_exp(e[i]);
}

/* Against q_k = even + (1 - s) x (1 if k is the label). */
static inline double TN(label_row)(const TN(self) * self, int64_t n, const tn_real *y,
                                   int32_t label, double lse, double sum, tn_real *gy)
{
    const double s = self->label_smoothing, even = s / (double)n, scale = 1 / sum;
    double value = (1 - s) * (lse - (double)y[label]);
    if (s > 0) value += even * TN_SUM(k, n, lse - (double)y[k]);
    for (int64_t k = 0; gy && k < n; k++) gy[k] = (tn_real)(gy[k] * scale - even);
    if (gy) gy[label] -= (tn_real)(1 - s);
    return value;
}

static inline double TN(probability_row)(const TN(self) * self, int64_t n,
                                         const tn_real *y, const tn_real *target,
                                         double lse, double sum, tn_real *gy)
{
    const double s = self->label_smoothing, even = s / (double)n;
    double value = 0, total = 0;
    for (int64_t k = 0; k < n; k++) {
        const double q = (1 - s) * (double)target[k] + even;
        total += q;
        if (q != 0) value += q * (lse - (double)y[k]); /* 0 log 0 is 0 */
    }
    for (int64_t k = 0; gy && k < n; k++)
        gy[k] = (tn_real)(gy[k] * (total / sum) - ((1 - s) * (double)target[k] + even));
    return value;
}

TN_KERNEL tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                             const tn_real *y, const tn_field *field, double *value,
                             double *weight, tn_real *gy)
{
    const int64_t n = t->width, rows = t->n / n;
    if (gy) TN(exponentials)(rows, n, y, gy, value);
    for (int64_t i = 0; i < rows; i++, y += n, gy = gy ? gy + n : NULL) {
        const tn_real top = gy ? (tn_real)value[i] : TN_MAX(k, n, y[k]);
        const double sum = gy ? TN_SUM(k, n, gy[k]) : TN_SUM(k, n, tn_exp(y[k] - top));
        const double lse = (double)top + tn_log(sum);
        if (field->real) {
            const tn_real *target = (const tn_real *)field->real + i * n;
            value[i] = TN(probability_row)(self, n, y, target, lse, sum, gy);
            continue;
        }
        const int32_t label = field->label[i];
        if (label < 0 || label >= n)
            return tn_fail(c, TN_EINVAL, "label %d of row %lld is not in 0 .. %lld",
                           label, (long long)(t->row + i), (long long)n - 1);
        value[i] = TN(label_row)(self, n, y, label, lse, sum, gy);
    }
    return TN_OK;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(
    OPTIONS, loss, cross_entropy, .summary = "Cross-entropy of classes, from logits",
    .formula = "L = -sum_k q_k log softmax(y)_k, q smoothed: (1 - s) q + s / K",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section "
                 "6.2.2.3; smoothing: Szegedy et al., CVPR 2016, section 7")
