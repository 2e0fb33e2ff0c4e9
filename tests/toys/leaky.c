/* leaky - leaky ReLU, y = x for x > 0, else slope x (Maas et al., ICML 2013): the smallest
 * layer with an option. */
#include <tenon/plugin.h>

#define OPTIONS(P) P(REAL, slope, TN_POSITIONAL, 0.01, 0, 1, "gradient for x < 0")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const tn_real slope = (tn_real)((const TN(self) *)me)->slope;
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const tn_real slope = (tn_real)((const TN(self) *)me)->slope;
    for (int64_t i = 0; i < t->n; i++) gx[i] = x[i] > 0 ? gy[i] : slope * gy[i];
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X, .forward = TN(forward),
          .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, leaky, .summary = "leaky rectified linear unit",
               .formula = "y = x if x > 0, else slope x",
               .reference = "Maas, Hannun, Ng, \"Rectifier nonlinearities improve neural "
                            "network acoustic models\", ICML 2013",
               .kink_count = 1)
