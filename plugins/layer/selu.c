/* selu - the scaled exponential linear unit that has mean 0 and variance 1 as its fixed point.
 *
 *     y = lambda x where x > 0, else lambda alpha (exp(x) - 1)
 *     dL/dx = lambda dL/dy where y > 0, else (y + lambda alpha) dL/dy
 *
 * Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks", NIPS 2017, eq. 2;
 * the two numbers are those that the fixed point asks for. Of a normal x it keeps mean and variance: its gain is 1, and the
 * weights before it want variance 1 / fan_in (section "Initialization"). */
#include <tenon/plugin.h>
#include "elu.h"

#ifndef LAMBDA
#define LAMBDA 1.0507009873554804934
#define ALPHA 1.6732632423543772848
#endif

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    TN(elu)(t->n, LAMBDA, LAMBDA * ALPHA, 1, x, y);
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    TN(elu_back)(t->n, LAMBDA, LAMBDA * ALPHA, 1, y, gy, gx);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, selu, .summary = "Self-normalizing exponential linear unit",
          .formula = "y = 1.0507 x if x > 0, else 1.0507 1.6733 (exp(x) - 1)",
          .reference = "Klambauer, Unterthiner, Mayr, Hochreiter, Self-normalizing "
                       "neural networks, NIPS 2017, eq. 2",
          .gain = 1, .initializer = "lecun", .kink_count = 1, .kink = {0})
