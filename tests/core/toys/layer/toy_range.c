/* toy_range - y = c x / (c + |x|): an activation of a range of its own, -c to c (softsign, Bergstra et
 * al., 2009, stretched). */
#include <tenon/plugin.h>
#include <tgmath.h>

#define OPTIONS(P) P(REAL, size, TN_POSITIONAL | TN_ABOVE, 1, 0, 100, "where it ends")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const tn_real c = (tn_real)((const TN(self) *)me)->size;
    for (int64_t i = 0; i < t->n; i++) y[i] = c * x[i] / (c + fabs(x[i]));
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const tn_real c = (tn_real)((const TN(self) *)me)->size;
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real left = c / (c + fabs(x[i]));
        gx[i] = gy[i] * left * left;
    }
}

static void TN(range)(const void *me, double *low, double *high)
{
    const TN(self) *self = me;
    *low = -self->size, *high = self->size;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X, .forward = TN(forward),
          .backward = TN(backward), .range = TN(range))
TN_PLUGIN_WITH(OPTIONS, layer, toy_range, .summary = "softsign to ends of your own",
               .formula = "y = c x / (c + |x|)",
               .reference = "Bergstra, Desjardins, Lamblin, Bengio, technical report "
                            "1337, Universite de Montreal, 2009")
