/* parallel - branches that all read the same input, or each its own, and are joined.
 *
 *     y = (f_1(x), f_2(x), ...) along the last axis,  f_1(x) + f_2(x) + ...,  or their mean,
 *     with x_k in place of x where there are as many inputs as branches
 *
 * Szegedy et al., "Going deeper with convolutions", CVPR 2015, figure 2 (concat); Xie, Girshick,
 * Dollar, Tu, He, "Aggregated residual transformations", CVPR 2017, eq. 2 (add). */
#include <tenon/plugin.h>
#include <tenon/block.h>

#define OPTIONS(P)                                                          \
    P(GRAPHS, branches, TN_POSITIONAL | TN_REQUIRED, "[]", , ,              \
      "a list of layers for each branch; an empty one passes the input on") \
    P(ENUM, join, 0, 0, "concat|add|mean", , "how the branches' outputs become one")
TN_SELF(OPTIONS, )

#ifndef MOST
#define MOST 64 /* inputs of a node */
enum { CONCAT, ADD, MEAN };
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->branches->count >= 2 && self->branches->count <= MOST) return TN_OK;
    return tn_fail(c, TN_EINVAL, "has %lld branches; 2 to %d are possible",
                   (long long)self->branches->count, MOST);
}

static tn_status TN(expand)(const void *me, tn_call *c, tn_builder *b, int32_t inputs,
                            const int32_t *input, int32_t *out)
{
    const TN(self) *self = me;
    const int32_t count = (int32_t)self->branches->count;
    int32_t end[MOST];
    if (inputs != 1 && inputs != count)
        return tn_fail(c, TN_EINVAL,
                       "has one input for all branches or one for each of the %d, got %d",
                       count, inputs);
    for (int32_t k = 0; k < count; k++) {
        end[k] = b->add_graph(b, c, self->branches->at[k], input[inputs > 1 ? k : 0]);
        if (end[k] < 0) return TN_EINVAL; /* the call knows why */
    }
    *out = b->add(b, c, self->join == CONCAT ? "concat" : "add",
                  self->join == MEAN ? "{mean: true}" : NULL, count, end);
    return *out < 0 ? TN_EINVAL : TN_OK;
}

TN_VTABLE(block, .check = TN(check), .expand = TN(expand))
TN_PLUGIN_WITH(
    OPTIONS, block, parallel, .summary = "Branches side by side, then joined",
    .formula = "y = (f_1(x), f_2(x), ...), f_1(x) + f_2(x) + ..., or their mean",
    .reference = "Szegedy et al., Going deeper with convolutions, CVPR 2015, figure 2; "
                 "Xie et al., Aggregated residual transformations, CVPR 2017, eq. 2")
