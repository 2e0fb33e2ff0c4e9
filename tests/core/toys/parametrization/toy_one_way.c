/* toy_one_way - the identity, without a backward. */
#include <tenon/plugin.h>

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i];
}

TN_VTABLE(parametrization, .kernel = TN_MAP, .forward = TN(forward))
TN_PLUGIN(parametrization, toy_one_way, .summary = "The identity, without a backward",
          .formula = "y = x", .reference = "none: a test's")
