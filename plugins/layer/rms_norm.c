/* rms_norm - each row brought to a mean square of 1 over its features, then scaled by learned
 * values.
 *
 *     xhat = x / sqrt(mean(x^2) + eps),  y = gamma xhat
 *     dL/dx = 1 / sqrt(mean(x^2) + eps) (g - xhat mean(g xhat)),  g = gamma dL/dy
 *     dL/dgamma = sum over rows of xhat dL/dy
 *
 * Zhang, Sennrich, "Root mean square layer normalization", NeurIPS 2019, eq. 4. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include "affine.h"

#define OPTIONS(P)                                                 \
    P(REAL, eps, TN_ABOVE, 1e-6, 0, 1, "added to the mean square") \
    P(BOOL, affine, 0, 1, , , "whether to learn a scale of each feature")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    return self->affine ? affine_declare(c, node, "gamma", 1, "weight") : TN_OK;
}

TN_INLINE tn_real TN(inverse)(int64_t n, const tn_real *x, double eps)
{
    const double square = TN_SUM(j, n, (double)x[j] * (double)x[j]) / (double)n;
    return (tn_real)(1 / sqrt(square + eps));
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const tn_real *gamma = self->affine ? t->param[GAMMA] : NULL;
    const int64_t n = t->width;
    for (const tn_real *end = x + t->n; x < end; x += n, y += n) {
        const tn_real inverse = TN(inverse)(n, x, self->eps);
        for (int64_t j = 0; j < n; j++)
            y[j] = gamma ? gamma[j] * (x[j] * inverse) : x[j] * inverse;
    }
}

TN_INLINE void TN(back)(int64_t n, tn_real inverse, const tn_real *x,
                        const tn_real *gamma, const tn_real *gy, tn_real *gx)
{
#define G(j) (gamma ? gamma[j] * gy[j] : gy[j])
    const tn_real mean = (tn_real)(TN_SUM(j, n, (double)(G(j) * (x[j] * inverse))) /
                                   (double)n);
    for (int64_t j = 0; j < n; j++) gx[j] = inverse * (G(j) - x[j] * inverse * mean);
#undef G
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const tn_real *gamma = self->affine ? t->param[GAMMA] : NULL;
    tn_real *restrict ggamma = self->affine ? t->gparam[GAMMA] : NULL;
    const int64_t n = t->width;
    for (int64_t i = 0; i < t->n; i += n) {
        const tn_real inverse = TN(inverse)(n, x + i, self->eps);
        for (int64_t j = 0; ggamma && j < n; j++)
            ggamma[j] += gy[i + j] * (x[i + j] * inverse);
        if (gx) TN(back)(n, inverse, x + i, gamma, gy + i, gx + i);
    }
}

TN_VTABLE(layer, .kernel = TN_ROW, .flags = TN_NEEDS_X | TN_INPLACE, .infer = TN(infer),
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, rms_norm,
               .summary = "Rows brought to a mean square of 1 over their features",
               .formula = "y = gamma x / sqrt(mean(x^2) + eps)",
               .reference =
                   "Zhang, Sennrich, Root mean square layer normalization, NeurIPS "
                   "2019, eq. 4")
