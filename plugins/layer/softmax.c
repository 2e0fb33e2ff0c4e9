/* softmax - normalised exponentials of each row.
 *
 *     y_j = exp(x_j - m) / sum_k exp(x_k - m),  m = max_k x_k
 *     dL/dx_j = y_j (dL/dy_j - sum_k dL/dy_k y_k)
 *
 * Taking m away changes nothing and keeps every exponent at or below 0. Bridle,
 * "Probabilistic interpretation of feedforward classification network outputs", 1990.
 * Before cross_entropy it is not wanted: that loss takes logits. */
#include <tenon/plugin.h>
#include <tenon/math.h>

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    const int64_t n = t->width;
    for (const tn_real *end = x + t->n; x < end; x += n, y += n) {
        const tn_real top = TN_MAX(j, n, x[j]);
        for (int64_t j = 0; j < n; j++) y[j] = tn_exp(x[j] - top);
        const tn_real scale = (tn_real)(1 / TN_SUM(j, n, y[j]));
        for (int64_t j = 0; j < n; j++) y[j] *= scale;
    }
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const int64_t n = t->width;
    for (const tn_real *end = y + t->n; y < end; y += n, gy += n, gx += n) {
        const tn_real mean = (tn_real)TN_SUM(j, n, gy[j] * y[j]);
        for (int64_t j = 0; j < n; j++) gx[j] = y[j] * (gy[j] - mean);
    }
}

TN_VTABLE(layer, .kernel = TN_ROW, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, softmax, .summary = "Normalised exponentials over the last axis",
          .formula = "y_j = exp(x_j) / sum_k exp(x_k)",
          .reference =
              "Bridle, Probabilistic interpretation of feedforward classification "
              "network outputs, 1990",
          .gain = 1, .initializer = "xavier", .makes = TN_PROBABILITIES)
