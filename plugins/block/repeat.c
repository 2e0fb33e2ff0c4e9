/* repeat - a body several times, one behind the other, each time with parameters of its own.
 *
 *     y = f_n(... f_2(f_1(x))), all f of one form
 *
 * As in the tables of architectures: He, Zhang, Ren, Sun, "Deep residual learning for image
 * recognition", CVPR 2016, table 1. The copies' layers get numbers behind their names, so none of
 * them may have a `name` of its own. */
#include <tenon/plugin.h>
#include <tenon/block.h>

#define OPTIONS(P)                                                     \
    P(INT, times, TN_REQUIRED, 0, 1, 1000, "how often the body comes") \
    P(GRAPH, body, TN_REQUIRED, "[]", , , "layers, none with a name of its own")
TN_SELF(OPTIONS, )

static tn_status TN(expand)(const void *me, tn_call *c, tn_builder *b, int32_t inputs,
                            const int32_t *input, int32_t *out)
{
    const TN(self) *self = me;
    if (inputs != 1) return tn_fail(c, TN_EINVAL, "has one input, got %d", inputs);
    *out = input[0];
    for (int64_t i = 0; i < self->times && *out >= 0; i++)
        *out = b->add_graph(b, c, self->body, *out);
    return *out < 0 ? TN_EINVAL : TN_OK; /* the call knows why */
}

TN_VTABLE(block, .expand = TN(expand))
TN_PLUGIN_WITH(OPTIONS, block, repeat, .summary = "A body of layers several times",
               .formula = "y = f_n(... f_2(f_1(x))), all f of one form",
               .reference = "He, Zhang, Ren, Sun, Deep residual learning for image "
                            "recognition, CVPR 2016, table 1")
