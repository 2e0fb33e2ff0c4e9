/* sequential - layers one behind the other, as one node of a list: with a name of their own,
 * or with options (init, regularizer) for all of them.
 *
 *     y = f_n(... f_2(f_1(x)))
 *
 * Chollet et al., Keras, 2015 (Sequential). */
#include <tenon/plugin.h>
#include <tenon/block.h>

#define OPTIONS(P) P(GRAPH, body, TN_POSITIONAL | TN_REQUIRED, "[]", , , "the layers")
TN_SELF(OPTIONS, )

static tn_status TN(expand)(const void *me, tn_call *c, tn_builder *b, int32_t inputs,
                            const int32_t *input, int32_t *out)
{
    const TN(self) *self = me;
    if (inputs != 1) return tn_fail(c, TN_EINVAL, "has one input, got %d", inputs);
    *out = b->add_graph(b, c, self->body, input[0]);
    return *out < 0 ? TN_EINVAL : TN_OK; /* the call knows why */
}

TN_VTABLE(block, .expand = TN(expand))
TN_PLUGIN_WITH(OPTIONS, block, sequential, .summary = "Layers one behind the other",
               .formula = "y = f_n(... f_2(f_1(x)))",
               .reference = "Chollet et al., Keras, 2015, Sequential")
