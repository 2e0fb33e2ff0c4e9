/* conv_shown.h - patches where they lie: those side by side overlap, so lines of the image, or of a
 * window of it with zeros around, serve many of them. Included by conv_product.h behind
 * conv_patches.h, once per precision. */

#ifndef CONV_SHOWN_ONCE
#define CONV_SHOWN_ONCE

/* What pays for showing patches where they lie. */
#define CONV_SIDE_BY_SIDE 8
#define CONV_WIDE 256 /* values from one to the next */
#define CONV_LONG 2048
#define CONV_WINDOW 0x2000 /* values: beside the other operand in the L1 cache */
#define CONV_TURNED 0x8000 /* likewise in the L2 cache, of the transpose */
#define CONV_LONG_ROW 16   /* of the output */
#define CONV_FILTERS 64    /* that pay for turning where rows are shorter */
#define CONV_TOGETHER 256  /* columns that are turned at a time */
#endif

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
                       .room = CONV_WINDOW, /* also unshown: patches overlap */
                       .with = p};
}

static tn_matrix TN(turned_patches)(const TN(patches) * p, int64_t samples)
{
    tn_matrix m = tn_transposed(TN(patch_matrix)(p, samples));
    m.read = TN(read_turned), m.show = TN(show_turned), m.room = CONV_TURNED;
    return m;
}
