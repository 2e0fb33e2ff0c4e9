/* mish - the input times tanh of its softplus.
 *
 *     y = x w,  w = tanh(log(1 + exp(x))),  dL/dx = dL/dy (w + x w'),
 *     w' = (1 - w^2) / (1 + exp(-x))
 *
 * Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020, section 3. Without
 * logarithm and tanh, with e = exp(x), b = 2 + 2 e + e^2: w = e (2 + e) / b, w' = 4 e (1 + e) / b^2;
 * to the right of zero the same in q = exp(-x), so that nothing overflows. The gain keeps the second
 * moment of a normal x. y does not tell x: it falls before it rises. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include "gate.h"

/* w and, with `slope`, w + x w'. */
TN_INLINE tn_real TN(mish)(tn_real x, int slope)
{
    const tn_real e = tn_exp(x > 0 ? -x : x), square = e * e;
    const tn_real above = x > 0 ? 1 + 2 * e : 2 * e + square;
    const tn_real below = x > 0 ? above + 2 * square : above + 2;
    const tn_real w = above / below, steep = x > 0 ? square : e;
    return slope ? w + x * (4 * steep * (1 + e) / (below * below)) : w;
}

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = TN(from_left)(x[i]) * TN(mish)(x[i], 0);
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) gx[i] = gy[i] * TN(mish)(TN(from_both)(x[i]), 1);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, mish, .summary = "The input times tanh of its softplus",
          .formula = "y = x tanh(log(1 + exp(x)))",
          .reference = "Misra, Mish: a self regularized non-monotonic activation "
                       "function, BMVC 2020, section 3",
          .gain = 1.4868475812732081, .initializer = "he")
