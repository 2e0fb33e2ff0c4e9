/* conv_patches.h - what a filter meets at one position, as a row of a matrix that is made as a
 * product asks for it. Included by conv_product.h, once per precision.
 *
 * Columns of a patch are in the order (u, v, channel), in which images lie in memory, so that
 * whole runs are copied. */

#ifndef CONV_PATCHES_ONCE
#define CONV_PATCHES_ONCE

static inline int64_t conv_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t conv_clamp(int64_t value, int64_t most)
{
    return value < 0 ? 0 : conv_least(value, most);
}

/* Of `step` positions, to come at least so far. */
static inline int64_t conv_steps(int64_t far, int64_t step)
{
    return step == 1 ? far : (far + step - 1) / step; /* divisions are slow */
}
#endif

typedef tn_real TN(lanes)
    __attribute__((vector_size(64), aligned(sizeof(tn_real)), may_alias));
#define CONV_LANES ((int64_t)(64 / sizeof(tn_real)))

/* ---- copying -------------------------------------------------------------------------- */

/* Lines of n values, each by `count` vectors, of which the last may overlap the one before. */
#define CONV_COPY(bytes, count)                                                       \
    {                                                                                 \
        typedef tn_real run                                                           \
            __attribute__((vector_size(bytes), aligned(sizeof(tn_real)), may_alias)); \
        const int64_t lanes = bytes / (int64_t)sizeof(tn_real);                       \
        for (int64_t r = 0; r < rows; r++, from += step, to += stride) {              \
            for (int64_t i = 0; i + 1 < (count); i++)                                 \
                *(run *)(to + i * lanes) = *(const run *)(from + i * lanes);          \
            *(run *)(to + n - lanes) = *(const run *)(from + n - lanes);              \
        }                                                                             \
        return;                                                                       \
    }

/* `rows` lines, `step` values from one to the next. Which vectors suit n is asked once for all. */
TN_INLINE void TN(copy_lines)(tn_real *to, int64_t stride, const tn_real *from,
                              int64_t step, int64_t n, int64_t rows)
{
    const int64_t bytes = n * (int64_t)sizeof(tn_real);
    if (bytes > 256) CONV_COPY(64, (bytes + 63) / 64)
    if (bytes > 192) CONV_COPY(64, 4)
    if (bytes > 128) CONV_COPY(64, 3)
    if (bytes > 64) CONV_COPY(64, 2)
    if (bytes > 32) CONV_COPY(32, 2)
    if (bytes >= 16) CONV_COPY(16, 2)
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++) to[r * stride + i] = from[r * step + i];
}

/* Runs are short: a call of memset would take longer. */
TN_INLINE void TN(zero_run)(tn_real *to, int64_t n)
{
    static const tn_real zeros[256 / sizeof(tn_real)];
    const int64_t most = sizeof zeros / sizeof *zeros;
    for (; n > most; n -= most, to += most) TN(copy_lines)(to, 0, zeros, 0, most, 1);
    TN(copy_lines)(to, 0, zeros, 0, n, 1);
}

/* ---- patches -------------------------------------------------------------------------- */

/* A matrix of them: a row for each position of the axes' `out`, sample by sample. A line is a run
 * of a patch that lies in one piece, `taps` positions wide. */
typedef struct TN(patches) {
    const tn_real
        *data; /* first of the `channels` that are taken, of each `pixel` values */
    conv_axis y, x;
    int64_t pixel, channels, taps, line, lines; /* lines: of one row of a filter */
} TN(patches);

static TN(patches) TN(patches_of)(const tn_real *data, conv_axis y, conv_axis x,
                                  int64_t pixel, int64_t channels)
{
    const int joined = x.dilation == 1 && channels == pixel;
    TN(patches) p = {.data = data, .y = y, .x = x, .pixel = pixel, .channels = channels};
    p.taps = joined ? x.kernel : 1;
    p.line = p.taps * channels;
    p.lines = joined ? 1 : x.kernel;
    return p;
}

/* n values of a line from its `at` on, which begins `left` positions into the image row at
 * `from`, and may begin before it or end behind it. */
TN_INLINE void TN(read_edge)(const TN(patches) * p, const tn_real *from, int64_t left,
                             int64_t at, int64_t n, tn_real *to)
{
    const int64_t first = conv_clamp(conv_clamp(-left, p->taps) * p->channels - at, n),
                  end = conv_clamp(conv_clamp(p->x.in - left, p->taps) * p->channels - at,
                                   n);
    TN(zero_run)(to, first);
    if (end <= first)
        TN(zero_run)(to + first, n - first);
    else {
        TN(copy_lines)
        (to + first, 0, from + (left * p->pixel + at + first), 0, end - first, 1);
        TN(zero_run)(to + end, n - end);
    }
}

/* The same of `rows` patches side by side, the first of which begins there. Most lie inside. */
TN_INLINE void TN(read_line)(const TN(patches) * p, const tn_real *from, int64_t left,
                             int64_t at, int64_t n, int64_t rows, tn_real *to,
                             int64_t stride)
{
    const int64_t step = p->x.stride, last = p->x.in - p->taps,
                  first = conv_clamp(conv_steps(-left, step), rows),
                  end = last < left ? first
                                    : conv_clamp(conv_steps(last - left + 1, step), rows);
    for (int64_t r = 0; r < first; r++)
        TN(read_edge)(p, from, left + r * step, at, n, to + r * stride);
    TN(copy_lines)
    (to + first * stride, stride, from + (left + first * step) * p->pixel + at,
     step * p->pixel, n, end - first);
    for (int64_t r = end; r < rows; r++)
        TN(read_edge)(p, from, left + r * step, at, n, to + r * stride);
}

/* A block as it is asked for. */
typedef struct TN(asked) {
    int64_t u, v, at; /* where in a patch its columns begin */
    int64_t cols, stride;
} TN(asked);

/* `rows` patches side by side, from position (i, j) of a sample on. */
TN_INLINE void TN(read_side)(const TN(patches) * p, const TN(asked) * b, int64_t sample,
                             int64_t i, int64_t j, int64_t rows, tn_real *to)
{
    int64_t u = b->u, v = b->v, at = b->at;
    for (int64_t done = 0, n; done < b->cols; done += n, at = 0) {
        const int64_t row = i * p->y.stride + u * p->y.dilation - p->y.before,
                      left = j * p->x.stride + v * p->x.dilation - p->x.before;
        const tn_real *from = row < 0 || row >= p->y.in
                                  ? NULL
                                  : p->data +
                                        (sample * p->y.in + row) * p->x.in * p->pixel;
        n = conv_least(p->line - at, b->cols - done);
        if (from)
            TN(read_line)(p, from, left, at, n, rows, to + done, b->stride);
        else
            for (int64_t r = 0; r < rows; r++) TN(zero_run)(to + r * b->stride + done, n);
        if (++v == p->lines) v = 0, u++;
    }
}

TN_KERNEL void TN(read_patches)(const void *with, int64_t row, int64_t col, int64_t rows,
                                int64_t cols, void *block, int64_t stride)
{
    const TN(patches) *p = with;
    const int64_t line = col / p->line;
    const TN(asked) b = {line / p->lines, line % p->lines, col % p->line, cols, stride};
    int64_t j = row % p->x.out, i = row / p->x.out % p->y.out,
            sample = row / p->x.out / p->y.out;
    tn_real *to = block;
    for (int64_t n; rows > 0; rows -= n, to += n * stride) {
        n = conv_least(rows, p->x.out - j);
        TN(read_side)(p, &b, sample, i, j, n, to);
        j = 0;
        if (++i == p->y.out) i = 0, sample++;
    }
}
