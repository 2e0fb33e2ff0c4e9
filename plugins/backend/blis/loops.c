/* loops.c - see loops.h. The loops around the kernels: operands are packed where that pays
 * or must be, blocks of the inner dimension are added up in order, and every strip of rows
 * is reported when it is finished.
 *
 * out = a b may be computed as out' = b' a' (flipped): elements are the same chains of
 * operations, so the bits are the same too, and narrow results fill the vectors.
 *
 * Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM
 * TOMS 34(3), 2008. */
#define TN_HOST
#include <tenon/plugin.h>

#include <string.h>

#include "cut.h"
#include "loops.h"

#define PANEL ((int64_t)(PANEL_BYTES / sizeof(tn_real)))
#define SHARED_BYTES 0x1p24     /* most memory for an operand packed as a whole */
#define PARALLEL_WORK 0.4e6     /* multiplications that are worth waking threads for */
#define PACK_A_ROWS_COLS 256    /* so many columns of the result pay for packing A ... */
#define PACK_A_COLUMNS_COLS 128 /* ... and so many where it lies by columns */
#define PACK_B_ROWS 40          /* so many rows of the result pay for packing B */
#define NARROW 16               /* results at most so wide may better be flipped */
#define TURN_COST 0.06          /* of packing against the grain, per byte */
#define STEPS_AT_ONCE 16        /* of B that are packed along its rows */
#define ALIGN(n) (((n) + 15) / 16 * 16)

/* Where the kernels find an operand. */
typedef enum place {
    DIRECT, /* where it lies */
    EACH,   /* packed block by block by each task */
    WHOLE   /* packed as a whole, before or by the host */
} place;

typedef struct operand {
    tn_matrix m;
    bool flipped; /* its reader wants rows and columns exchanged */
    place place;
    tn_real *whole;
} operand;

/* Kernels for few rows, which take B where it lies. */
typedef enum few { NOT_FEW, TURNED, LONG } few;

typedef struct job {
    const tn_blis_kernels *kernels;
    few few;
    operand a, b;
    tn_matrix out;
    const tn_real *bias;
    bool flipped, add, staged;
    cut cut;
    tn_real *rooms;
    int64_t room, a_room, a_read, b_room, b_read; /* a worker's; parts of it */
} job;

typedef struct block {
    tn_real *at;
    int64_t row, col; /* strides */
} block;

/* ---- operands ------------------------------------------------------------------------ */

/* A block of an operand where it lies, or read into `room`. */
static block look(const operand *o, int64_t row, int64_t col, int64_t rows, int64_t cols,
                  tn_real *room)
{
    const tn_matrix *m = &o->m;
    if (!m->read)
        return (block){(tn_real *)m->data + row * m->row_stride + col * m->col_stride,
                       m->row_stride, m->col_stride};
    if (o->flipped) {
        m->read(m->with, col, row, cols, rows, room, rows);
        return (block){room, 1, rows};
    }
    m->read(m->with, row, col, rows, cols, room, cols);
    return (block){room, cols, 1};
}

/* Where in an operand packed as a whole a panel (or tile) begins: it lies by blocks of the
 * inner dimension, so that what is used together is close together. */
static int64_t packed_at(int64_t panels, int64_t width, int64_t k, int64_t depth,
                         int64_t panel)
{
    return (k * panels + panel * depth) * width;
}

/* Packs rows of A for a tile. */
static void pack_a(const job *j, int64_t row, int64_t k, int64_t rows, int64_t depth,
                   tn_real *read, tn_real *into)
{
    const block from = look(&j->a, row, k, rows, depth, read);
    const tn_blis_strip s = {.from = from.at,
                             .step = from.col,
                             .side = from.row,
                             .depth = depth,
                             .count = rows,
                             .into = into};
    j->kernels->pack_a(&s);
}

/* Packs a block of B, each panel `far` behind the one before. Rows are followed over all
 * panels, a few at a time: memory likes long runs. */
static void pack_b(const tn_blis_kernels *kernels, const operand *b, int64_t k,
                   int64_t col, int64_t depth, int64_t cols, tn_real *read, tn_real *into,
                   int64_t far)
{
    const block from = look(b, k, col, depth, cols, read);
    const int64_t some = from.col == 1 ? STEPS_AT_ONCE : depth;
    for (int64_t i = 0; i < depth; i += some)
        for (int64_t j = 0; j < cols; j += PANEL) {
            const tn_blis_strip s = {.from = from.at + i * from.row + j * from.col,
                                     .step = from.row,
                                     .side = from.col,
                                     .depth = least(some, depth - i),
                                     .count = least(PANEL, cols - j),
                                     .into = into + j / PANEL * far + i * PANEL};
            kernels->pack_b(&s);
        }
}

/* ---- a task -------------------------------------------------------------------------- */

typedef struct task {
    const job *job;
    int64_t row, col, rows, cols; /* its part of the result */
    block out;                    /* that part, in memory or staged */
    tn_real *a_room, *a_read, *b_room, *b_read;
    /* Block of the inner dimension, and B there: panels `far` apart; `tail`: the last panel
     * if it lies elsewhere. */
    int64_t k, depth;
    const tn_real *b, *tail;
    int64_t b_step, far;
} task;

static void find_b(task *t)
{
    const operand *b = &t->job->b;
    t->tail = NULL, t->b_step = PANEL;
    if (b->place == WHOLE) {
        t->far = t->depth * PANEL;
        t->b = b->whole +
               packed_at(parts(b->m.cols, PANEL), PANEL, t->k, t->depth, t->col / PANEL);
        return;
    }
    t->b = t->b_room, t->far = t->depth * PANEL;
    if (b->place == EACH) {
        pack_b(t->job->kernels, b, t->k, t->col, t->depth, t->cols, t->b_read, t->b_room,
               t->far);
        return;
    }
    if (t->job->few == TURNED) return;
    const block here = look(b, t->k, t->col, 0, 0, NULL);
    t->b = here.at, t->b_step = here.row, t->far = PANEL;
    const int64_t rest = t->cols % PANEL;
    if (rest % t->job->kernels->lanes == 0) return;
    pack_b(t->job->kernels, b, t->k, t->col + t->cols - rest, t->depth, rest, NULL,
           t->b_room, 0);
    t->tail = t->b_room;
}

static void find_a(const task *t, int64_t number, int64_t row, tn_blis_tile *tile)
{
    const job *j = t->job;
    const int64_t pitch = j->kernels->pitch;
    tile->a_row = 1, tile->a_step = pitch;
    if (j->a.place == WHOLE) {
        tile->a = j->a.whole +
                  packed_at(j->cut.strips * j->cut.tiles, pitch, t->k, t->depth, number);
    } else if (j->a.place == EACH) {
        pack_a(j, row, t->k, tile->rows, t->depth, t->a_read, t->a_room);
        tile->a = t->a_room;
    } else {
        const block here = look(&j->a, row, t->k, 0, 0, NULL);
        tile->a = here.at, tile->a_row = here.row, tile->a_step = here.col;
    }
}

/* Takes over a tile that the kernel could not put into its place: strides, edges, a bias
 * for each row. The same operations as in the kernel, so the same bits. */
static void settle(const tn_real *from, int64_t pitch, block out, int64_t rows,
                   int64_t cols, bool add, const tn_real *bias, bool by_row)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) {
            tn_real *at = out.at + i * out.row + j * out.col;
            tn_real value = from[i * pitch + j];
            if (add) value += *at;
            if (bias) value += bias[by_row ? i : j];
            *at = value;
        }
}

/* One tile of one panel; row and col count within the task. */
static void run_tile(const task *t, tn_blis_tile *tile, int64_t row, int64_t col)
{
    const job *j = t->job;
    _Alignas(64) tn_real edge[TALLEST * PANEL_BYTES / sizeof(tn_real)];
    const int64_t cols = least(PANEL, t->cols - col), lanes = j->kernels->lanes;
    const bool last = col + PANEL >= t->cols, add = t->k > 0 || j->add;
    const tn_real *bias = t->k ? NULL : j->bias;
    if (bias) bias += j->flipped ? t->row + row : t->col + col;
    const block out = {t->out.at + row * t->out.row + col * t->out.col, t->out.row,
                       t->out.col};
    const bool fits = out.col == 1 && cols % lanes == 0 && !(j->flipped && bias);
    const bool other = last && t->tail;
    tile->b = other ? t->tail : t->b + col / PANEL * t->far;
    tile->b_step = other ? PANEL : t->b_step;
    tile->cols = parts(cols, lanes) * lanes;
    tile->out = fits ? out.at : edge, tile->out_row = fits ? out.row : PANEL;
    tile->add = fits && add, tile->bias = fits ? bias : NULL;
    j->kernels->multiply(tile);
    if (!fits) settle(edge, PANEL, out, tile->rows, cols, add, bias, j->flipped);
}

static void copy_block(block from, block to, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            to.at[i * to.row + j * to.col] = from.at[i * from.row + j * from.col];
}

/* Rows from `row` of the task are finished. */
static void report(const task *t, int64_t row, int64_t rows)
{
    const tn_matrix *out = &t->job->out;
    const block here = {t->out.at + row * t->out.row, t->out.row, t->out.col};
    if (out->wrote && t->job->flipped)
        out->wrote(out->with, t->col, t->row + row, t->cols, rows, here.at, here.col);
    else if (out->wrote)
        out->wrote(out->with, t->row + row, t->col, rows, t->cols, here.at, here.row);
    if (!t->job->staged || !out->data) return;
    const block home = {(tn_real *)out->data + (t->row + row) * out->row_stride +
                            t->col * out->col_stride,
                        out->row_stride, out->col_stride};
    copy_block(here, home, rows, t->cols);
}

/* Adds what kernels for few rows have made in the room to the result. */
static void settle_few(const task *t, int64_t pitch, int64_t col, int64_t cols)
{
    const job *j = t->job;
    const tn_real *bias = t->k ? NULL : j->bias;
    const block out = {t->out.at + col * t->out.col, t->out.row, t->out.col};
    if (bias) bias += j->flipped ? t->row : t->col + col;
    settle(t->a_room, pitch, out, t->rows, cols, t->k > 0 || j->add, bias, j->flipped);
}

/* All of the task's rows, which are few. */
static void run_few(const task *t)
{
    const job *j = t->job;
    const block a = look(&j->a, t->row, t->k, 0, 0, NULL),
                b = look(&j->b, t->k, t->col, 0, 0, NULL);
    const bool turned = j->few == TURNED;
    const int64_t whole = t->cols - (t->tail ? t->cols % PANEL : 0);
    tn_blis_tile tile = {.a = a.at,
                         .a_row = t->rows > 1 || a.col == 1 ? a.row : 1,
                         .a_step = a.col,
                         .b_step = b.row,
                         .b_side = b.col,
                         .out = t->a_room,
                         .out_row = turned ? PANEL : whole,
                         .rows = t->rows,
                         .depth = t->depth};
    for (int64_t col = 0; col < whole; col += tile.cols) {
        tile.cols = turned ? least(PANEL, whole - col) : whole;
        tile.b = b.at + col * b.col;
        (turned ? j->kernels->multiply_turned : j->kernels->multiply_long)(&tile);
        settle_few(t, tile.out_row, col, tile.cols);
    }
    if (whole < t->cols) run_tile(t, &tile, 0, whole);
    if (t->k + DEPTH >= j->a.m.cols) report(t, 0, t->rows);
}

static void run_strip(const task *t, int64_t strip)
{
    const job *j = t->job;
    const int64_t first = begin(j->out.rows, j->cut.strips, strip),
                  rows = begin(j->out.rows, j->cut.strips, strip + 1) - first;
    for (int64_t i = 0; i < j->cut.tiles; i++) {
        const int64_t row = first + begin(rows, j->cut.tiles, i);
        tn_blis_tile tile = {.rows = first + begin(rows, j->cut.tiles, i + 1) - row,
                             .depth = t->depth};
        if (!tile.rows) continue;
        find_a(t, strip * j->cut.tiles + i, row, &tile);
        for (int64_t col = 0; col < t->cols; col += PANEL)
            run_tile(t, &tile, row - t->row, col);
    }
    if (t->k + DEPTH >= j->a.m.cols) report(t, first - t->row, rows);
}

static void find_out(task *t, tn_real *stage)
{
    const tn_matrix *out = &t->job->out;
    const block home = {(tn_real *)out->data, out->row_stride, out->col_stride};
    t->out = home;
    if (out->data) t->out.at += t->row * home.row + t->col * home.col;
    if (!t->job->staged) return;
    const block there = t->out;
    t->out = t->job->flipped ? (block){stage, 1, t->rows} : (block){stage, t->cols, 1};
    if (t->job->add) copy_block(there, t->out, t->rows, t->cols);
}

static void run_task(void *data, int64_t i, int32_t worker)
{
    const job *j = data;
    const int64_t strip = i / j->cut.across * j->cut.high,
                  end = least(strip + j->cut.high, j->cut.strips),
                  row = begin(j->out.rows, j->cut.strips, strip),
                  col = i % j->cut.across * j->cut.wide;
    task t = {.job = j,
              .row = row,
              .col = col,
              .rows = begin(j->out.rows, j->cut.strips, end) - row,
              .cols = least(j->cut.wide, j->out.cols - col)};
    if (j->room) {
        t.a_room = j->rooms + worker * j->room;
        t.a_read = t.a_room + j->a_room;
        t.b_room = t.a_read + j->a_read;
        t.b_read = t.b_room + j->b_room;
    }
    find_out(&t, j->room ? t.b_read + j->b_read : NULL);
    do {
        t.depth = least(DEPTH, j->a.m.cols - t.k);
        find_b(&t);
        if (j->few)
            run_few(&t);
        else
            for (int64_t s = strip; s < end; s++) run_strip(&t, s);
        t.k += DEPTH;
    } while (t.k < j->a.m.cols);
}

/* ---- packing as a whole ---------------------------------------------------------------- */

/* A block of the inner dimension of one strip of A or, after those, of a task's columns of
 * B. */
static void pack_part(void *data, int64_t i, int32_t worker)
{
    const job *j = data;
    const int64_t blocks = parts(j->a.m.cols, DEPTH), k = i % blocks * DEPTH,
                  depth = least(DEPTH, j->a.m.cols - k), pitch = j->kernels->pitch;
    tn_real *a_read = j->rooms + worker * j->room + j->a_room;
    i /= blocks;
    if (j->a.place == WHOLE) {
        if (i < j->cut.strips) {
            const int64_t row = begin(j->out.rows, j->cut.strips, i),
                          rows = begin(j->out.rows, j->cut.strips, i + 1) - row,
                          tiles = j->cut.tiles;
            for (int64_t t = 0; t < tiles; t++) {
                const int64_t first = begin(rows, tiles, t),
                              count = begin(rows, tiles, t + 1) - first;
                tn_real *into = j->a.whole + packed_at(j->cut.strips * tiles, pitch, k,
                                                       depth, i * tiles + t);
                if (count) pack_a(j, row + first, k, count, depth, a_read, into);
            }
            return;
        }
        i -= j->cut.strips;
    }
    const int64_t col = i * j->cut.wide;
    tn_real *into = j->b.whole +
                    packed_at(parts(j->out.cols, PANEL), PANEL, k, depth, col / PANEL);
    pack_b(j->kernels, &j->b, k, col, depth, least(j->cut.wide, j->out.cols - col),
           a_read + j->a_read + j->b_room, into, depth * PANEL);
}

/* ---- decisions ----------------------------------------------------------------------- */

/* Rows whose distance is near a multiple of 4096 bytes fight for the same few places of
 * the L1 cache. */
static bool crowded(int64_t stride)
{
    const int64_t bytes = (stride < 0 ? -stride : stride) * (int64_t)sizeof(tn_real);
    return bytes >= 2048 && (bytes % 4096 < 1024 || bytes % 4096 > 3072);
}

static place place_of(bool pack, bool shared, double bytes)
{
    return !pack ? DIRECT : shared && bytes <= SHARED_BYTES ? WHOLE : EACH;
}

static bool against_grain(const tn_matrix *a, const tn_matrix *b)
{
    return !a->read && !b->read && a->col_stride == 1 && b->row_stride == 1;
}

static few few_rows(const tn_matrix *a, const tn_matrix *b, bool packed)
{
    if (a->rows > FEW || packed || a->read || b->read) return NOT_FEW;
    if (b->col_stride == 1)
        return a->rows == 1 || a->col_stride == 1 || a->row_stride == 1 ? LONG : NOT_FEW;
    return against_grain(a, b) ? TURNED : NOT_FEW;
}

static void place_operands(job *j)
{
    const tn_matrix *a = &j->a.m, *b = &j->b.m;
    const double depth = (double)a->cols * sizeof(tn_real);
    const bool by_columns = a->row_stride == 1, by_rows = a->col_stride == 1;
    const int64_t reuse = by_columns ? PACK_A_COLUMNS_COLS : PACK_A_ROWS_COLS;
    const bool often = b->cols >= reuse ||
                       (b->cols > PANEL &&
                        crowded(by_columns ? a->col_stride : a->row_stride)),
               a_pack = a->read || (!by_columns && !by_rows) || (a->rows > FEW && often),
               b_pack = b->read || b->col_stride != 1 || a->rows >= PACK_B_ROWS ||
                        (a->rows > TALLEST && crowded(b->row_stride));
    j->a.place = place_of(a_pack && !j->few, j->cut.across > 1,
                          depth * (double)(j->cut.strips * j->cut.tiles) *
                              (double)j->kernels->pitch);
    if (!j->b.whole)
        j->b.place = place_of(b_pack && !j->few, j->cut.down > 1,
                              depth * (double)b->cols);
}

/* Vectors are taken to have 64 bytes on every processor: blocks may not depend on it. */
static bool better_flipped(const tn_product *p)
{
    const tn_matrix *out = &p->out;
    if (p->b.packed) return false;
    if (out->data && out->col_stride != 1 && out->row_stride == 1 && !out->wrote)
        return true;
    if (out->cols > NARROW || out->rows <= out->cols) return false;
    if (out->cols <= FEW && against_grain(&p->a, &p->b)) return true;
    const int64_t lanes = 64 / (int64_t)sizeof(tn_real);
    const double rows = (double)out->rows, cols = (double)out->cols,
                 turn = TURN_COST * sizeof(tn_real),
                 straight = rows * (double)parts(out->cols, lanes) +
                            (p->b.col_stride == 1 ? 0 : turn * cols),
                 flipped = cols * (double)parts(out->rows, lanes) + turn * rows;
    return flipped < straight;
}

static job plan(const tn_blis_team *team, const tn_product *p)
{
    static const tn_real nothing = 0;
    job j = {.kernels = team->kernels,
             .a.m = p->a,
             .b.m = p->b,
             .out = p->out,
             .bias = p->bias,
             .add = p->add,
             .flipped = better_flipped(p)};
    if (j.flipped) {
        j.a.m = tn_transposed(p->b), j.b.m = tn_transposed(p->a);
        j.out = tn_transposed(p->out);
        j.a.flipped = j.b.flipped = true;
    }
    if (!p->a.cols) /* no element is read, but their places are reckoned with */
        j.a.m.read = j.b.m.read = NULL,
        j.a.m.data = j.b.m.data = (void *)(uintptr_t)&nothing,
        j.a.m.row_stride = j.b.m.row_stride = 0, j.a.m.col_stride = j.b.m.col_stride = 0;
    j.staged = p->out.wrote && (!p->out.data || p->out.col_stride != 1);
    if (p->b.packed && p->a.cols)
        j.b.place = WHOLE, j.b.whole = (tn_real *)(uintptr_t)p->b.packed;
    j.few = few_rows(&j.a.m, &j.b.m, j.b.whole);
    /* B turned in registers is best followed down its whole depth at once. */
    const int64_t widest = j.few == LONG                      ? LONG_PANELS
                           : j.few == TURNED && !p->out.wrote ? 1
                                                              : WIDE_PANELS;
    j.cut = cut_product(j.out.rows, j.out.cols, PANEL, widest, j.kernels->rows,
                        (double)j.a.m.cols, DEPTH);
    place_operands(&j);
    return j;
}

/* Room for one worker, in parts that end on cache lines. */
static void measure_room(job *j)
{
    const int64_t wide = parts(least(j->cut.wide, j->out.cols), PANEL) * PANEL;
    const bool b_read = j->b.m.read && (j->b.place == EACH || j->b.whole == NULL);
    if (j->a.place == EACH) j->a_room = j->kernels->pitch * DEPTH;
    if (j->few) j->a_room = FEW * wide;
    if (j->a.m.read) j->a_read = TALLEST * DEPTH;
    if (j->b.place == EACH) j->b_room = wide * DEPTH;
    if (j->b.place == DIRECT && j->few != TURNED && j->out.cols % j->kernels->lanes)
        j->b_room = PANEL * DEPTH;
    if (b_read) j->b_read = wide * DEPTH;
    const int64_t high = least(j->cut.high * STRIP_ROWS, j->out.rows);
    j->room = j->a_room + j->a_read + j->b_room + j->b_read +
              (j->staged ? ALIGN(high * wide) : 0);
}

/* ---- products ------------------------------------------------------------------------ */

static void run(const tn_blis_team *team, int64_t n, bool alone,
                void (*body)(void *, int64_t, int32_t), void *data)
{
    if (!alone)
        team->parallel(team->self, n, body, data);
    else
        for (int64_t i = 0; i < n; i++) body(data, i, 0);
}

tn_status TN(tn_blis_product)(const tn_blis_team *team, tn_call *c, const tn_product *p)
{
    job j = plan(team, p);
    measure_room(&j);
    const bool share_a = j.a.place == WHOLE, share_b = j.b.place == WHOLE && !j.b.whole;
    const int64_t depth = j.a.m.cols,
                  a_size = share_a ? ALIGN(j.cut.strips * j.cut.tiles * depth *
                                           j.kernels->pitch)
                                   : 0,
                  b_size = share_b ? parts(j.out.cols, PANEL) * PANEL * depth : 0,
                  size = team->threads * j.room + a_size + b_size;
    void *room = NULL;
    if (size) {
        room = tn_blis_take_room(team, c, (size_t)size * sizeof(tn_real));
        if (!room) return TN_ENOMEM;
        j.rooms = room;
        if (share_a) j.a.whole = j.rooms + team->threads * j.room;
        if (share_b) j.b.whole = j.rooms + team->threads * j.room + a_size;
    }
    const bool alone = (double)j.out.rows * (double)j.out.cols * (double)depth <
                       PARALLEL_WORK;
    const int64_t items = (share_a ? j.cut.strips : 0) + (share_b ? j.cut.across : 0);
    if (items) run(team, items * parts(depth, DEPTH), alone, pack_part, &j);
    run(team, j.cut.down * j.cut.across, alone, run_task, &j);
    if (room) tn_blis_give_room(team, c, room);
    return TN_OK;
}

size_t TN(tn_blis_pack_size)(const tn_matrix *b)
{
    size_t size;
    if (b->cols <= FEW) return 0; /* kernels for few rows are faster */
    return !__builtin_mul_overflow((size_t)parts(b->cols, PANEL) * PANEL_BYTES,
                                   (size_t)b->rows, &size)
               ? size
               : 0;
}

typedef struct packing {
    const tn_blis_kernels *kernels;
    operand b;
} packing;

static void pack_panel(void *data, int64_t i, int32_t worker)
{
    const packing *p = data;
    _Alignas(64) tn_real read[DEPTH * PANEL_BYTES / sizeof(tn_real)];
    const int64_t steps = p->b.m.rows, cols = least(PANEL, p->b.m.cols - i * PANEL);
    for (int64_t k = 0; k < steps; k += DEPTH) {
        const int64_t depth = least(DEPTH, steps - k);
        pack_b(p->kernels, &p->b, k, i * PANEL, depth, cols, read,
               p->b.whole + packed_at(parts(p->b.m.cols, PANEL), PANEL, k, depth, i), 0);
    }
}

void TN(tn_blis_pack)(const tn_blis_team *team, const tn_matrix *b, void *packed)
{
    packing p = {.kernels = team->kernels, .b = {.m = *b, .whole = packed}};
    run(team, parts(b->cols, PANEL),
        (double)b->rows * (double)b->cols < PARALLEL_WORK / 4, pack_panel, &p);
}
