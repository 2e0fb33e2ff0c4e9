/* elu - exponential linear unit: the identity to the right, a decay to -alpha to the left.
 *
 *     y = x where x > 0, else alpha (exp(x) - 1)
 *     dL/dx = dL/dy where y > 0, else (y + alpha) dL/dy
 *
 * Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential linear
 * units", ICLR 2016, eq. 15. The gain keeps the second moment of a normal x. */
#include <tenon/plugin.h>
#include "elu.h"

#define OPTIONS(P) \
    P(REAL, alpha, TN_POSITIONAL, 1, 0, INFINITY, "depth of what is negative")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    TN(elu)(t->n, 1, self->alpha, 1, x, y);
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    TN(elu_back)(t->n, 1, self->alpha, 1, y, gy, gx);
}

static double TN(gain)(const void *me)
{
    const TN(self) *self = me;
    return TN(elu_gain)(self->alpha, 1);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward), .gain = TN(gain))
TN_PLUGIN_WITH(
    OPTIONS, layer, elu, .summary = "Exponential linear unit",
    .formula = "y = x if x > 0, else alpha (exp(x) - 1)",
    .reference = "Clevert, Unterthiner, Hochreiter, Fast and accurate deep network "
                 "learning by exponential linear units, ICLR 2016, eq. 15",
    .gain = 1.24519830070070655, .initializer = "he", .kink_count = 1, .kink = {0})
