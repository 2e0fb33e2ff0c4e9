/* conv_depthwise.h - the three forms of a convolution where every channel has one filter of its
 * own: there is nothing to share between channels, so no products, but loops over rows of
 * images, a block of channels at a time. Included by conv.h, once per precision.
 *
 * Sums have the order of their loops, and work is cut by shape: rows, or taps and blocks. */

#ifndef CONV_DEPTHWISE_ONCE
#define CONV_DEPTHWISE_ONCE

#define CONV_BLOCK 32 /* channels */
#define CONV_TAPS 64  /* of a filter, at a time */

/* Outputs that an input reaches, or inputs that an output takes: position i meets
 * (i * stride + k * dilation - before) / every, where that is whole and inside. */
typedef struct conv_meeting {
    int64_t stride, dilation, before, every, in;
} conv_meeting;

static conv_meeting conv_taken(const conv_axis *a)
{
    return (conv_meeting){a->stride, a->dilation, a->before, 1, a->in};
}

static conv_meeting conv_reached(const conv_axis *a)
{
    return (conv_meeting){1, -a->dilation, -a->before, a->stride, a->out};
}

/* -1: nothing. */
static inline __attribute__((always_inline)) int64_t conv_met(const conv_meeting *m,
                                                              int64_t i, int64_t k)
{
    const int64_t at = i * m->stride + k * m->dilation - m->before;
    if (at < 0) return -1;
    const int64_t met = m->every == 1 ? at : at % m->every ? m->in : at / m->every;
    return met < m->in ? met : -1;
}
#endif

/* to = bias + sum over taps of w times what they meet in `from`, pixel by pixel. */
typedef struct TN(depthwise) {
    const conv *shape;
    const tn_real *from, *weight, *bias;
    tn_real *to;
    conv_meeting y, x;
    int64_t rows, cols; /* of one image of `to` */
} TN(depthwise);

/* Filters of n channels from `channel` on, taps first .. first + taps - 1, by taps. */
CONV_INLINE void TN(turn_filters)(const TN(depthwise) * d, int64_t channel, int64_t n,
                                  int64_t first, int64_t taps, tn_real (*w)[CONV_BLOCK])
{
    const int64_t all = conv_taps(d->shape);
    for (int64_t k = 0; k < taps; k++)
        for (int64_t i = 0; i < n; i++)
            w[k][i] = d->weight[(channel + i) * all + first + k];
}

/* One pixel's sums over some taps, onto what is in `to`. */
CONV_INLINE void TN(depthwise_pixel)(const TN(depthwise) * d, const tn_real *image,
                                     int64_t i, int64_t j, int64_t first, int64_t taps,
                                     const int64_t n, tn_real (*w)[CONV_BLOCK],
                                     tn_real *to)
{
    const int64_t width = d->shape->x.kernel, channels = d->shape->channels;
    tn_real sum[CONV_BLOCK];
    for (int64_t c = 0; c < n; c++) sum[c] = to[c];
    for (int64_t k = 0, u = first / width, v = first % width; k < taps; k++) {
        const int64_t y = conv_met(&d->y, i, u), x = conv_met(&d->x, j, v);
        if (++v == width) v = 0, u++;
        if (y < 0 || x < 0) continue;
        const tn_real *from = image + (y * d->x.in + x) * channels;
        for (int64_t c = 0; c < n; c++) sum[c] += w[k][c] * from[c];
    }
    for (int64_t c = 0; c < n; c++) to[c] = sum[c];
}

/* A row of `to`, channels from `channel` on. */
CONV_INLINE void TN(depthwise_block)(const TN(depthwise) * d, int64_t row,
                                     int64_t channel, const int64_t n)
{
    const int64_t channels = d->shape->channels, all = conv_taps(d->shape);
    const tn_real *image = d->from + row / d->rows * d->y.in * d->x.in * channels +
                           channel;
    tn_real *to = d->to + row * d->cols * channels + channel;
    tn_real w[CONV_TAPS][CONV_BLOCK];
    for (int64_t j = 0; j < d->cols; j++)
        for (int64_t c = 0; c < n; c++)
            to[j * channels + c] = d->bias ? d->bias[channel + c] : 0;
    for (int64_t first = 0; first < all; first += CONV_TAPS) {
        const int64_t taps = conv_least(CONV_TAPS, all - first);
        TN(turn_filters)(d, channel, n, first, taps, w);
        for (int64_t j = 0; j < d->cols; j++) TN(depthwise_pixel)
        (d, image, row % d->rows, j, first, taps, n, w, to + j * channels);
    }
}

TN_KERNEL void TN(depthwise_row)(const TN(depthwise) * d, int64_t row)
{
    const int64_t channels = d->shape->channels;
    int64_t c = 0;
    for (; c + CONV_BLOCK <= channels; c += CONV_BLOCK)
        TN(depthwise_block)(d, row, c, CONV_BLOCK);
    if (c < channels) TN(depthwise_block)(d, row, c, channels - c);
}

static tn_status TN(run_row)(void *data, int64_t i)
{
    TN(depthwise_row)(data, i);
    return TN_OK;
}

static tn_status TN(depthwise_forward)(const conv *s, tn_call *c, const tn_io *io,
                                       const tn_real *bias)
{
    TN(depthwise)
    d = {.shape = s,
         .from = io->in[0]->data,
         .weight = io->param[0]->data,
         .bias = bias,
         .to = io->out->data,
         .y = conv_taken(&s->y),
         .x = conv_taken(&s->x),
         .rows = s->y.out,
         .cols = s->x.out};
    return c->host->parallel(c, io->out->dim[0] * s->y.out, TN(run_row), &d);
}

static tn_status TN(depthwise_gin)(const conv *s, tn_call *c, const tn_io *io)
{
    TN(depthwise)
    d = {.shape = s,
         .from = io->gout->data,
         .weight = io->param[0]->data,
         .to = io->gin[0]->data,
         .y = conv_reached(&s->y),
         .x = conv_reached(&s->x),
         .rows = s->y.in,
         .cols = s->x.in};
    return c->host->parallel(c, io->gout->dim[0] * s->y.in, TN(run_row), &d);
}

/* ---- gradient of the filters ------------------------------------------------------------ */

typedef struct TN(depthwise_sums) {
    const conv *shape;
    const tn_real *x, *gy;
    tn_real *gw;
    int64_t samples, blocks; /* of channels */
} TN(depthwise_sums);

/* sum[c] += over a row of outputs, for one tap. Rows are added up in double. */
CONV_INLINE void TN(sum_row)(const conv *s, const tn_real *x, const tn_real *gy,
                             int64_t v, const int64_t n, double *sum)
{
    tn_real part[CONV_BLOCK] = {0};
    for (int64_t j = 0; j < s->x.out; j++) {
        const int64_t at = j * s->x.stride + v * s->x.dilation - s->x.before;
        if (at < 0 || at >= s->x.in) continue;
        for (int64_t c = 0; c < n; c++)
            part[c] += gy[j * s->channels + c] * x[at * s->channels + c];
    }
    for (int64_t c = 0; c < n; c++) sum[c] += (double)part[c];
}

CONV_INLINE void TN(sum_tap)(const TN(depthwise_sums) * d, int64_t tap, int64_t channel,
                             const int64_t n)
{
    const conv *s = d->shape;
    const int64_t u = tap / s->x.kernel, v = tap % s->x.kernel;
    double sum[CONV_BLOCK] = {0};
    for (int64_t row = 0; row < d->samples * s->y.out; row++) {
        const int64_t at = row % s->y.out * s->y.stride + u * s->y.dilation - s->y.before,
                      sample = row / s->y.out;
        if (at < 0 || at >= s->y.in) continue;
        TN(sum_row)
        (s, d->x + (sample * s->y.in + at) * s->x.in * s->channels + channel,
         d->gy + row * s->x.out * s->channels + channel, v, n, sum);
    }
    for (int64_t c = 0; c < n; c++)
        d->gw[(channel + c) * conv_taps(s) + tap] = (tn_real)sum[c];
}

TN_KERNEL void TN(sum_taps)(const TN(depthwise_sums) * d, int64_t i)
{
    const int64_t tap = i / d->blocks, channel = i % d->blocks * CONV_BLOCK,
                  left = d->shape->channels - channel;
    if (left >= CONV_BLOCK)
        TN(sum_tap)(d, tap, channel, CONV_BLOCK);
    else
        TN(sum_tap)(d, tap, channel, left);
}

static tn_status TN(run_tap)(void *data, int64_t i)
{
    TN(sum_taps)(data, i);
    return TN_OK;
}

static tn_status TN(depthwise_gweight)(const conv *s, tn_call *c, const tn_io *io)
{
    TN(depthwise_sums)
    d = {.shape = s,
         .x = io->in[0]->data,
         .gy = io->gout->data,
         .gw = io->gparam[0]->data,
         .samples = io->gout->dim[0],
         .blocks = (s->channels + CONV_BLOCK - 1) / CONV_BLOCK};
    return c->host->parallel(c, conv_taps(s) * d.blocks, TN(run_tap), &d);
}
