/* relu - rectified linear unit.
 *
 *     y = max(x, 0),  dL/dx = dL/dy where y > 0, else 0 (also at the kink x = 0)
 *
 * Nair, Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML
 * 2010. The gain sqrt(2) is He, Zhang, Ren, Sun, ICCV 2015, eq. 10: half the power is
 * cut off. */
#include <tenon/plugin.h>

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i] < 0 ? 0 : x[i]; /* a NaN stays one */
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real g = gy[i]; /* read always: a read under a condition is no vector */
        gx[i] = y[i] > 0 ? g : 0;
    }
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, relu, .summary = "Rectified linear unit", .formula = "y = max(x, 0)",
          .reference =
              "Nair, Hinton, Rectified linear units improve restricted Boltzmann "
              "machines, ICML 2010",
          .gain = 1.41421356237309505, .initializer = "he", .kink_count = 1, .kink = {0})
