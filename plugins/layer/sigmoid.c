/* sigmoid - the logistic function.
 *
 *     y = 1 / (1 + exp(-x)),  dL/dx = dL/dy y (1 - y)
 *
 * Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors",
 * Nature 323, 1986, eq. 2. */
#include <tenon/plugin.h>
#include <tenon/math.h>

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = tn_sigmoid(x[i]);
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) gx[i] = gy[i] * y[i] * (1 - y[i]);
}

static void TN(range)(const void *self, double *low, double *high)
{
    *low = 0, *high = 1;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward), .range = TN(range))
TN_PLUGIN(layer, sigmoid, .summary = "Logistic function, to (0, 1)",
          .formula = "y = 1 / (1 + exp(-x))",
          .reference = "Rumelhart, Hinton, Williams, Learning representations by "
                       "back-propagating errors, Nature 323, 1986, eq. 2",
          .gain = 1, .initializer = "xavier", .makes = TN_PROBABILITIES)
