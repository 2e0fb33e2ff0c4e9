/* group_norm - channels in groups, each group of each sample brought to mean 0 and variance 1 over
 * all positions and channels in it; see group_norm.h.
 *
 * Wu, He, "Group normalization", ECCV 2018, eqs. 1 to 7. With groups: 1 it is layer normalization
 * over all axes, with as many groups as channels instance_norm. */
#include <tenon/plugin.h>

#define OPTIONS(P)                                                                      \
    P(INT, groups, TN_POSITIONAL, 32, 1, INT32_MAX, "groups; they divide the channels") \
    P(REAL, eps, TN_ABOVE, 1e-5, 0, 1, "added to the variance")                         \
    P(BOOL, affine, 0, 1, , , "whether to learn a scale and a shift of each channel")
#include "group_norm.h"

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    const int64_t channels = tn_shape_width(&node->in[0]);
    if (channels % self->groups)
        return tn_fail(c, TN_ESHAPE,
                       "%lld groups do not divide %lld channels; take a divisor of the "
                       "channels",
                       (long long)self->groups, (long long)channels);
    if (tn_shape_count(&node->in[0]) == self->groups)
        return tn_fail(
            c, TN_ESHAPE,
            "a group of one value has no variance; take fewer than %lld groups",
            (long long)self->groups);
    self->parts = self->groups;
    return TN(declare)(self, c, node);
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X, .infer = TN(infer),
          .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(OPTIONS, layer, group_norm,
               .summary = "Normalization of groups of channels, sample by sample",
               .formula = "y = gamma (x - mean) / sqrt(var + eps) + beta, over a group",
               .reference = "Wu, He, Group normalization, ECCV 2018, eqs. 1 to 7")
