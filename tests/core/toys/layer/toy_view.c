/* toy_view - a view that loses an element. */
#include <tenon/plugin.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    node->out = (tn_shape){.rank = 1, .dim = {tn_shape_count(&node->in[0]) - 1}};
    return TN_OK;
}

TN_VTABLE(layer, .flags = TN_VIEW, .infer = TN(infer))
TN_PLUGIN(layer, toy_view, .summary = "A view that loses an element",
          .formula = "y = x, but for the last", .reference = "none: a test's")
