/* flatten - the elements of a sample as one axis: (h, w, c) -> (h w c), last axis
 * fastest.
 *
 * A view: channels-last memory stays as it is and no kernel runs. */
#include <tenon/plugin.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    node->out = (tn_shape){.rank = 1, .dim = {tn_shape_count(&node->in[0])}};
    return TN_OK;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_VIEW, .infer = TN(infer))
TN_PLUGIN(layer, flatten, .summary = "All axes of a sample as one",
          .formula = "y[(i w + j) c + k] = x[i, j, k]",
          .reference = "Row-major (C) order of an array: ISO C11, 6.5.2.1, paragraph 3")
