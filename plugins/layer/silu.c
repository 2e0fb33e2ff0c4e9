/* silu - the input times its logistic function; also called swish.
 *
 *     y = x s(x),  dL/dx = dL/dy (s + x s (1 - s)),  s(x) = 1 / (1 + exp(-x))
 *
 * Hendrycks, Gimpel, "Gaussian error linear units", arXiv:1606.08415, section 2; Elfwing, Uchibe,
 * Doya, Neural Networks 107 (2018), section 2. The gain keeps the second moment
 * of a normal x. y does not tell x: it falls before it rises. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include "gate.h"

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = TN(from_left)(x[i]) * tn_sigmoid(x[i]);
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real z = TN(from_both)(x[i]), s = tn_sigmoid(z);
        gx[i] = gy[i] * (s + z * s * (1 - s));
    }
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, silu, .summary = "Sigmoid linear unit (swish)",
          .formula = "y = x / (1 + exp(-x))",
          .reference = "Hendrycks, Gimpel, arXiv:1606.08415, section 2; Elfwing, Uchibe, "
                       "Doya, Neural Networks 107 (2018), section 2",
          .gain = 1.67653247033109116, .initializer = "he")
