/* celu - exponential linear unit with a continuous derivative for every alpha.
 *
 *     y = x where x > 0, else alpha (exp(x / alpha) - 1)
 *     dL/dx = dL/dy where y > 0, else (1 + y / alpha) dL/dy
 *
 * Barron, "Continuously differentiable exponential linear units", arXiv:1704.07483. The
 * gain keeps the second moment of a normal x. */
#include <tenon/plugin.h>
#include "elu.h"

#define OPTIONS(P)                                           \
    P(REAL, alpha, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY, \
      "depth of what is negative, and how far from zero it bends")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    TN(elu)(t->n, 1, self->alpha, 1 / self->alpha, x, y);
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    TN(elu_back)(t->n, 1, self->alpha, 1 / self->alpha, y, gy, gx);
}

static double TN(gain)(const void *me)
{
    const TN(self) *self = me;
    return TN(elu_gain)(self->alpha, 1 / self->alpha);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward), .gain = TN(gain))
TN_PLUGIN_WITH(OPTIONS, layer, celu,
               .summary = "Exponential linear unit with a continuous derivative",
               .formula = "y = x if x > 0, else alpha (exp(x / alpha) - 1)",
               .reference = "Barron, Continuously differentiable exponential linear "
                            "units, arXiv:1704.07483",
               .gain = 1.24519830070070655, .initializer = "he")
