/* gaussian_noise - adds normal noise to each element: for small noise much like a penalty on the
 * derivatives of the net.
 *
 *     y_i = x_i + deviation z_i,  dL/dx_i = dL/dy_i,  z_i ~ N(0, 1);  y = x outside training
 *
 * Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7, 1995,
 * 108-116. */
#include <string.h>
#include <tenon/plugin.h>
#include "noise.h"

#define OPTIONS(P)                                             \
    P(SCHEDULABLE, deviation, TN_POSITIONAL, 0.1, 0, INFINITY, \
      "standard deviation of the noise")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const double deviation = t->training ? tn_now(t, self->deviation) : 0;
    if (deviation > 0)
        TN(noise_add)(t->key, deviation, 0, tn_tile_index(t), t->n, x, y);
    else if (y != x)
        memcpy(y, x, (size_t)t->n * sizeof *y);
}

static void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                         const tn_real *y, const tn_real *gy, tn_real *gx)
{
    if (gx != gy) memcpy(gx, gy, (size_t)t->n * sizeof *gx);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_IDLE | TN_RANDOM | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, gaussian_noise,
               .summary = "Adds normal noise to elements while training",
               .formula = "y = x + deviation z, z ~ N(0, 1); y = x outside training",
               .reference = "Bishop, Training with noise is equivalent to Tikhonov "
                            "regularization, Neural Computation 7, 1995")
