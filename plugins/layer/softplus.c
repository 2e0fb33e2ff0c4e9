/* softplus - a smooth rectifier.
 *
 *     y = log(1 + exp(beta x)) / beta,  dL/dx = dL/dy / (1 + exp(-beta x))
 *     where beta x > threshold:  y = x,  dL/dx = dL/dy
 *
 * Dugas, Bengio, Belisle, Nadeau, Garcia, "Incorporating second-order functional knowledge for
 * better option pricing", NIPS 2000, section 1; the threshold is PyTorch's. As max(z, 0) + log(1 +
 * exp(-|z|)), z = beta x, nothing overflows. At a low threshold y jumps there and does not tell the
 * side, so backward reads x. The gain keeps the second moment of a normal x. */
#include <tenon/plugin.h>
#include <tenon/math.h>

#define OPTIONS(P)                                          \
    P(REAL, beta, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY, \
      "steepness: the larger, the nearer to relu")          \
    P(REAL, threshold, 0, 20, -INFINITY, INFINITY, "beta x from which on y is x")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const tn_real beta = (tn_real)self->beta, threshold = (tn_real)self->threshold;
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real z = beta * x[i], right = z > 0 ? z : 0;
        const tn_real soft = (right + tn_log1p(tn_exp(z > 0 ? -z : z))) / beta;
        y[i] = z > threshold ? x[i] : soft;
    }
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const tn_real beta = (tn_real)self->beta, threshold = (tn_real)self->threshold;
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real z = beta * x[i], s = tn_sigmoid(z);
        gx[i] = gy[i] * (z > threshold ? 1 : s);
    }
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, softplus, .summary = "Smooth rectifier",
               .formula = "y = log(1 + exp(beta x)) / beta",
               .reference = "Dugas, Bengio, Belisle, Nadeau, Garcia, NIPS 2000",
               .gain = 1.04186683553530171, .initializer = "xavier")
