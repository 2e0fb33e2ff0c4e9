/* mse - mean squared error over the elements of a row.
 *
 *     L = 1/n sum_k (y_k - t_k)^2,  dL/dy_k = 2 (y_k - t_k) / n
 *
 * Without the factor 1/2 that some texts have. Goodfellow, Bengio, Courville, "Deep
 * learning", 2016, section 5.1.4. */
#include <tenon/plugin.h>
#include <tenon/score.h>

static tn_status TN(infer)(void *self, tn_call *c, const tn_shape *out,
                           const tn_field_spec *const *field)
{
    const int64_t given = tn_shape_count(&field[0]->shape), wanted = tn_shape_count(out);
    if (!field[0]->real)
        return tn_fail(c, TN_EINVAL,
                       "needs targets that are numbers, the data has labels; for "
                       "labels use cross_entropy or binary_cross_entropy");
    if (given != wanted)
        return tn_fail(c, TN_ESHAPE,
                       "each sample has %lld target values but the model has "
                       "%lld outputs",
                       (long long)given, (long long)wanted);
    return TN_OK;
}

TN_KERNEL double TN(row)(int64_t n, const tn_real *y, const tn_real *target, tn_real *gy)
{
    const tn_real scale = (tn_real)(2.0 / (double)n);
    double sum = 0;
    for (int64_t k = 0; k < n; k++) {
        const double d = (double)y[k] - (double)target[k];
        sum += d * d;
        if (gy) gy[k] = scale * (y[k] - target[k]);
    }
    return sum / (double)n;
}

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    const int64_t n = t->width;
    const tn_real *target = field->real;
    for (int64_t i = 0; i < t->n / n; i++)
        value[i] = TN(row)(n, y + i * n, target + i * n, gy ? gy + i * n : NULL);
    return TN_OK;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN(
    loss, mse, .summary = "Mean squared error", .formula = "L = 1/n sum_k (y_k - t_k)^2",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section 5.1.4")
