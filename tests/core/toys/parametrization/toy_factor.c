/* toy_factor - w = factor v, with a schedulable factor and a number to keep. */
#include <tenon/plugin.h>

#define OPTIONS(P) \
    P(SCHEDULABLE, factor, TN_POSITIONAL, 1, -INFINITY, INFINITY, "of the raw weight")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *v, tn_real *w)
{
    const TN(self) *self = me;
    for (int64_t i = 0; i < t->n; i++) w[i] = (tn_real)tn_now(t, self->factor) * v[i];
}

TN_VTABLE(parametrization, .kernel = TN_MAP, .forward = TN(forward), .numbers = 1)
TN_PLUGIN_WITH(OPTIONS, parametrization, toy_factor, .summary = "A factor of the weight",
               .formula = "w = factor v", .reference = "none: a test's")
