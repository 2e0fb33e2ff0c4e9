/* glu - gated linear unit: one half of the features, each times the logistic function of its
 * partner in the other half.
 *
 *     x = (a, b) along the last axis,  y = a s(b),  s(b) = 1 / (1 + exp(-b))
 *     dL/da = dL/dy s,  dL/db = dL/dy a s (1 - s)
 *
 * Dauphin, Fan, Auli, Grangier, "Language modeling with gated convolutional networks", ICML 2017,
 * eq. 1. The gain keeps the second moment of normal a and b. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include "samples.h"

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const int64_t width = tn_shape_width(&node->in[0]);
    if (width % 2)
        return tn_fail(c, TN_ESHAPE, "halves the features, but %lld are not even",
                       (long long)width);
    node->out.dim[node->out.rank - 1] = width / 2;
    return TN_OK;
}

TN_KERNEL void TN(forward)(const void *me, const tn_io *io, int64_t sample)
{
    const int64_t n = sample_width(io->out);
    const tn_real *a = TN(sample_of)(io->in[0], sample);
    tn_real *y = TN(sample_of)(io->out, sample);
    for (const tn_real *end = y + sample_size(io->out); y < end; y += n, a += 2 * n)
        for (int64_t j = 0; j < n; j++) y[j] = a[j] * tn_sigmoid(a[n + j]);
}

TN_KERNEL void TN(backward)(const void *me, const tn_io *io, int64_t sample)
{
    const int64_t n = sample_width(io->gout);
    const tn_real *a = TN(sample_of)(io->in[0], sample),
                  *gy = TN(sample_of)(io->gout, sample);
    tn_real *restrict g = TN(sample_of)(io->gin[0], sample);
    for (const tn_real *end = gy + sample_size(io->gout); gy < end;
         gy += n, a += 2 * n, g += 2 * n)
        for (int64_t j = 0; j < n; j++) {
            const tn_real s = tn_sigmoid(a[n + j]);
            g[j] = gy[j] * s;
            g[n + j] = gy[j] * a[j] * s * (1 - s);
        }
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(forward));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    return io->gin[0] ? each_sample(me, c, io, TN(backward)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X, .infer = TN(infer),
          .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN(layer, glu, .summary = "Gated linear unit: halves the features",
          .formula = "y = a / (1 + exp(-b)), x = (a, b) along the last axis",
          .reference = "Dauphin, Fan, Auli, Grangier, Language modeling with gated "
                       "convolutional networks, ICML 2017, eq. 1",
          .gain = 1.84622854533860541, .initializer = "xavier")
