/* toy_own - a map with a weight that has an initializer by an option of the layer's own. */
#include <tenon/plugin.h>

#define OPTIONS(P) P(PLUGIN, start, 0, "{toy_dial: 3}", "initializer", 0, "of its weight")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    char name[] = "w"; /* does not outlive the call */
    const tn_param_spec w = {.name = name,
                             .role = TN_WEIGHT,
                             .shape = {.rank = 2, .dim = {1, 1}},
                             .fan_in = 1,
                             .fan_out = 1,
                             .initializer = self->start};
    return c->host->param(c, &w);
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const tn_real *w = t->param[0];
    for (int64_t i = 0; i < t->n; i++) y[i] = w[0] * x[i];
}

TN_VTABLE(layer, .kernel = TN_MAP, .infer = TN(infer), .forward = TN(forward))
TN_PLUGIN_WITH(OPTIONS, layer, toy_own, .summary = "A factor, started as an option says",
               .formula = "y = w x", .initializer = "toy_lsuv",
               .reference = "none: a test's")
