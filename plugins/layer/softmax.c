/* softmax - normalised exponentials of each row.
 *
 *     y_j = exp(x_j - m) / sum_k exp(x_k - m),  m = max_k x_k
 *     dL/dx_j = y_j (dL/dy_j - sum_k dL/dy_k y_k)
 *
 * Taking m away changes nothing and keeps every exponent at or below 0. Bridle,
 * "Probabilistic interpretation of feedforward classification network outputs", 1990.
 * Before cross_entropy it is not wanted: that loss takes logits. */
#include <tenon/plugin.h>
#include <tgmath.h>

static void TN(forward_row)(int64_t n, const tn_real *x, tn_real *y)
{
    tn_real top = x[0];
    double sum = 0;
    for (int64_t j = 1; j < n; j++) top = x[j] > top ? x[j] : top;
    for (int64_t j = 0; j < n; j++) sum += y[j] = exp(x[j] - top);
    const tn_real scale = (tn_real)(1 / sum);
    for (int64_t j = 0; j < n; j++) y[j] *= scale;
}

static void TN(backward_row)(int64_t n, const tn_real *y, const tn_real *gy, tn_real *gx)
{
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += gy[j] * y[j];
    const tn_real mean = (tn_real)sum;
    for (int64_t j = 0; j < n; j++) gx[j] = y[j] * (gy[j] - mean);
}

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i += t->width) TN(forward_row)(t->width, x + i, y + i);
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i += t->width)
        TN(backward_row)(t->width, y + i, gy + i, gx + i);
}

TN_VTABLE(layer, .kernel = TN_ROW, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, softmax, .summary = "Normalised exponentials over the last axis",
          .formula = "y_j = exp(x_j) / sum_k exp(x_k)",
          .reference =
              "Bridle, Probabilistic interpretation of feedforward classification "
              "network outputs, 1990",
          .gain = 1, .initializer = "xavier")
