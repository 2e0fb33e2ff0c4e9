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

#ifndef ROWS
#define ROWS 64   /* that are worked on at a time */
#define NARROW 16 /* rows at most so long are taken side by side instead of one by one */
#endif

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
            !field[0]->real ? "a label a row"
            : given * classes == wanted
                ? "a probability for each output; labels have to be whole numbers, in an "
                  "array without an axis of their own"
                : "a probability for each output");
    return TN_OK;
}

/* Of up to ROWS rows: m, sum_k exp(y_k - m), lse(y). With e: the exponentials. */
typedef struct TN(rows_state) {
    tn_real top[ROWS];
    double sum[ROWS], lse[ROWS];
} TN(rows_state);

TN_KERNEL void TN(each_row)(TN(rows_state) * r, int64_t rows, int64_t n, const tn_real *y,
                            tn_real *e)
{
    for (int64_t i = 0; i < rows; i++) {
        const tn_real *row = y + i * n, top = r->top[i] = TN_MAX(k, n, row[k]);
        if (!e)
            r->sum[i] = TN_SUM(k, n, tn_exp(row[k] - top));
        else
            for (int64_t k = 0; k < n; k++) e[i * n + k] = row[k] - top;
    }
    if (!e) return;
    for (int64_t i = 0; i < rows * n; i++) e[i] = tn_exp(e[i]);
    for (int64_t i = 0; i < rows; i++) r->sum[i] = TN_SUM(k, n, e[i * n + k]);
}

/* The same operations on vectors of rows: value k of row i is in z[k * ROWS + i]. */
TN_KERNEL void TN(side_by_side)(TN(rows_state) * r, int64_t rows, int64_t n,
                                const tn_real *y, tn_real *e)
{
    tn_real z[NARROW * ROWS], *top = r->top;
    double *sum = r->sum;
    for (int64_t i = 0; i < rows; i++) {
        top[i] = -INFINITY, sum[i] = 0;
        for (int64_t k = 0; k < n; k++) z[k * ROWS + i] = y[i * n + k];
    }
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < rows; i++)
            top[i] = z[k * ROWS + i] > top[i] ? z[k * ROWS + i] : top[i];
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < rows; i++) {
            const tn_real p = tn_exp(z[k * ROWS + i] - top[i]);
            z[k * ROWS + i] = p;
            sum[i] += (double)p;
        }
    if (!e) return;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < n; k++) e[i * n + k] = z[k * ROWS + i];
}

TN_KERNEL void TN(softmax)(TN(rows_state) * r, int64_t rows, int64_t n, const tn_real *y,
                           tn_real *e)
{
    if (n <= NARROW)
        TN(side_by_side)(r, rows, n, y, e);
    else
        TN(each_row)(r, rows, n, y, e);
    for (int64_t i = 0; i < rows; i++) r->lse[i] = (double)r->top[i] + tn_log(r->sum[i]);
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

TN_KERNEL tn_status TN(some_rows)(const void *self, tn_call *c, const tn_tile *t,
                                  int64_t first, int64_t rows, const tn_real *y,
                                  const tn_field *field, double *value, tn_real *gy)
{
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
        if (label < 0 || label >= n)
            return tn_fail(c, TN_EINVAL, "label %d of row %lld is not in 0 .. %lld",
                           label, (long long)(t->row + first + i), (long long)n - 1);
        value[i] = TN(label_row)(self, n, y, label, r.lse[i], r.sum[i], gy);
    }
    return TN_OK;
}

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    const int64_t n = t->width, rows = t->n / n;
    tn_status status = TN_OK;
    for (int64_t i = 0; !status && i < rows; i += ROWS)
        status = TN(some_rows)(self, c, t, i, rows - i < ROWS ? rows - i : ROWS,
                               y + i * n, field, value + i, gy ? gy + i * n : NULL);
    return status;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(
    OPTIONS, loss, cross_entropy, .summary = "Cross-entropy of classes, from logits",
    .formula = "L = -sum_k q_k log softmax(y)_k, q smoothed: (1 - s) q + s / K",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section "
                 "6.2.2.3; smoothing: Szegedy et al., CVPR 2016, section 7")
