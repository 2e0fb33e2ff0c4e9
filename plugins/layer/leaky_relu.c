/* leaky_relu - a rectifier that lets a small part of what is negative through.
 *
 *     y = x where x > 0, else slope x,  dL/dx = dL/dy where y > 0, else slope dL/dy
 *
 * Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML
 * workshop on deep learning for audio, 2013, section 2. The gain is sqrt(2 / (1 + slope^2)). The
 * slope is not negative: then y tells the side of x. */
#include <tenon/plugin.h>
#include "leaky.h"

#define OPTIONS(P) P(REAL, slope, TN_POSITIONAL, 0.01, 0, INFINITY, "of what is negative")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const tn_real slope = (tn_real)self->slope;
    for (int64_t i = 0; i < t->n; i++) y[i] = TN(leak)(x[i], x[i], slope);
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const tn_real slope = (tn_real)self->slope;
    for (int64_t i = 0; i < t->n; i++) gx[i] = TN(leak)(y[i], gy[i], slope);
}

static double TN(gain)(const void *me)
{
    const TN(self) *self = me;
    return TN(leaky_gain)(self->slope);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward), .gain = TN(gain))
TN_PLUGIN_WITH(
    OPTIONS, layer, leaky_relu, .summary = "Rectifier with a slope to the left of zero",
    .formula = "y = x if x > 0, else slope x",
    .reference = "Maas, Hannun, Ng, Rectifier nonlinearities improve neural network "
                 "acoustic models, ICML workshop 2013, section 2",
    .gain = 1.41414285699783535, .initializer = "he", .kink_count = 1, .kink = {0})
