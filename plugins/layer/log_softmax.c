/* log_softmax - logarithms of the softmax of each row.
 *
 *     y_j = x_j - m - log(sum_k exp(x_k - m)),  m = max_k x_k
 *     dL/dx_j = dL/dy_j - exp(y_j) sum_k dL/dy_k
 *
 * Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
 * Unlike the logarithm of softmax it has no log 0, and its digits stay where a probability is next
 * to 0. The loss behind it is nll; cross_entropy
 * takes logits. */
#include <tenon/plugin.h>
#include <tenon/math.h>

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    const int64_t n = t->width;
    for (const tn_real *end = x + t->n; x < end; x += n, y += n) {
        const tn_real top = TN_MAX(j, n, x[j]);
        const double sum = TN_SUM(j, n, tn_exp(x[j] - top));
        const tn_real log_sum = (tn_real)tn_log(sum);
        for (int64_t j = 0; j < n; j++) y[j] = (x[j] - top) - log_sum;
    }
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const int64_t n = t->width;
    for (const tn_real *end = y + t->n; y < end; y += n, gy += n, gx += n) {
        const tn_real sum = (tn_real)TN_SUM(j, n, gy[j]);
        for (int64_t j = 0; j < n; j++) gx[j] = gy[j] - tn_exp(y[j]) * sum;
    }
}

TN_VTABLE(layer, .kernel = TN_ROW, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, log_softmax, .summary = "Logarithms of softmax over the last axis",
          .formula = "y_j = x_j - log(sum_k exp(x_k))",
          .reference = "Bridle, Probabilistic interpretation of feedforward "
                       "classification network outputs, 1990",
          .gain = 1, .initializer = "xavier", .makes = TN_LOG_PROBABILITIES)
