/* tanh - hyperbolic tangent.
 *
 *     y = tanh(x),  dL/dx = dL/dy (1 - y^2)
 *
 * LeCun, Bottou, Orr, Mueller, "Efficient BackProp", 1998, section 4.4. The gain 5/3
 * is the field's (there 1.7159, rounded). It is a fact about tanh: whether it is
 * applied is up to the initializer, which `init: auto` chooses as Xavier here. */
#include <tenon/plugin.h>
#include <tenon/math.h>

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = tn_tanh(x[i]);
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) gx[i] = gy[i] * (1 - y[i] * y[i]);
}

static void TN(range)(const void *self, double *low, double *high)
{
    *low = -1, *high = 1;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward), .range = TN(range))
TN_PLUGIN(
    layer, tanh, .summary = "Hyperbolic tangent, to (-1, 1)", .formula = "y = tanh(x)",
    .reference = "LeCun, Bottou, Orr, Mueller, Efficient BackProp, 1998, section 4.4",
    .gain = 5.0 / 3.0, .initializer = "xavier")
