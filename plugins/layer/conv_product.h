/* conv_product.h - the three forms of a convolution as matrix products whose operands are
 * gathered as the product asks for them. Included by conv.h, once per precision. */

#include "conv_patches.h"
#include "conv_shown.h"
#include "conv_filters.h"
#include "conv_winograd.h"

#ifndef CONV_PRODUCT_ONCE
#define CONV_PRODUCT_ONCE

/* Inputs `phase`, phase + stride, ... of an axis, as an axis of their own over the output: those
 * taps reach them that meet the phase, the last one first. */
typedef struct conv_phase_axis {
    conv_axis axis;
    int64_t last, step; /* taps */
} conv_phase_axis;

static conv_phase_axis conv_phase_of(const conv_axis *a, int64_t phase)
{
    int64_t first = 0, step = 1;
    while (step < a->kernel && step * a->dilation % a->stride) step++;
    while (first < conv_least(step, a->kernel) &&
           (phase + a->before - first * a->dilation) % a->stride)
        first++;
    const int met = first < conv_least(step, a->kernel);
    const int64_t taps = met ? (a->kernel - 1 - first) / step + 1 : 0,
                  last = first + (taps - 1) * step;
    return (conv_phase_axis){
        .axis = {.in = a->out,
                 .out = (a->in - phase + a->stride - 1) / a->stride,
                 .kernel = taps,
                 .stride = 1,
                 .dilation = taps > 1 ? step * a->dilation / a->stride : 1,
                 .before = met ? (last * a->dilation - phase - a->before) / a->stride
                               : 0},
        .last = last,
        .step = step};
}
#endif

/* ---- forward -------------------------------------------------------------------------- */

/* The columns of one group of a tensor, a row for each position. */
static tn_matrix TN(part_of)(const conv *s, const tn_tensor *t, int64_t g)
{
    tn_matrix m = tn_matrix_of(t);
    m.cols /= s->groups;
    m.data = (tn_real *)m.data + g * m.cols;
    return m;
}

/* The patches of the input. */
static TN(patches) TN(input_patches)(const conv *s, const tn_tensor *x, int64_t g)
{
    const int64_t channels = s->channels / s->groups;
    return TN(patches_of)((const tn_real *)x->data + g * channels, s->y, s->x,
                          s->channels, channels);
}

static tn_status TN(product_forward)(const conv *s, tn_call *c, const tn_io *io,
                                     const tn_real *bias)
{
    const int64_t filters = s->filters / s->groups;
    tn_status status = TN_OK;
    for (int64_t g = 0; g < s->groups && !status; g++) {
        const TN(patches) x = TN(input_patches)(s, io->in[0], g);
        const TN(filters) w = TN(filters_of)(s, io->param[0], g);
        tn_product p = {.struct_size = sizeof p,
                        .a = TN(patch_matrix)(&x, conv_images(s, io->out)),
                        .b = TN(filter_matrix)(s, &w, filters, io->param[0]->host),
                        .out = TN(part_of)(s, io->out, g),
                        .bias = bias ? bias + g * filters : NULL};
        TN(winograd) tiles;
        if (s->winograd) TN(by_tiles)(s, &x, io, &tiles, &p);
        status = c->host->product(c, &p);
    }
    return status;
}

/* ---- gradient of the filters ------------------------------------------------------------ */

static tn_status TN(product_gweight)(const conv *s, tn_call *c, const tn_io *io)
{
    const int direct = conv_taps(s) == 1;
    tn_status status = TN_OK;
    if (s->winograd && winograd_sums(s, WINOGRAD_REAL))
        return TN(winograd_gweight)(s, c, io, TN(input_patches)(s, io->in[0], 0));
    for (int64_t g = 0; g < s->groups && !status; g++) {
        const TN(patches) x = TN(input_patches)(s, io->in[0], g);
        const TN(filters) w = TN(filters_of)(s, io->gparam[0], g);
        tn_product p = {.struct_size = sizeof p,
                        .a = tn_transposed(TN(part_of)(s, io->gout, g)),
                        .b = TN(patch_matrix)(&x, conv_images(s, io->gout)),
                        .out = tn_transposed(TN(filter_matrix)(
                            s, &w, s->filters / s->groups, io->gparam[0]->host))};
        p.out.read = NULL;
        if (!direct)
            p.out.data = NULL, p.out.host = NULL, p.out.wrote = TN(wrote_filters);
        if (!direct && TN(can_show_turned)(&x, s->filters / s->groups)) {
            p.a = TN(turned_patches)(&x, conv_images(s, io->gout));
            p.b = TN(part_of)(s, io->gout, g);
            p.out = tn_transposed(p.out), p.out.wrote = TN(wrote_turned);
        }
        status = c->host->product(c, &p);
    }
    return status;
}

/* ---- gradient of the input -------------------------------------------------------------- */

/* Where the rows of a product with one phase of each axis belong. */
typedef struct TN(spread) {
    tn_real *data; /* of the first */
    const conv *shape;
    int64_t y_out, x_out;
} TN(spread);

TN_KERNEL void TN(wrote_spread)(const void *with, int64_t row, int64_t col, int64_t rows,
                                int64_t cols, void *block, int64_t stride)
{
    const TN(spread) *p = with;
    const conv *s = p->shape;
    const tn_real *from = block;
    int64_t j = row % p->x_out, i = row / p->x_out % p->y_out,
            sample = row / p->x_out / p->y_out;
    for (int64_t n; rows > 0; rows -= n, from += n * stride) {
        const int64_t y = sample * s->y.in + i * s->y.stride,
                      at = (y * s->x.in + j * s->x.stride) * s->channels + col;
        n = conv_least(rows, p->x_out - j);
        TN(copy_lines)
        (p->data + at, s->x.stride * s->channels, from, stride, cols, n);
        j = 0;
        if (++i == p->y_out) i = 0, sample++;
    }
}

/* Of group g; at one phase of each axis. */
static tn_status TN(product_phase)(const conv *s, tn_call *c, const tn_io *io, int64_t g,
                                   int64_t y_phase, int64_t x_phase)
{
    const int64_t filters = s->filters / s->groups, channels = s->channels / s->groups;
    const conv_phase_axis y = conv_phase_of(&s->y, y_phase),
                          x = conv_phase_of(&s->x, x_phase);
    const TN(patches) gy = TN(patches_of)((const tn_real *)io->gout->data + g * filters,
                                          y.axis, x.axis, s->filters, filters);
    TN(filters) w = TN(filters_of)(s, io->param[0], g);
    w.first = y.last * w.y_step + x.last;
    w.y_step *= -y.step, w.x_step = -x.step;
    w.taps = y.axis.kernel * x.axis.kernel, w.x_taps = x.axis.kernel;
    w.channels = filters, w.channel = channels * conv_taps(s), w.column = conv_taps(s);
    tn_product p = {.struct_size = sizeof p,
                    .a = TN(patch_matrix)(&gy, conv_images(s, io->gout)),
                    .b = TN(filter_matrix)(s, &w, channels, NULL),
                    .out = TN(part_of)(s, io->gin[0], g)};
    const TN(spread)
        spread = {(tn_real *)p.out.data + (y_phase * s->x.in + x_phase) * s->channels, s,
                  y.axis.out, x.axis.out};
    if (s->y.stride * s->x.stride > 1) {
        p.out.rows = p.a.rows, p.out.row_stride = p.out.cols;
        p.out.data = NULL, p.out.wrote = TN(wrote_spread), p.out.with = &spread;
    }
    TN(winograd) tiles;
    if (s->winograd) TN(by_tiles)(s, &gy, io, &tiles, &p);
    return c->host->product(c, &p);
}

static tn_status TN(product_gin)(const conv *s, tn_call *c, const tn_io *io)
{
    tn_status status = TN_OK;
    for (int64_t g = 0; g < s->groups; g++)
        for (int64_t i = 0; i < conv_least(s->y.stride, s->y.in); i++)
            for (int64_t j = 0; j < conv_least(s->x.stride, s->x.in) && !status; j++)
                status = TN(product_phase)(s, c, io, g, i, j);
    return status;
}
