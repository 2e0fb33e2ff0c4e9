/* conv_depthwise.h - the three forms of a convolution where every channel has one filter of its
 * own: there is nothing to share between channels, so no products, but loops over rows of
 * images, a block of channels at a time. Included by conv.h, once per precision.
 *
 * Sums have the order of their loops, and work is cut by shape: rows, or taps and blocks. */

#ifndef CONV_DEPTHWISE_ONCE
#define CONV_DEPTHWISE_ONCE

/* Outputs first .. end - 1, for which a tap meets the input, `shift` positions from where their
 * stride leads. */
typedef struct conv_met {
    int64_t first, end, shift;
} conv_met;

TN_INLINE conv_met conv_meets(const conv_axis *a, int64_t tap)
{
    const int64_t shift = tap * a->dilation - a->before, last = a->in - 1 - shift;
    return (conv_met){.first = shift < 0 ? (a->stride - 1 - shift) / a->stride : 0,
                      .end = last < 0 ? 0 : conv_least(last / a->stride + 1, a->out),
                      .shift = shift};
}
#endif

/* Rows of the output or, for the gradient of the input, back to those of the input. */
typedef struct TN(depthwise) {
    const conv *shape;
    const tn_real *from, *weight, *bias;
    tn_real *to;
    int64_t rows; /* of `to`, of all samples */
} TN(depthwise);

#define CONV_TAPS 64 /* that are read at a time */

/* Some taps of a block of channels. */
typedef struct TN(some_taps) {
    tn_real w[CONV_TAPS][64 / sizeof(tn_real)];
    conv_met met[CONV_TAPS]; /* along a row */
} TN(some_taps);

/* to += w times what a tap meets in a row. */
TN_INLINE void TN(add_tap)(const conv *s, const int back, const conv_met *met,
                           const tn_real *w, const tn_real *from, tn_real *to,
                           const int64_t n)
{
    const int64_t out = s->channels, in = s->x.stride * out,
                  count = met->end - met->first, at = met->first * in + met->shift * out,
                  to_step = back ? in : out, from_step = back ? out : in;
    const TN(lanes) all = *(const TN(lanes) *)w;
    if (count <= 0) return;
    to += back ? at : met->first * out;
    from += back ? met->first * out : at;
    for (int64_t j = 0; j < count; j++, to += to_step, from += from_step)
        if (n == CONV_LANES)
            *(TN(lanes) *)to += all * *(const TN(lanes) *)from;
        else
            for (int64_t c = 0; c < n; c++) to[c] += w[c] * from[c];
}

/* Which row of `from` a row of `to` meets at a tap; -1: none. */
TN_INLINE int64_t TN(row_met)(const conv_axis *a, const int back, int64_t row,
                              int64_t tap)
{
    const int64_t shift = tap * a->dilation - a->before,
                  at = back ? row - shift : row * a->stride + shift;
    if (at < 0 || (back && at % a->stride)) return -1;
    const int64_t met = back ? at / a->stride : at;
    return met < (back ? a->out : a->in) ? met : -1;
}

TN_INLINE void TN(begin_row)(const TN(depthwise) * d, int64_t channel, int64_t cols,
                             const int64_t n, tn_real *to)
{
    const int64_t step = d->shape->channels;
    for (int64_t j = 0; j < cols; j++, to += step)
        for (int64_t c = 0; c < n; c++) to[c] = d->bias ? d->bias[channel + c] : 0;
}

TN_INLINE void TN(read_taps)(const TN(depthwise) * d, int64_t channel, int64_t first,
                             int64_t count, int64_t n, TN(some_taps) * to)
{
    const int64_t taps = conv_taps(d->shape);
    for (int64_t k = 0; k < count; k++) {
        to->met[k] = conv_meets(&d->shape->x, (first + k) % d->shape->x.kernel);
        for (int64_t c = 0; c < CONV_LANES; c++)
            to->w[k][c] = c < n ? d->weight[(channel + c) * taps + first + k] : 0;
    }
}

/* n channels from `channel` on of rows first .. end - 1 of `to`. */
TN_INLINE void TN(make_rows)(const TN(depthwise) * d, const int back, int64_t first,
                             int64_t end, int64_t channel, const int64_t n)
{
    const conv *s = d->shape;
    const int64_t rows = back ? s->y.in : s->y.out, cols = back ? s->x.in : s->x.out,
                  from_rows = back ? s->y.out : s->y.in,
                  from_cols = back ? s->x.out : s->x.in, taps = conv_taps(s);
    TN(some_taps) some;
    for (int64_t k = 0; k < taps; k += CONV_TAPS) {
        const int64_t count = conv_least(CONV_TAPS, taps - k);
        TN(read_taps)(d, channel, k, count, n, &some);
        for (int64_t row = first; row < end; row++) {
            tn_real *to = d->to + row * cols * s->channels + channel;
            if (!k) TN(begin_row)(d, channel, cols, n, to);
            for (int64_t q = 0; q < count; q++) {
                const int64_t met = TN(row_met)(&s->y, back, row % rows,
                                                (k + q) / s->x.kernel);
                if (met < 0) continue;
                const int64_t at = (row / rows * from_rows + met) * from_cols;
                TN(add_tap)
                (s, back, &some.met[q], some.w[q], d->from + at * s->channels + channel,
                 to, n);
            }
        }
    }
}

#define CONV_ROWS 16 /* for which a filter is read once */

/* Chunk number i of the rows of `to`. */
TN_INLINE void TN(make_chunk)(const TN(depthwise) * d, const int back, int64_t i)
{
    const int64_t channels = d->shape->channels, first = i * CONV_ROWS,
                  end = conv_least(first + CONV_ROWS, d->rows);
    int64_t c = 0;
    for (; c + CONV_LANES <= channels; c += CONV_LANES)
        TN(make_rows)(d, back, first, end, c, CONV_LANES);
    if (c < channels) TN(make_rows)(d, back, first, end, c, channels - c);
}

TN_KERNEL void TN(make_out)(const TN(depthwise) * d, int64_t i)
{
    TN(make_chunk)(d, 0, i);
}

TN_KERNEL void TN(make_gin)(const TN(depthwise) * d, int64_t i)
{
    TN(make_chunk)(d, 1, i);
}

static tn_status TN(run_out)(void *data, int64_t i)
{
    TN(make_out)(data, i);
    return TN_OK;
}

static tn_status TN(run_gin)(void *data, int64_t i)
{
    TN(make_gin)(data, i);
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
         .rows = conv_images(s, io->out) * s->y.out};
    return c->host->parallel(c, (d.rows + CONV_ROWS - 1) / CONV_ROWS, TN(run_out), &d);
}

static tn_status TN(depthwise_gin)(const conv *s, tn_call *c, const tn_io *io)
{
    TN(depthwise)
    d = {.shape = s,
         .from = io->gout->data,
         .weight = io->param[0]->data,
         .to = io->gin[0]->data,
         .rows = conv_images(s, io->gout) * s->y.in};
    return c->host->parallel(c, (d.rows + CONV_ROWS - 1) / CONV_ROWS, TN(run_gin), &d);
}

/* ---- gradient of the filters ------------------------------------------------------------ */

#define CONV_CHAINS 4 /* of sums side by side, so that none waits for the one before */

/* Sums of each sample, by taps, which are then added up in order. */
typedef struct TN(depthwise_sums) {
    const conv *shape;
    const tn_real *x, *gy;
    tn_real *part, *gw;
    int64_t samples, blocks; /* of channels */
} TN(depthwise_sums);

/* sum += a row of outputs times what one tap meets in a row of inputs, of a block of channels. */
TN_INLINE void TN(sum_block)(const conv *s, const conv_met *met, const tn_real *x,
                             const tn_real *gy, tn_real *sum)
{
    const int64_t step = s->x.stride * s->channels, at = met->shift * s->channels;
    TN(lanes) part[CONV_CHAINS] = {{0}};
    int64_t j = met->first;
    for (; j + CONV_CHAINS <= met->end; j += CONV_CHAINS)
        for (int k = 0; k < CONV_CHAINS; k++)
            part[k] += *(const TN(lanes) *)(gy + (j + k) * s->channels) *
                       *(const TN(lanes) *)(x + (j + k) * step + at);
    for (; j < met->end; j++)
        part[0] += *(const TN(lanes) *)(gy + j * s->channels) *
                   *(const TN(lanes) *)(x + j * step + at);
    *(TN(lanes) *)sum += (part[0] + part[1]) + (part[2] + part[3]);
}

/* The same of n channels, which fill no vector. */
TN_INLINE void TN(sum_rest)(const conv *s, const conv_met *met, const tn_real *x,
                            const tn_real *gy, int64_t n, tn_real *sum)
{
    const int64_t step = s->x.stride * s->channels, at = met->shift * s->channels;
    for (int64_t c = 0; c < n; c++) {
        tn_real part = 0;
        for (int64_t j = met->first; j < met->end; j++)
            part += gy[j * s->channels + c] * x[j * step + at + c];
        sum[c] += part;
    }
}

/* Number i: a sample, and a block of channels. */
TN_KERNEL void TN(sum_sample)(const TN(depthwise_sums) * d, int64_t i)
{
    const conv *s = d->shape;
    const int64_t sample = i / d->blocks, channel = i % d->blocks * CONV_LANES,
                  n = conv_least(CONV_LANES, s->channels - channel), taps = conv_taps(s);
    tn_real *part = d->part + sample * taps * s->channels + channel;
    for (int64_t k = 0; k < taps; k++)
        for (int64_t c = 0; c < n; c++) part[k * s->channels + c] = 0;
    for (int64_t row = 0; row < s->y.out; row++)
        for (int64_t k = 0; k < taps; k++) {
            const int64_t at = TN(row_met)(&s->y, 0, row, k / s->x.kernel);
            if (at < 0) continue;
            const conv_met met = conv_meets(&s->x, k % s->x.kernel);
            const tn_real *x = d->x + (sample * s->y.in + at) * s->x.in * s->channels +
                               channel,
                          *gy = d->gy +
                                (sample * s->y.out + row) * s->x.out * s->channels +
                                channel;
            if (n == CONV_LANES)
                TN(sum_block)(s, &met, x, gy, part + k * s->channels);
            else
                TN(sum_rest)(s, &met, x, gy, n, part + k * s->channels);
        }
}

/* Of one tap. */
static void TN(join_samples)(const TN(depthwise_sums) * d, int64_t tap)
{
    const int64_t channels = d->shape->channels, taps = conv_taps(d->shape);
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t i = 0; i < d->samples; i++)
            sum += (double)d->part[(i * taps + tap) * channels + c];
        d->gw[c * taps + tap] = (tn_real)sum;
    }
}

static tn_status TN(run_sample)(void *data, int64_t i)
{
    TN(sum_sample)(data, i);
    return TN_OK;
}

static tn_status TN(run_join)(void *data, int64_t tap)
{
    TN(join_samples)(data, tap);
    return TN_OK;
}

static tn_status TN(depthwise_gweight)(const conv *s, tn_call *c, const tn_io *io)
{
    TN(depthwise_sums)
    d = {.shape = s,
         .x = io->in[0]->data,
         .gy = io->gout->data,
         .part = io->cache,
         .gw = io->gparam[0]->data,
         .samples = conv_images(s, io->gout),
         .blocks = (s->channels + CONV_LANES - 1) / CONV_LANES};
    const tn_status status = c->host->parallel(c, d.samples * d.blocks, TN(run_sample),
                                               &d);
    return status ? status : c->host->parallel(c, conv_taps(s), TN(run_join), &d);
}
