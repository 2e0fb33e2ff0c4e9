/* upsample - each position several times, along each axis but the channels (nearest neighbour).
 *
 *     y[i, j, c] = x[i / f, j / f, c], rounded down
 *     dL/dx[i, j, c] = sum of dL/dy over the f x f positions that came from (i, j)
 *
 * Odena, Dumoulin, Olah, "Deconvolution and checkerboard artifacts", Distill, 2016, section
 * "Better upsampling". */
#include <tenon/plugin.h>
#include "shape.h"
#include "samples.h"

#define OPTIONS(P) \
    P(INT, factor, TN_POSITIONAL, 2, 1, 1024, "how often a position comes, on each axis")
TN_SELF(OPTIONS, int64_t rows, cols, down; /* of the input; down: factor along rows */)

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    const int32_t axes = node->in[0].rank - 1;
    char shape[128];
    TN(write_shape)(&node->in[0], shape);
    if (axes < 1 || axes > 2)
        return tn_fail(c, TN_ESHAPE,
                       "needs (length, channels) or (height, width, channels), got %s",
                       shape);
    for (int32_t i = 0; i < axes; i++)
        if (__builtin_mul_overflow(node->in[0].dim[i], self->factor, &node->out.dim[i]))
            return tn_fail(c, TN_ESHAPE, "%s is too large for a factor of %lld", shape,
                           (long long)self->factor);
    self->rows = axes == 2 ? node->in[0].dim[0] : 1;
    self->cols = node->in[0].dim[axes - 1];
    self->down = axes == 2 ? self->factor : 1;
    return TN_OK;
}

static void TN(repeat)(const void *me, const tn_io *io, int64_t sample)
{
    const TN(self) *self = me;
    const int64_t n = sample_width(io->out), row = self->cols * self->factor * n;
    const tn_real *x = TN(sample_of)(io->in[0], sample);
    tn_real *y = TN(sample_of)(io->out, sample);
    for (int64_t i = 0; i < self->rows; i++) {
        const tn_real *first = y;
        for (int64_t j = 0; j < self->cols; j++, x += n)
            for (int64_t b = 0; b < self->factor; b++, y += n)
                memcpy(y, x, (size_t)n * sizeof *y);
        for (int64_t a = 1; a < self->down; a++, y += row)
            memcpy(y, first, (size_t)row * sizeof *y);
    }
}

TN_KERNEL void TN(add_up)(const void *me, const tn_io *io, int64_t sample)
{
    const TN(self) *self = me;
    const int64_t n = sample_width(io->out), row = self->cols * self->factor * n;
    const tn_real *gy = TN(sample_of)(io->gout, sample);
    tn_real *gx = TN(sample_of)(io->gin[0], sample);
    memset(gx, 0, (size_t)sample_size(io->gin[0]) * sizeof *gx);
    for (int64_t i = 0; i < self->rows * self->down; i++, gy += row)
        for (int64_t j = 0; j < self->cols * self->factor; j++) {
            const tn_real *restrict from = gy + j * n;
            tn_real *restrict to = gx +
                                   (i / self->down * self->cols + j / self->factor) * n;
            for (int64_t k = 0; k < n; k++) to[k] += from[k];
        }
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(repeat));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    return io->gin[0] ? each_sample(me, c, io, TN(add_up)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .infer = TN(infer), .run = TN(run),
          .run_back = TN(run_back))
TN_PLUGIN_WITH(
    OPTIONS, layer, upsample,
    .summary = "Each position several times along each axis (nearest neighbour)",
    .formula = "y[i, j, c] = x[floor(i / factor), floor(j / factor), c]",
    .reference = "Odena, Dumoulin, Olah, Deconvolution and checkerboard "
                 "artifacts, Distill, 2016")
