/* toy_odd - a map whose infer breaks the rule that `how` names, or none. */
#include <tenon/plugin.h>

#define OPTIONS(P)                                                                    \
    P(ENUM, how, TN_POSITIONAL, 0, "good|wider|deep|column|silent|foreign|uneven", 0, \
      "what is wrong with it")                                                        \
    P(PLUGIN, start, 0, "{l2: 1}", "regularizer", 0, "no initializer")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    tn_param_spec p = {.name = "p", .role = TN_NORM, .shape = {.rank = 1, .dim = {1}}};
    if (self->how == 1) node->out.dim[node->out.rank - 1]++;
    if (self->how == 2)
        for (node->out.rank = 0; node->out.rank < TN_MAX_RANK; node->out.rank++)
            node->out.dim[node->out.rank] = 1;
    if (self->how == 3) p.along = TN_PER_COLUMN;
    if (self->how == 4) return TN_ENUMERIC;
    if (self->how == 5) p.initializer = self->start;
    if (self->how == 6) p.parts = 2;
    return c->host->param(c, &p);
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i];
}

TN_VTABLE(layer, .kernel = TN_MAP, .infer = TN(infer), .forward = TN(forward),
          .max_inputs = 1000)
TN_PLUGIN_WITH(OPTIONS, layer, toy_odd, .summary = "A map that breaks a rule",
               .formula = "y = x", .reference = "none: a test's")
