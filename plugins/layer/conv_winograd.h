/* conv_winograd.h - convolutions with 3 x 3 filters, one position apart, from 16 multiplications for
 * 2 x 2 positions of a channel and a filter where their sums have 36. Included by conv_product.h
 * behind conv_filters.h, once per precision.
 *
 *     Y = A' [sum over channels of (G g G') * (B' d B)] A,  * element by element,
 *
 * for a tile of 2 x 2 outputs Y, 4 x 4 inputs d and a filter g. Each of the 16 elements is a part: a
 * product of all tiles' channels with all filters. So some tiles are transformed, multiplied and put
 * together while the cache has them. Likewise the gradient of the filters:
 *
 *     dg = G' [sum over tiles of (B' d B) * (A dY A')] G
 *
 * Winograd, Arithmetic Complexity of Computations, SIAM 1980; Lavin and Gray, Fast algorithms for
 * convolutional neural networks, CVPR 2016, eq. 8: F(2x2, 3x3), whose matrices have no numbers but 0,
 * 1 and 1/2, so that an element is rounded little more often than by its definition (larger tiles
 * lose digits). A number that is not finite reaches all of its tile. */
#include <string.h>

#ifndef CONV_WINOGRAD_ONCE
#define CONV_WINOGRAD_ONCE

/* In front of functions for vectors of 64 bytes, where there are any, and of 32. */
#if defined TN_KERNEL_CLONES
#define WINOGRAD_64 __attribute__((target("avx512f"))) static
#define WINOGRAD_32 __attribute__((target_clones("default", "avx2"))) static
#else
#ifdef __AVX512F__
#define WINOGRAD_64 static
#endif
#define WINOGRAD_32 TN_KERNEL
#endif

#define WINOGRAD_PARTS 16
#define WINOGRAD_TAPS 9         /* of a filter */
#define WINOGRAD_SLOTS 16       /* so many threads have work, at most */
#define WINOGRAD_TILES 32       /* of a group, at most */
#define WINOGRAD_MIN_TILES 8    /* where there are few in all */
#define WINOGRAD_BYTES 0x40000  /* that a group of so many may take */
#define WINOGRAD_LONG 2048      /* bytes of a row that backends would pack */
#define WINOGRAD_LINE 0x1000000 /* positions of an axis: their products do not overflow */
#define WINOGRAD_SUMS 0x800000  /* bytes of all slots' sums */
#define WINOGRAD_MIN_SLOTS 4    /* that have sums: fewer would not do for threads */
#define WINOGRAD_SOME 8         /* channels and */
#define WINOGRAD_WIDE 64        /* filters that are transformed at a time */

/* Whether tiles cover little beside the positions: a fourth fewer multiplications, at least. */
static int winograd_covers(int64_t rows, int64_t cols)
{
    return 4 * WINOGRAD_PARTS * ((rows + 1) / 2) * ((cols + 1) / 2) <=
           3 * WINOGRAD_TAPS * rows * cols;
}

static int winograd_axis(const conv_axis *a)
{
    return a->kernel == 3 && a->stride == 1 && a->dilation == 1 &&
           a->in <= WINOGRAD_LINE && a->out <= WINOGRAD_LINE;
}

/* Whole vectors of channels, in numbers of so many bytes. */
static int winograd_width(int64_t channels, int64_t bytes)
{
    return channels * bytes % 64 == 0 && channels * bytes < WINOGRAD_LONG;
}

static int winograd_suits(const conv *s, int64_t bytes)
{
    return winograd_axis(&s->y) && winograd_axis(&s->x) && s->groups == 1 &&
           winograd_width(s->channels, bytes) && winograd_width(s->filters, bytes) &&
           winograd_covers(s->y.out, s->x.out) && winograd_covers(s->y.in, s->x.in);
}

/* Tiles of a group, in numbers of so many bytes. More of them meet the filters more often in the L1
 * cache; where that has room for all filters, fewer leave more room for themselves. */
static int64_t winograd_group(const conv *s, int64_t bytes)
{
    const int64_t position = (s->channels + s->filters) * bytes;
    const int half = position <= 2 * 64 ||
                     WINOGRAD_PARTS * WINOGRAD_TILES * position > WINOGRAD_BYTES;
    return half ? WINOGRAD_TILES / 2 : WINOGRAD_TILES;
}

/* Values from one part of `rows` rows to the next, which lies elsewhere in the caches' sets. */
static int64_t winograd_apart(int64_t rows, int64_t width, int64_t bytes)
{
    return rows * width + 64 / bytes;
}

/* Values of a slot's transformed inputs and outputs. */
static int64_t winograd_room(const conv *s, int64_t bytes)
{
    const int64_t group = winograd_group(s, bytes);
    return WINOGRAD_PARTS * (winograd_apart(group, s->channels, bytes) +
                             winograd_apart(group, s->filters, bytes));
}

/* Values of all transformed filters, in one direction or the other. */
static int64_t winograd_filters(const conv *s, int64_t bytes)
{
    return WINOGRAD_PARTS * winograd_apart(s->channels, s->filters, bytes);
}

/* Slots that have sums of the filters' gradient of their own; 0: there is too little memory. */
static int64_t winograd_sums(const conv *s, int64_t bytes)
{
    const int64_t some = WINOGRAD_SUMS / (winograd_filters(s, bytes) * bytes);
    return some > WINOGRAD_SLOTS ? WINOGRAD_SLOTS : some < WINOGRAD_MIN_SLOTS ? 0 : some;
}

/* A row of an image, of inputs or outputs. */
static int64_t winograd_zeros(const conv *s)
{
    const int64_t in = s->x.in * s->channels, out = s->x.out * s->filters;
    return in > out ? in : out;
}

/* Bytes of all slots' rooms; filters, or slots' sums; zeros. */
static size_t winograd_scratch(const conv *s, int64_t bytes)
{
    const int64_t sums = winograd_sums(s, bytes);
    return (size_t)bytes *
           (size_t)(WINOGRAD_SLOTS * winograd_room(s, bytes) +
                    (sums ? sums : 1) * winograd_filters(s, bytes) + winograd_zeros(s));
}
#endif

#define WINOGRAD_REAL ((int64_t)sizeof(tn_real))

typedef struct TN(winograd) {
    const conv *shape;
    TN(patches) from; /* of what is read: inputs, or gradients of outputs */
    int64_t filters;  /* values of a position that are made of it */
    /* Tiles of a group, of all images, along an image's axes; slots share the groups. */
    int64_t group, tiles, down, across, slots;
    int64_t in_apart, out_apart, filter_apart; /* values from one part to the next */
    tn_real *room, *filter, *zero;
    tn_call *call;
    const tn_product *p;   /* which is made */
    const tn_real *turned; /* its filters */
    const tn_real *gout;
    tn_real *gweight;
} TN(winograd);

static TN(winograd) TN(winograd_of)(const conv *s, TN(patches) from, int64_t filters,
                                    int64_t images, void *scratch)
{
    const int64_t sums = winograd_sums(s, WINOGRAD_REAL);
    TN(winograd)
    w = {.shape = s,
         .from = from,
         .filters = filters,
         .group = winograd_group(s, WINOGRAD_REAL),
         .down = (from.y.out + 1) / 2,
         .across = (from.x.out + 1) / 2,
         .filter_apart = winograd_apart(from.channels, filters, WINOGRAD_REAL),
         .room = scratch};
    w.tiles = images * w.down * w.across;
    while (w.group > WINOGRAD_MIN_TILES && w.tiles < w.group * WINOGRAD_SLOTS)
        w.group /= 2;
    w.in_apart = winograd_apart(w.group, from.channels, WINOGRAD_REAL);
    w.out_apart = winograd_apart(w.group, filters, WINOGRAD_REAL);
    w.slots = conv_least((w.tiles + w.group - 1) / w.group, WINOGRAD_SLOTS);
    w.filter = w.room + WINOGRAD_SLOTS * winograd_room(s, WINOGRAD_REAL);
    w.zero = w.filter + (sums ? sums : 1) * winograd_filters(s, WINOGRAD_REAL);
    memset(w.zero, 0, sizeof(tn_real) * (size_t)winograd_zeros(s));
    return w;
}

/* Tiles from `first` to `end` - 1 of a slot, and its room. */
typedef struct TN(share) {
    int64_t first, end;
    tn_real *in, *out;
} TN(share);

static TN(share) TN(share_of)(const TN(winograd) * w, int64_t slot)
{
    const int64_t groups = (w->tiles + w->group - 1) / w->group, each = groups / w->slots,
                  more = groups % w->slots,
                  first = (slot * each + conv_least(slot, more)) * w->group;
    tn_real *in = w->room + slot * winograd_room(w->shape, WINOGRAD_REAL);
    return (TN(share)){first,
                       conv_least(first + (each + (slot < more)) * w->group, w->tiles),
                       in, in + WINOGRAD_PARTS * w->in_apart};
}

/* ---- tiles ---------------------------------------------------------------------------- */

/* Four rows of the input that a row of tiles meets. */
typedef struct TN(lines) {
    const tn_real *at[4];
} TN(lines);

/* Two lines of positions that a row of tiles makes, of which the second may not be there. */
typedef struct TN(pair) {
    tn_real *at[2];
    int64_t pixel, whole; /* tiles with both columns */
} TN(pair);

/* Tiles side by side: `count` from (i, j) of an image on. */
typedef struct TN(run) {
    int64_t image, i, j, count;
} TN(run);

/* The first of n tiles from `first` on. */
TN_INLINE TN(run) TN(run_of)(const TN(winograd) * w, int64_t first, int64_t n)
{
    const int64_t j = first % w->across, row = first / w->across;
    return (TN(run)){row / w->down, row % w->down, j, conv_least(n, w->across - j)};
}

TN_INLINE TN(lines) TN(find_lines)(const TN(winograd) * w, TN(run) r)
{
    const TN(patches) *p = &w->from;
    TN(lines) lines;
    for (int u = 0; u < 4; u++) {
        const int64_t row = 2 * r.i + u - p->y.before;
        lines.at[u] = row >= 0 && row < p->y.in
                          ? p->data + (r.image * p->y.in + row) * p->x.in * p->pixel
                          : w->zero;
    }
    return lines;
}

TN_INLINE TN(pair) TN(find_pair)(const TN(winograd) * w, tn_real *data, TN(run) r)
{
    const int64_t rows = w->from.y.out, cols = w->from.x.out, pixel = w->filters;
    tn_real *first = data + ((r.image * rows + 2 * r.i) * cols + 2 * r.j) * pixel;
    return (TN(pair)){.at = {first, 2 * r.i + 1 < rows ? first + cols * pixel : NULL},
                      .pixel = pixel,
                      .whole = conv_least(r.count, cols / 2 - r.j)};
}

/* What is done with vectors: of 64 bytes where the processor has them, else of 32, as compilers make
 * larger ones from these by way of memory. The bits are the same. */
typedef struct TN(winograd_turns) {
    void (*filters)(const tn_real *from, int64_t channels, int64_t filters, tn_real *to,
                    int64_t width, int64_t apart);
    void (*inputs)(const TN(winograd) *, int64_t first, int64_t n, tn_real *to);
    void (*gradients)(const TN(winograd) *, int64_t first, int64_t n, tn_real *to);
    void (*outputs)(const TN(winograd) *, int64_t first, int64_t n, const tn_real *from);
    void (*join)(const TN(winograd) *, int64_t channel);
} TN(winograd_turns);

#define WINOGRAD_VECTOR 32
#define WINOGRAD_KERNEL WINOGRAD_32
#define W(name) TN(name##_32)
#include "conv_winograd_tiles.h"
#ifdef WINOGRAD_64
#define WINOGRAD_VECTOR 64
#define WINOGRAD_KERNEL WINOGRAD_64
#define W(name) TN(name##_64)
#include "conv_winograd_tiles.h"
#endif

static const TN(winograd_turns) * TN(winograd_turn)(void)
{
#ifdef WINOGRAD_64
    if (__builtin_cpu_supports("avx512f")) return &TN(turns_64);
#endif
    return &TN(turns_32);
}

/* ---- filters -------------------------------------------------------------------------- */

/* n channels from `first` on of the operand: rows in the order (tap, channel), columns of filters. */
static void TN(prepare_some)(const tn_matrix *b, int64_t first, int64_t n, tn_real *to)
{
    const int64_t channels = b->rows / WINOGRAD_TAPS,
                  apart = winograd_apart(channels, b->cols, WINOGRAD_REAL);
    _Alignas(64) tn_real some[WINOGRAD_TAPS * WINOGRAD_SOME * WINOGRAD_WIDE];
    for (int64_t f = 0; f < b->cols; f += WINOGRAD_WIDE) {
        const int64_t wide = conv_least(WINOGRAD_WIDE, b->cols - f);
        for (int64_t tap = 0; tap < WINOGRAD_TAPS; tap++)
            b->read(b->with, tap * channels + first, f, n, wide,
                    some + tap * WINOGRAD_SOME * WINOGRAD_WIDE, WINOGRAD_WIDE);
        TN(winograd_turn)
        ()->filters(some, n, wide, to + first * b->cols + f, b->cols, apart);
    }
}

static void TN(prepare)(const tn_matrix *b, void *prepared)
{
    const int64_t channels = b->rows / WINOGRAD_TAPS;
    for (int64_t c = 0; c < channels; c += WINOGRAD_SOME)
        TN(prepare_some)(b, c, conv_least(WINOGRAD_SOME, channels - c), prepared);
}

static size_t TN(prepared_size)(const tn_matrix *b)
{
    return sizeof(tn_real) * WINOGRAD_PARTS *
           (size_t)winograd_apart(b->rows / WINOGRAD_TAPS, b->cols, WINOGRAD_REAL);
}

static tn_status TN(prepare_part)(void *data, int64_t i)
{
    const TN(winograd) *w = data;
    const int64_t first = i * WINOGRAD_SOME;
    TN(prepare_some)
    (&w->p->b, first, conv_least(WINOGRAD_SOME, w->from.channels - first), w->filter);
    return TN_OK;
}

/* Row `row` of an image, from its top, among those of all images of so many rows. */
static int64_t TN(row_at)(const TN(winograd) * w, int64_t tiles, int64_t before,
                          int64_t rows)
{
    const int64_t row = tiles % w->down * 2 - before;
    return tiles / w->down * rows + conv_clamp(row, rows);
}

/* Rows of images where those of a slot's tiles from `first` on lie, of a group at most: two for each
 * row of tiles, which begin `before` an image. */
static tn_region TN(rows_of)(const TN(winograd) * w, const TN(share) * s, int64_t first,
                             int64_t before, const tn_real *data, int64_t rows,
                             int64_t width)
{
    const int64_t last = conv_least(first + w->group, s->end) - 1;
    if (last < first) return (tn_region){0};
    const int64_t from = TN(row_at)(w, first / w->across, before, rows),
                  to = TN(row_at)(w, last / w->across + 1, before, rows);
    return (tn_region){data + from * width,
                       sizeof(tn_real) * (size_t)((to - from) * width)};
}

/* What the tiles before have not read yet is two rows further on. */
static tn_region TN(inputs_of)(const TN(winograd) * w, const TN(share) * s, int64_t first)
{
    const TN(patches) *p = &w->from;
    return TN(rows_of)(w, s, first, p->y.before - 2, p->data, p->y.in,
                       p->x.in * p->pixel);
}

static tn_region TN(outputs_of)(const TN(winograd) * w, const TN(share) * s,
                                int64_t first, const tn_real *data)
{
    return TN(rows_of)(w, s, first, 0, data, w->from.y.out, w->from.x.out * w->filters);
}

/* ---- forward, and the gradient of the input --------------------------------------------- */

/* Of n tiles from `first` on. Behind it their outputs are written, and the next ones' inputs read. */
static tn_status TN(multiply_tiles)(const TN(winograd) * w, const TN(share) * s,
                                    int64_t first, int64_t n)
{
    const int64_t channels = w->from.channels;
    const tn_product p = {
        .struct_size = sizeof p,
        .a = tn_matrix_at(n, channels, s->in),
        .b = tn_matrix_at(channels, w->filters, (tn_real *)(uintptr_t)w->turned),
        .out = tn_matrix_at(n, w->filters, s->out),
        .count = WINOGRAD_PARTS,
        .a_next = w->in_apart,
        .b_next = w->filter_apart,
        .out_next = w->out_apart,
        .ahead = {TN(outputs_of)(w, s, first, w->p->out.data),
                  TN(inputs_of)(w, s, first + n)}};
    return w->call->host->product(w->call, &p);
}

/* Lines of positions that are finished with n tiles. */
static void TN(tell)(const TN(winograd) * w, int64_t first, int64_t n)
{
    const tn_matrix *out = &w->p->out;
    const int64_t rows = w->from.y.out, cols = w->from.x.out;
    for (TN(run) r; n > 0; n -= r.count, first += r.count) {
        r = TN(run_of)(w, first, n);
        const int64_t count = conv_least(2 * r.count, cols - 2 * r.j);
        for (int64_t i = 2 * r.i; i < conv_least(2 * r.i + 2, rows); i++) {
            const int64_t row = (r.image * rows + i) * cols + 2 * r.j;
            out->wrote(out->with, row, 0, count, out->cols,
                       (tn_real *)out->data + row * out->cols, out->cols);
        }
    }
}

static tn_status TN(make_slot)(void *data, int64_t slot)
{
    const TN(winograd) *w = data;
    const TN(share) s = TN(share_of)(w, slot);
    tn_status status = TN_OK;
    for (int64_t t = s.first, n; t < s.end; t += n) {
        n = conv_least(w->group, s.end - t);
        TN(winograd_turn)()->inputs(w, t, n, s.in);
        status = TN(multiply_tiles)(w, &s, t, n);
        if (status) break;
        TN(winograd_turn)()->outputs(w, t, n, s.out);
        if (w->p->out.wrote) TN(tell)(w, t, n);
    }
    return status;
}

static tn_status TN(make)(const void *with, tn_call *c, const tn_product *p)
{
    TN(winograd) w = *(const TN(winograd) *)with;
    tn_status status = TN_OK;
    w.call = c, w.p = p;
    w.turned = p->b.packed ? p->b.packed : w.filter;
    if (!p->b.packed)
        status = c->host->parallel(c,
                                   (w.from.channels + WINOGRAD_SOME - 1) / WINOGRAD_SOME,
                                   TN(prepare_part), &w);
    return status ? status : c->host->parallel(c, w.slots, TN(make_slot), &w);
}

static const tn_maker TN(winograd_maker) = {
    .prepared_size = TN(prepared_size), .prepare = TN(prepare), .make = TN(make)};

/* The product of patches and filters, by tiles, which are made for it. */
static void TN(by_tiles)(const conv *s, const TN(patches) * from, const tn_io *io,
                         TN(winograd) * tiles, tn_product *p)
{
    const int64_t positions = from->y.out * from->x.out;
    *tiles = TN(winograd_of)(s, *from, p->out.cols, p->out.rows / positions, io->scratch);
    p->maker = &TN(winograd_maker), p->maker_with = tiles;
}

/* ---- gradient of the filters ------------------------------------------------------------ */

/* Of n tiles from `first` on, to a slot's sums. */
static tn_status TN(add_tiles)(const TN(winograd) * w, const TN(share) * s, int64_t first,
                               int64_t n, tn_real *sums)
{
    const int64_t channels = w->from.channels;
    const tn_product p = {.struct_size = sizeof p,
                          .a = tn_transposed(tn_matrix_at(n, channels, s->in)),
                          .b = tn_matrix_at(n, w->filters, s->out),
                          .out = tn_matrix_at(channels, w->filters, sums),
                          .add = first > s->first,
                          .count = WINOGRAD_PARTS,
                          .a_next = w->in_apart,
                          .b_next = w->out_apart,
                          .out_next = w->filter_apart,
                          .ahead = {TN(inputs_of)(w, s, first + n),
                                    TN(outputs_of)(w, s, first + n, w->gout)}};
    return w->call->host->product(w->call, &p);
}

static tn_status TN(sum_slot)(void *data, int64_t slot)
{
    const TN(winograd) *w = data;
    const TN(share) s = TN(share_of)(w, slot);
    tn_real *sums = w->filter + slot * winograd_filters(w->shape, WINOGRAD_REAL);
    tn_status status = TN_OK;
    for (int64_t t = s.first, n; t < s.end && !status; t += n) {
        n = conv_least(w->group, s.end - t);
        TN(winograd_turn)()->inputs(w, t, n, s.in);
        TN(winograd_turn)()->gradients(w, t, n, s.out);
        status = TN(add_tiles)(w, &s, t, n, sums);
    }
    return status;
}

static tn_status TN(join_part)(void *data, int64_t c)
{
    TN(winograd_turn)()->join(data, c);
    return TN_OK;
}

static tn_status TN(winograd_gweight)(const conv *s, tn_call *c, const tn_io *io,
                                      TN(patches) x)
{
    TN(winograd)
    w = TN(winograd_of)(s, x, s->filters, conv_images(s, io->gout), io->scratch);
    w.call = c, w.gout = io->gout->data, w.gweight = io->gparam[0]->data;
    w.slots = conv_least(w.slots, winograd_sums(s, WINOGRAD_REAL));
    const tn_status status = c->host->parallel(c, w.slots, TN(sum_slot), &w);
    return status ? status : c->host->parallel(c, x.channels, TN(join_part), &w);
}
