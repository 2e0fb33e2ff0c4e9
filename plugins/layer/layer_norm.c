/* layer_norm - each row brought to mean 0 and variance 1 over its features, then scaled and
 * shifted by learned values.
 *
 *     xhat = (x - mean) / sqrt(var + eps),  y = gamma xhat + beta
 *     dL/dx = 1 / sqrt(var + eps) (g - mean(g) - xhat mean(g xhat)),  g = gamma dL/dy
 *     dL/dgamma = sum over rows of xhat dL/dy,  dL/dbeta = sum over rows of dL/dy
 *
 * Ba, Kiros, Hinton, "Layer normalization", arXiv:1607.06450, eq. 3. */
#include <tenon/plugin.h>
#include "affine.h"
#include "norm_row.h"

#define OPTIONS(P)                                              \
    P(REAL, eps, TN_ABOVE, 1e-5, 0, 1, "added to the variance") \
    P(BOOL, affine, 0, 1, , , "whether to learn a scale and a shift of each feature")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    if (!self->affine) return TN_OK;
    const tn_status status = affine_declare(c, node, "gamma", 1, "weight");
    return status ? status : affine_declare(c, node, "beta", 0, "bias");
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const tn_real *gamma = self->affine ? t->param[GAMMA] : NULL;
    const tn_real *beta = self->affine ? t->param[BETA] : NULL;
    const int64_t n = t->width;
    for (const tn_real *end = x + t->n; x < end; x += n, y += n) {
        const TN(moments) r = TN(look)(n, x, self->eps);
        for (int64_t j = 0; j < n; j++) {
            const tn_real xhat = (x[j] - r.mean) * r.inverse;
            y[j] = gamma ? gamma[j] * xhat + beta[j] : xhat;
        }
    }
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const tn_real *gamma = self->affine ? t->param[GAMMA] : NULL;
    const int64_t n = t->width;
    for (int64_t i = 0; i < t->n; i += n) {
        const TN(moments) r = TN(look)(n, x + i, self->eps);
        if (gamma) TN(add)(n, r, x + i, gy + i, t->gparam[GAMMA], t->gparam[BETA]);
        if (gx) TN(back)(n, r, x + i, gamma, gy + i, gx + i);
    }
}

TN_VTABLE(layer, .kernel = TN_ROW, .flags = TN_NEEDS_X | TN_INPLACE, .infer = TN(infer),
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(
    OPTIONS, layer, layer_norm,
    .summary = "Layer normalization of each row over its features",
    .formula = "y = gamma (x - mean) / sqrt(var + eps) + beta",
    .reference = "Ba, Kiros, Hinton, Layer normalization, arXiv:1607.06450, eq. 3")
