/* toy_lengths - for each sample a number of its steps, 0 to all of them, that its first value says. */
#include <tenon/plugin.h>
#include <tgmath.h>

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    node->out = (tn_shape){.rank = 1, .dim = {1}};
    return TN_OK;
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    const tn_tensor *in = io->in[0];
    const int64_t steps = in->dim[1], size = tn_count(in) / in->dim[0];
    const tn_real *x = in->data;
    tn_real *y = io->out->data;
    for (int64_t s = 0; s < in->dim[0]; s++) {
        const tn_real length = floor(fabs(x[s * size]) * (tn_real)(steps + 1));
        y[s] = length < (tn_real)steps ? length : (tn_real)steps;
    }
    return TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .infer = TN(infer), .run = TN(run))
TN_PLUGIN(layer, toy_lengths, .summary = "A length for each sample",
          .formula = "y = floor(|x_0| (steps + 1))", .reference = "none: a test's")
