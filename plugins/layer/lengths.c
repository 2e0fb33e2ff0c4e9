/* lengths - how many steps of a sequence there are before its padding.
 *
 *     y = 1 + the last t with x_t other than the padding; 0 if there is none
 *
 * Steps are the first axis. One is padding if all of its features are; padding between other steps
 * counts. Recurrent layers take the number as an input (`lengths: true`). As in Keras (Masking), where
 * data fills up the ends of sequences. It has no gradient, so it reads the network's input. */
#include <tenon/plugin.h>

#define OPTIONS(P) \
    P(REAL, padding, TN_POSITIONAL, 0, -INFINITY, INFINITY, "what ends are filled with")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    node->out = (tn_shape){.rank = 1, .dim = {1}};
    return TN_OK;
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const tn_tensor *in = io->in[0];
    const int64_t steps = in->dim[1], n = in->stride[1];
    const tn_real *x = in->data, padding = (tn_real)self->padding;
    tn_real *y = io->out->data;
    for (int64_t s = 0; s < in->dim[0]; s++, x += steps * n) {
        int64_t left = steps * n;
        while (left && x[left - 1] == padding) left--;
        const int64_t length = (left + n - 1) / n;
        y[s] = (tn_real)length;
    }
    return TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .infer = TN(infer), .run = TN(run))
TN_PLUGIN_WITH(OPTIONS, layer, lengths,
               .summary = "Number of a sequence's steps before its padding",
               .formula = "y = 1 + the last t with x_t other than the padding",
               .reference = "Chollet et al., Keras, 2015, Masking")
