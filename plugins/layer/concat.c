/* concat - the features of its inputs one behind the other: along the last axis.
 *
 *     y[p, offset_k + j] = x_k[p, j],  offset_k = features of the inputs before x_k
 *     dL/dx_k[p, j] = dL/dy[p, offset_k + j]
 *
 * Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 4 (filter
 * concatenation). */
#include <tenon/plugin.h>
#include "shape.h"
#include "samples.h"

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    char first[128], other[128];
    if (node->inputs < 2)
        return tn_fail(c, TN_EINVAL,
                       "needs two inputs or more; name them: inputs: [a, b]");
    const int32_t last = node->in[0].rank - 1;
    for (int32_t k = 0; k < node->inputs; k++) {
        TN(write_shape)(&node->in[0], first);
        TN(write_shape)(&node->in[k], other);
        if (last < 0 || !TN(same_axes)(&node->in[0], &node->in[k], last))
            return tn_fail(c, TN_ESHAPE,
                           "input 1 has shape %s and input %d has shape %s; all axes but "
                           "the last must agree",
                           first, k + 1, other);
        if (k && __builtin_add_overflow(node->out.dim[last], node->in[k].dim[last],
                                        &node->out.dim[last]))
            return tn_fail(c, TN_ESHAPE, "the features of all inputs are too many");
    }
    return TN_OK;
}

/* The rows of a sample: into y, or out of it. */
static void TN(copy)(const tn_io *io, int64_t sample, const tn_tensor *const *part,
                     const tn_tensor *all, int back)
{
    const int64_t width = sample_width(all), rows = sample_size(all) / width;
    tn_real *y = TN(sample_of)(all, sample);
    for (int32_t k = 0; k < io->inputs; k++) {
        const int64_t n = sample_width(io->in[k]);
        tn_real *x = part[k] ? TN(sample_of)(part[k], sample) : NULL;
        for (int64_t i = 0; x && i < rows; i++)
            memcpy(back ? x + i * n : y + i * width, back ? y + i * width : x + i * n,
                   (size_t)n * sizeof *x);
        y += n;
    }
}

static void TN(join)(const void *me, const tn_io *io, int64_t sample)
{
    TN(copy)(io, sample, io->in, io->out, 0);
}

static void TN(split)(const void *me, const tn_io *io, int64_t sample)
{
    TN(copy)(io, sample, (const tn_tensor *const *)io->gin, io->gout, 1);
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(join));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(split));
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .max_inputs = 64, .infer = TN(infer), .run = TN(run),
          .run_back = TN(run_back))
TN_PLUGIN(
    layer, concat, .summary = "Features of two or more inputs, one behind the other",
    .formula = "y = (x_1, x_2, ...) along the last axis",
    .reference = "Szegedy et al., Going deeper with convolutions, CVPR 2015, section 4")
