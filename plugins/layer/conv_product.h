/* conv_product.h - the three forms of a convolution as matrix products whose operands are
 * gathered as the product asks for them. Included by conv.h, once per precision.
 *
 * A patch is what a filter meets at one position: columns in the order (u, v, channel), in which
 * images lie in memory, so that whole runs are copied. Filters, which are few, are read and
 * their gradients written against the order of theirs, (channel, u, v). */

/* ---- copying -------------------------------------------------------------------------- */

#ifndef CONV_PRODUCT_ONCE
#define CONV_PRODUCT_ONCE

/* What pays for showing patches where they lie. */
#define CONV_SIDE_BY_SIDE 8
#define CONV_WIDE 256 /* values from one to the next */
#define CONV_LONG 2048
#define CONV_WINDOW 0x2000 /* values: beside the other operand in the L1 cache */
#define CONV_TURNED 0x8000 /* likewise in the L2 cache, of the transpose */
#define CONV_LONG_ROW 16   /* of the output */
#define CONV_FILTERS 64    /* that pay for turning where rows are shorter */
#define CONV_TOGETHER 256  /* columns that are turned at a time */

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

/* ---- patches where they lie ------------------------------------------------------------ */

/* Lines of the image, `apart` rows from one to the next, that patches have in common. */
typedef struct TN(view) {
    const TN(patches) * p;
    int64_t sample, row, left; /* of the first: in rows and positions of the image */
    int64_t lines, apart;
    int64_t from, end, pitch; /* values of a line: those asked for, all of them */
} TN(view);

static const tn_real *TN(line_at)(const TN(view) * w, int64_t q)
{
    const TN(patches) *p = w->p;
    const int64_t row = w->row + q * w->apart;
    return p->data + ((w->sample * p->y.in + row) * p->x.in + w->left) * p->pixel;
}

static int TN(lies_inside)(const TN(view) * w)
{
    const TN(patches) *p = w->p;
    return w->left >= 0 && w->row >= 0 &&
           w->left * p->pixel + w->pitch <= p->x.in * p->pixel &&
           w->row + (w->lines - 1) * w->apart < p->y.in;
}

/* Its lines one behind the other, with zeros around the image. */
TN_KERNEL void TN(copy_view)(const TN(view) * w, tn_real *to)
{
    const TN(patches) *p = w->p;
    for (int64_t q = 0; q < w->lines; q++, to += w->pitch) {
        const int64_t row = w->row + q * w->apart;
        const int inside = row >= 0 && row < p->y.in;
        const int64_t first = conv_clamp(-w->left * p->pixel, w->end),
                      last = inside ? conv_clamp((p->x.in - w->left) * p->pixel, w->end)
                                    : 0,
                      begin = first > w->from ? first : w->from;
        int64_t i = w->from;
        if (last > begin) {
            TN(zero_run)(to + i, begin - i);
            TN(copy_lines)
            (to + begin, 0, TN(line_at)(w, q) + begin, 0, last - begin, 1);
            i = last;
        }
        TN(zero_run)(to + i, w->end - i);
    }
}

/* What a row of the output has of a line. */
static int64_t TN(pitch_of)(const TN(patches) * p)
{
    return (p->x.out - 1) * p->x.stride * p->pixel + p->line;
}

/* Of n rows of the output, from row i of all samples on: with `lines` lines of each patch, from
 * `line` on. Several rows have what is between those too. */
static TN(view)
    TN(view_of)(const TN(patches) * p, int64_t i, int64_t n, int64_t line, int64_t lines)
{
    const int64_t y = i % p->y.out, pitch = TN(pitch_of)(p);
    TN(view)
    w = {.p = p,
         .sample = i / p->y.out,
         .row = y * p->y.stride + line * p->y.dilation - p->y.before,
         .left = -p->x.before,
         .lines = lines,
         .apart = p->y.dilation,
         .end = pitch,
         .pitch = pitch};
    if (n > 1)
        w.lines = (n - 1) * p->y.stride + (lines - 1) * p->y.dilation + 1, w.apart = 1;
    return w;
}

/* At most n rows of the output that a window holds: one where they have little in common. */
static int64_t TN(rows_held)(const TN(patches) * p, int64_t lines, int64_t n)
{
    const int64_t covered = (lines - 1) * p->y.dilation + 1,
                  more = CONV_WINDOW / TN(pitch_of)(p) - covered;
    if (more < p->y.stride) return 1;
    n = conv_least(n, more / p->y.stride + 1);
    return (n - 1) * p->y.stride + covered <= n * lines ? n : 1;
}

/* Leaves patches of one row of the output, from position j on: as many as a window holds. */
static int64_t TN(narrow)(TN(view) * w, int64_t j, int64_t rows)
{
    const TN(patches) *p = w->p;
    const int64_t step = p->x.stride * p->pixel;
    rows = conv_least(rows, (CONV_WINDOW / w->lines - p->line) / step + 1);
    w->left += j * p->x.stride;
    w->end = w->pitch = (rows - 1) * step + p->line;
    return rows;
}

TN_KERNEL tn_shown TN(show_patches)(const void *with, int64_t row, int64_t col,
                                    int64_t rows, int64_t cols, void *block)
{
    const TN(patches) *p = with;
    const int64_t j = row % p->x.out, i = row / p->x.out, line = col / p->line,
                  at = col - line * p->line, lines = (at + cols - 1) / p->line + 1,
                  step = p->x.stride * p->pixel;
    int64_t n = conv_least((j + rows - 1) / p->x.out + 1, p->y.out - i % p->y.out),
            begin = j * step;
    TN(view) w = TN(view_of)(p, i, n, line, lines);
    const int inside = TN(lies_inside)(&w);
    if (!inside) n = TN(rows_held)(p, lines, n), w = TN(view_of)(p, i, n, line, lines);
    rows = conv_least(rows, n * p->x.out - j);
    if (!inside && n == 1) rows = TN(narrow)(&w, j, rows), begin = 0;
    if (lines == 1) w.from = at, w.end = w.pitch - p->line + at + cols;
    if (!inside) TN(copy_view)(&w, block);
    const tn_real *data = inside ? TN(line_at)(&w, 0) : block;
    const int64_t pitch = inside ? w.apart * p->x.in * p->pixel : w.pitch;
    return (tn_shown){
        .data = data + begin + at,
        .rows = rows,
        .down = {step, p->x.out - j, p->x.out, p->y.stride * pitch - p->x.out * step},
        .across = {1, p->line - at, p->line, p->y.dilation / w.apart * pitch - p->line}};
}

/* Patches overlap, and there are enough of them side by side. */
static int TN(can_show)(const TN(patches) * p)
{
    return p->lines == 1 && p->x.out >= CONV_SIDE_BY_SIDE && p->x.stride < p->taps &&
           p->x.stride * p->pixel <= CONV_WIDE && p->line <= CONV_LONG;
}

/* The same for the transpose, whose rows are the columns of patches and lie side by side, line by
 * line. Rows of the output that are of several samples have one line each copied. */
TN_KERNEL tn_shown TN(show_turned)(const void *with, int64_t row, int64_t col,
                                   int64_t rows, int64_t cols, void *block)
{
    const TN(patches) *p = with;
    const int64_t line = row / p->line, at = row % p->line, j = col % p->x.out,
                  first = col / p->x.out, n = (col + cols - 1) / p->x.out + 1 - first,
                  step = p->x.stride * p->pixel;
    int64_t lines = (at + rows - 1) / p->line + 1, down = p->y.stride;
    const tn_real *data = block;
    TN(view) w = TN(view_of)(p, first, n, line, lines);
    int64_t pitch = w.pitch;
    if (first % p->y.out + n > p->y.out || w.lines * pitch > CONV_TURNED ||
        w.lines > n * lines) {
        lines = 1, down = 1;
        for (int64_t i = 0; i < n; i++) {
            w = TN(view_of)(p, first + i, 1, line, 1);
            w.from = at, w.end = pitch - p->line + conv_least(p->line, at + rows);
            TN(copy_view)(&w, (tn_real *)block + i * pitch);
        }
    } else if (TN(lies_inside)(&w))
        data = TN(line_at)(&w, 0), pitch = w.apart * p->x.in * p->pixel;
    else
        TN(copy_view)(&w, block);
    return (tn_shown){
        .data = data + at + j * step,
        .rows = conv_least(rows, lines * p->line - at),
        .down = {1, p->line - at, p->line, p->y.dilation / w.apart * pitch - p->line},
        .across = {step, p->x.out - j, p->x.out, down * pitch - p->x.out * step}};
}

/* Not where rows of the output are short and a copy of each patch meets many filters. */
static int TN(can_show_turned)(const TN(patches) * p, int64_t filters)
{
    const int64_t lines = (TN_SHOWN_COLUMNS - 1) / p->x.out + 2;
    const int pays = p->x.out >= CONV_LONG_ROW ||
                     (p->x.stride == 1 && filters <= CONV_FILTERS);
    return TN(can_show)(p) && pays && lines * TN(pitch_of)(p) <= CONV_TURNED;
}

TN_KERNEL void TN(read_turned)(const void *with, int64_t row, int64_t col, int64_t rows,
                               int64_t cols, void *block, int64_t stride)
{
    tn_real one[CONV_TOGETHER];
    for (int64_t k = 0, n; k < rows; k += n) {
        n = conv_least(CONV_TOGETHER, rows - k);
        for (int64_t i = 0; i < cols; i++) {
            TN(read_patches)(with, col + i, row + k, 1, n, one, n);
            for (int64_t r = 0; r < n; r++)
                ((tn_real *)block)[(k + r) * stride + i] = one[r];
        }
    }
}

/* Where every patch is a pixel, they lie there as they are. */
static tn_matrix TN(patch_matrix)(const TN(patches) * p, int64_t samples)
{
    const int plain = p->y.kernel * p->x.kernel == 1 && p->y.stride * p->x.stride == 1 &&
                      !p->y.before && !p->x.before && p->y.in == p->y.out &&
                      p->x.in == p->x.out;
    return (tn_matrix){.rows = samples * p->y.out * p->x.out,
                       .cols = p->y.kernel * p->x.kernel * p->channels,
                       .row_stride = plain ? p->pixel : 0,
                       .col_stride = 1,
                       .data = (void *)(uintptr_t)p->data,
                       .read = plain ? NULL : TN(read_patches),
                       .show = !plain && TN(can_show)(p) ? TN(show_patches) : NULL,
                       .room = CONV_WINDOW,
                       .with = p};
}

static tn_matrix TN(turned_patches)(const TN(patches) * p, int64_t samples)
{
    tn_matrix m = tn_transposed(TN(patch_matrix)(p, samples));
    m.read = TN(read_turned), m.show = TN(show_turned), m.room = CONV_TURNED;
    return m;
}

/* ---- filters -------------------------------------------------------------------------- */

/* Those of a group as the right-hand operand: rows in the order of a patch's columns. Taps of an
 * axis are first, first + step, ... */
typedef struct TN(filters) {
    tn_real *data;
    int64_t first, y_step, x_step; /* places in memory: of a tap, and to the next ones */
    int64_t taps, x_taps;          /* of all, of a row */
    int64_t channels, channel, column; /* of a patch; places from one to the next */
} TN(filters);

#define CONV_COLUMNS 16 /* followed at a time */

TN_KERNEL void TN(read_filters)(const void *with, int64_t row, int64_t col, int64_t rows,
                                int64_t cols, void *block, int64_t stride)
{
    const TN(filters) *f = with;
    for (int64_t k = 0; k < cols; k += CONV_COLUMNS) {
        const int64_t n = conv_least(CONV_COLUMNS, cols - k);
        const tn_real *column = f->data + f->first + (col + k) * f->column;
        for (int64_t r = 0; r < rows; r++) {
            const int64_t tap = (row + r) / f->channels, c = (row + r) % f->channels;
            const tn_real *from = column + tap / f->x_taps * f->y_step +
                                  tap % f->x_taps * f->x_step + c * f->channel;
            tn_real *to = (tn_real *)block + r * stride + k;
            for (int64_t i = 0; i < n; i++) to[i] = from[i * f->column];
        }
    }
}

/* A block of the gradient: a row for each filter. */
static void TN(wrote_filters)(const void *with, int64_t row, int64_t col, int64_t rows,
                              int64_t cols, void *block, int64_t stride)
{
    const TN(filters) *f = with;
    for (int64_t r = 0; r < rows; r++) {
        const tn_real *from = (const tn_real *)block + r * stride;
        tn_real *to = f->data + (row + r) * f->column;
        int64_t tap = col / f->channels, c = col % f->channels;
        for (int64_t k = 0; k < cols; k++) {
            to[c * f->channel + tap] = from[k];
            if (++c == f->channels) c = 0, tap++;
        }
    }
}

/* The same of its transpose: a column for each filter. */
static void TN(wrote_turned)(const void *with, int64_t row, int64_t col, int64_t rows,
                             int64_t cols, void *block, int64_t stride)
{
    const TN(filters) *f = with;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t tap = (row + r) / f->channels, c = (row + r) % f->channels;
        const tn_real *from = (const tn_real *)block + r * stride;
        tn_real *to = f->data + c * f->channel + tap;
        for (int64_t k = 0; k < cols; k++) to[(col + k) * f->column] = from[k];
    }
}

/* Of group g, as the forward product takes them: a column for each filter. */
static TN(filters) TN(filters_of)(const conv *s, const tn_tensor *weight, int64_t g)
{
    const int64_t taps = conv_taps(s), channels = s->channels / s->groups;
    return (TN(filters)){.data = (tn_real *)weight->data +
                                 g * (s->filters / s->groups) * channels * taps,
                         .y_step = s->x.kernel,
                         .x_step = 1,
                         .taps = taps,
                         .x_taps = s->x.kernel,
                         .channels = channels,
                         .channel = taps,
                         .column = channels * taps};
}

/* Filters of a single value lie as they are. */
static tn_matrix TN(filter_matrix)(const conv *s, const TN(filters) * f, int64_t cols,
                                   const void *host)
{
    return (tn_matrix){.rows = f->taps * f->channels,
                       .cols = cols,
                       .row_stride = f->channel,
                       .col_stride = f->column,
                       .data = f->data,
                       .read = conv_taps(s) > 1 ? TN(read_filters) : NULL,
                       .with = f,
                       .host = host};
}

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
        const tn_product p = {.struct_size = sizeof p,
                              .a = TN(patch_matrix)(&x, conv_images(s, io->out)),
                              .b = TN(filter_matrix)(s, &w, filters, io->param[0]->host),
                              .out = TN(part_of)(s, io->out, g),
                              .bias = bias ? bias + g * filters : NULL};
        status = c->host->product(c, &p);
    }
    return status;
}

/* ---- gradient of the filters ------------------------------------------------------------ */

static tn_status TN(product_gweight)(const conv *s, tn_call *c, const tn_io *io)
{
    const int direct = conv_taps(s) == 1;
    tn_status status = TN_OK;
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
