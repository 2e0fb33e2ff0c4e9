/* gelu - the input times the share of a normal distribution that lies below it.
 *
 *     y = x P(x),  dL/dx = dL/dy (P + x p),  P(x) = erfc(-x / sqrt 2) / 2,
 *                  p(x) = exp(-x^2 / 2) / sqrt(2 pi)
 *     tanh:  P(x) = (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)),  p = 2 u' P (1 - P),
 *            u = sqrt(2 / pi) (x + 0.044715 x^3)
 *
 * Hendrycks, Gimpel, "Gaussian error linear units", arXiv:1606.08415, section 2. With erfc, which is
 * 1 + erf(x / sqrt 2), what is far left keeps its digits. The gain keeps the second moment of a
 * normal x. y does not tell x: it falls before it rises. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include "gate.h"

#define OPTIONS(P)                                         \
    P(ENUM, approximate, TN_POSITIONAL, 0, "none|tanh", 0, \
      "how P is computed: by erfc, or by the formula with tanh")
TN_SELF(OPTIONS, )

/* x P and its derivative; what is multiplied by 0 far out is kept finite. */
TN_INLINE tn_real TN(by_erfc)(tn_real x, int slope)
{
    const tn_real share = tn_erfc(x * (tn_real)-0.70710678118654752) / 2;
    const tn_real p = tn_exp(x * x / -2) * (tn_real)0.39894228040143268;
    return slope ? share + TN(from_both)(x) * p : TN(from_left)(x) * share;
}

TN_INLINE tn_real TN(by_tanh)(tn_real x, int slope)
{
    const tn_real a = (tn_real)1.59576912160573072, b = (tn_real)0.044715; /* of 2 u */
    const tn_real z = TN(from_both)(x), share = tn_sigmoid(a * (z + b * z * z * z));
    return slope ? share + z * share * (1 - share) * a * (1 + 3 * b * z * z)
                 : TN(from_left)(x) * share;
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    if (self->approximate)
        for (int64_t i = 0; i < t->n; i++) y[i] = TN(by_tanh)(x[i], 0);
    else
        for (int64_t i = 0; i < t->n; i++) y[i] = TN(by_erfc)(x[i], 0);
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    if (self->approximate)
        for (int64_t i = 0; i < t->n; i++) gx[i] = gy[i] * TN(by_tanh)(x[i], 1);
    else
        for (int64_t i = 0; i < t->n; i++) gx[i] = gy[i] * TN(by_erfc)(x[i], 1);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, gelu, .summary = "Gaussian error linear unit",
               .formula = "y = x (1 + erf(x / sqrt 2)) / 2",
               .reference = "Hendrycks, Gimpel, Gaussian error linear units, "
                            "arXiv:1606.08415, section 2",
               .gain = 1.53353044119553523, .initializer = "he")
