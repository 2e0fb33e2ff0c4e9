/* mse - mean squared error over the elements of a row.
 *
 *     L = 1/n sum_k (y_k - t_k)^2,  dL/dy_k = 2 (y_k - t_k) / n
 *
 * Without the factor 1/2 that some texts have. Goodfellow, Bengio, Courville, "Deep
 * learning", 2016, section 5.1.4. */
#include <tenon/plugin.h>
#include <tenon/math.h>
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

static inline double TN(square)(tn_real y, tn_real target)
{
    const double d = (double)y - (double)target;
    return d * d;
}

TN_KERNEL tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                             const tn_real *y, const tn_field *field, double *value,
                             double *weight, tn_real *gy)
{
    const int64_t n = t->width;
    const tn_real *target = field->real, scale = (tn_real)(2.0 / (double)n);
    for (int64_t i = 0; gy && i < t->n; i++) gy[i] = scale * (y[i] - target[i]);
    for (int64_t i = 0; i < t->n / n; i++, y += n, target += n)
        value[i] = TN_SUM(k, n, TN(square)(y[k], target[k])) / (double)n;
    return TN_OK;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN(
    loss, mse, .summary = "Mean squared error", .formula = "L = 1/n sum_k (y_k - t_k)^2",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section 5.1.4")
