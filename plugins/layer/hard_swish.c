/* hard_swish - the input times its hard sigmoid.
 *
 *     y = x min(max(x / 6 + 1/2, 0), 1)
 *     dL/dx = dL/dy (x / 3 + 1/2) where -3 < x < 3; 0 to the left, dL/dy to the right
 *
 * Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2. The gain keeps the second
 * moment of a normal x. y does not tell x: it falls before it rises. */
#include <tenon/plugin.h>

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) { /* a NaN stays one, -infinity gives 0 */
        const tn_real curve = x[i] * (x[i] + 3) / 6, right = x[i] >= 3 ? x[i] : curve;
        y[i] = x[i] <= -3 ? 0 : right;
    }
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real curve = gy[i] * (x[i] / 3 + (tn_real)0.5);
        const tn_real right = x[i] >= 3 ? gy[i] : curve;
        gx[i] = x[i] <= -3 ? 0 : right;
    }
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, hard_swish, .summary = "Piecewise quadratic swish",
          .formula = "y = x min(max(x / 6 + 1/2, 0), 1)",
          .reference = "Howard et al., Searching for MobileNetV3, ICCV 2019, section 5.2",
          .gain = 1.73665721276654162, .initializer = "he", .kink_count = 2,
          .kink = {-3, 3})
