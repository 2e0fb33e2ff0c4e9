/* softsign - x over one plus its size: like tanh, but it saturates slowly.
 *
 *     y = x / (1 + |x|),  dL/dx = dL/dy (1 - |y|)^2
 *
 * Bergstra, Desjardins, Lamblin, Bengio, "Quadratic polynomials learn better image features",
 * technical report 1337, Universite de Montreal, 2009; Glorot, Bengio, AISTATS 2010, section 3. The
 * gain keeps the second moment of a normal x. */
#include <tenon/plugin.h>
#include <tgmath.h>

/* At infinity the quotient would be NaN. */
TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real size = fabs(x[i]), quotient = x[i] / (1 + size);
        const tn_real side = x[i] > 0 ? 1 : -1;
        y[i] = size == (tn_real)INFINITY ? side : quotient;
    }
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real left = 1 - fabs(y[i]);
        gx[i] = gy[i] * left * left;
    }
}

static void TN(range)(const void *self, double *low, double *high)
{
    *low = -1, *high = 1;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward), .range = TN(range))
TN_PLUGIN(layer, softsign, .summary = "x over one plus its size, to (-1, 1)",
          .formula = "y = x / (1 + |x|)",
          .reference = "Bergstra, Desjardins, Lamblin, Bengio, technical report 1337, "
                       "Universite de Montreal, 2009; Glorot, Bengio, AISTATS 2010",
          .gain = 2.33753336310853966, .initializer = "xavier")
