/* instance_norm - each channel of each sample brought to mean 0 and variance 1 over all positions:
 * group_norm with as many groups as channels; see group_norm.h.
 *
 * Ulyanov, Vedaldi, Lempitsky, "Instance normalization: the missing ingredient for fast
 * stylization", arXiv:1607.08022, eq. 3. The same in training and evaluation. Like the other
 * norms here it learns a scale and a shift unless told not to (PyTorch by default does not). */
#include <tenon/plugin.h>

#define OPTIONS(P)                                              \
    P(REAL, eps, TN_ABOVE, 1e-5, 0, 1, "added to the variance") \
    P(BOOL, affine, 0, 1, , , "whether to learn a scale and a shift of each channel")
#include "group_norm.h"

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    self->parts = tn_shape_width(&node->in[0]);
    if (tn_shape_count(&node->in[0]) == self->parts)
        return tn_fail(c, TN_ESHAPE,
                       "needs several positions, as in (height, width, channels): one "
                       "value has no variance");
    return TN(declare)(self, c, node);
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X, .infer = TN(infer),
          .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(
    OPTIONS, layer, instance_norm,
    .summary = "Normalization of each channel of each sample over its positions",
    .formula = "y = gamma (x - mean) / sqrt(var + eps) + beta, over positions",
    .reference = "Ulyanov, Vedaldi, Lempitsky, Instance normalization, "
                 "arXiv:1607.08022, eq. 3")
