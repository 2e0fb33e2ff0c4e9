/* hard_tanh - the identity, cut off at two values.
 *
 *     y = min(max(x, min), max),  dL/dx = dL/dy where min < y < max, else 0
 *
 * Collobert, "Large scale machine learning", thesis, Universite Paris VI, 2004. With
 * min 0 and max 6 it is relu6 (Krizhevsky, 2010). The gain keeps the second moment of a normal x
 * at -1 and 1. */
#include <tenon/plugin.h>

#define OPTIONS(P)                                               \
    P(REAL, min, 0, -1, -INFINITY, INFINITY, "least value of y") \
    P(REAL, max, 0, 1, -INFINITY, INFINITY, "largest value of y")
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    return self->min < self->max
               ? TN_OK
               : tn_fail(c, TN_EINVAL, "min must be below max, but they are %g and %g",
                         self->min, self->max);
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const tn_real least = (tn_real)self->min, most = (tn_real)self->max;
    for (int64_t i = 0; i < t->n; i++) { /* a NaN stays one */
        const tn_real low = x[i] < least ? least : x[i];
        y[i] = low > most ? most : low;
    }
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const tn_real least = (tn_real)self->min, most = (tn_real)self->max;
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real g = gy[i];
        gx[i] = ((y[i] > least) & (y[i] < most)) ? g : 0;
    }
}

static void TN(range)(const void *me, double *low, double *high)
{
    const TN(self) *self = me;
    *low = self->min, *high = self->max;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE, .check = TN(check),
          .forward = TN(forward), .backward = TN(backward), .range = TN(range))
TN_PLUGIN_WITH(OPTIONS, layer, hard_tanh,
               .summary = "The identity, cut off at two values",
               .formula = "y = min(max(x, min), max)",
               .reference = "Collobert, Large scale machine learning, thesis, "
                            "Universite Paris VI, 2004",
               .gain = 1.39203614044830975, .initializer = "xavier", .kink_count = 2,
               .kink = {-1, 1})
