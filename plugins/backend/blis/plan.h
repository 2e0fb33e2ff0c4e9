/* plan.h - how a product is made: whether it is flipped, how it is cut, which operands are
 * packed, and what room that takes. By its shape and strides alone. Included by loops.c, for
 * one precision.
 *
 * out = a b may be computed as out' = b' a' (flipped): elements are the same chains of
 * operations, so the bits are the same too, and narrow results fill the vectors. */
#ifndef BACKEND_BLIS_PLAN_H
#define BACKEND_BLIS_PLAN_H

#include "operand.h"

/* Found by measurement (bench/products.c). */
#define SHARED_BYTES 0x1p24 /* most memory for an operand packed as a whole */
#define PACK_B_ROWS 200     /* so many rows of the result pay for packing B */
#define SMALL_BYTES 0x40000 /* of B that a core keeps beside all else */
#define ROWS_ONCE 14        /* so few meet B but once */
#define WAYS 7              /* that the L1 cache has for one place, and is not short of */
#define NEAR 1024           /* bytes: rows that are followed across */
#define NEAR_ALONG 128      /* rows that are followed along, each by itself */
#define NARROW 16           /* results at most so wide may better be flipped */
#define BUNDLE_PANELS 8     /* of a bundle of tasks: as wide as a task may be */
#define FETCH_TILES 4       /* that share a block of B: time enough to fetch the next */
#define SHORT 256 /* bytes of a row of it that are not worth fetching by themselves */
#define BUNDLES 2 /* for each worker, at least */
#define TURN_COST 0.06 /* of packing against the grain, per byte */
#define ALIGN(n) (((n) + 15) / 16 * 16)

/* Kernels for few rows, which take B where it lies. */
typedef enum few { NOT_FEW, TURNED, LONG } few;

typedef struct job {
    const tn_blis_kernels *kernels;
    few few;
    operand a, b;
    tn_matrix out;
    const tn_real *bias;
    int64_t depth; /* of blocks of the inner dimension */
    bool flipped, add, staged;
    bool ahead;    /* while a block of B is multiplied, the next one is fetched */
    bool by_strip; /* a strip is finished before the next begins: one stage for all */
    cut cut;
    int64_t bundle;  /* tasks side by side that a worker does at once, sharing A */
    int64_t workers; /* threads */
    int64_t slices;  /* of the inner dimension */
    bool split;      /* each is a task of its own, for want of others */
    tn_real *rooms;
    int64_t room, a_room, a_read, b_room, b_read; /* a worker's; parts of it */
    int64_t part;  /* room for a task's part of the result, if there are slices */
    tn_real *sums; /* split: of each slice, those of all tasks */
} job;

/* Rows whose distance is near a multiple of 4096 bytes fight for the same few places of
 * the L1 cache. */
static bool crowded(int64_t stride, int64_t near)
{
    const int64_t bytes = (stride < 0 ? -stride : stride) * (int64_t)sizeof(tn_real);
    return bytes >= 2048 && (bytes % 4096 < near || bytes % 4096 > 4096 - near);
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

/* Then tasks may be rows of the result, each with all of B: rows of a weight's gradient are made, and
 * updated, where those of the weight were used. */
static bool stays_near(const tn_matrix *b)
{
    return !b->read && b->col_stride == 1 && b->rows <= DEPTH &&
           b->rows * b->cols <= SMALL_BYTES / (int64_t)sizeof(tn_real);
}

static bool packs_b(const tn_matrix *a, const tn_matrix *b)
{
    return b->read || b->col_stride != 1 ||
           (a->rows >= PACK_B_ROWS && b->row_stride > 2 * PANEL && !stays_near(b)) ||
           (a->rows > ROWS_ONCE && crowded(b->row_stride, NEAR));
}

static bool packs_a(const tn_matrix *a, const tn_matrix *b)
{
    const bool by_columns = a->row_stride == 1, by_rows = a->col_stride == 1,
               crowd = by_columns && !by_rows && crowded(a->col_stride, NEAR);
    return a->read || (!by_columns && !by_rows) ||
           (crowd && a->rows > FEW && b->cols > PANEL);
}

static bool is_patches(const tn_matrix *m)
{
    return m->read && m->room;
}

/* What is read of A is never there as a whole, nor of B where it is patches or as long as a batch. */
static void place_operands(job *j)
{
    const tn_matrix *a = &j->a.m, *b = &j->b.m;
    const double depth = (double)a->cols * sizeof(tn_real);
    j->a.place = place_of(packs_a(a, b) && !j->few, j->cut.across > 1 && !a->read,
                          depth * (double)(j->cut.strips * j->cut.tiles) *
                              (double)j->kernels->pitch);
    const bool long_b = b->read && !a->read && j->slices > 1,
               apart = is_patches(b) || long_b;
    if (!j->b.whole)
        j->b.place = place_of(packs_b(a, b) && !j->few, j->cut.down > 1 && !apart,
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

/* Room for one worker, in parts that end on cache lines. */
static void measure_room(job *j)
{
    const int64_t wide = parts(least(j->bundle * j->cut.wide, j->out.cols), PANEL) *
                         PANEL;
    const bool b_read = j->b.m.read && j->flipped &&
                        (j->b.place == EACH || j->b.whole == NULL);
    if (j->a.place == EACH && !j->a.m.read)
        j->a_room = j->cut.tiles * j->kernels->pitch * DEPTH;
    if (j->few) j->a_room = FEW * wide;
    if (j->a.m.read) j->a_read = ALIGN(least(STRIP_ROWS, j->out.rows)) * DEPTH;
    if (j->a.m.show) j->a_read = ALIGN(j->a.m.room);
    if (j->b.place == EACH) j->b_room = wide * DEPTH;
    if (j->b.place == DIRECT && j->few != TURNED && j->out.cols % j->kernels->lanes)
        j->b_room = PANEL * DEPTH;
    if (b_read) j->b_read = wide * DEPTH;
    const int64_t high = least((j->by_strip ? 1 : j->cut.high) * STRIP_ROWS, j->out.rows);
    j->part = ALIGN(high * wide);
    j->room = j->a_room + j->a_read + j->b_room + j->b_read +
              (j->staged && !j->split ? j->part : 0) +
              (j->slices > 1 && !j->split ? j->part : 0);
}

static bool reads_narrow(const job *j)
{
    return j->a.m.read && j->out.cols <= j->kernels->lanes;
}

/* Rows of A that the kernels read side by side: fewer where they crowd the cache; more where the
 * result is narrow and A is not packed. */
static int64_t tallest(const job *j)
{
    if (reads_narrow(j)) return j->kernels->tall;
    const bool crowd = !j->a.m.read && j->a.m.col_stride == 1 &&
                       crowded(j->a.m.row_stride, NEAR_ALONG);
    return crowd ? least(j->kernels->rows, WAYS) : j->kernels->rows;
}

/* What decides how finely a product is cut. */
typedef struct grain {
    bool
        packs; /* B: one strip of tasks packs its own columns, several share a copy, which must be
                     whole before they begin */
    bool patches;   /* is B, which each task gathers for itself: for all rows, at best */
    bool reads;     /* each task gathers its rows of A, so that few may share them */
    bool by_rows;   /* rather few rows and all columns than the other way round */
    int64_t fewest; /* tasks that are enough, where a task is as high as one strip */
} grain;

static grain grain_of(const job *j, bool shown)
{
    const bool reads = j->a.m.read != NULL, packs = !j->few && packs_a(&j->a.m, &j->b.m),
               patches = is_patches(&j->b.m);
    return (grain){.packs = !j->b.whole && !j->few && packs_b(&j->a.m, &j->b.m),
                   .patches = patches,
                   .reads = reads,
                   .by_rows = !patches && (shown || stays_near(&j->b.m) || packs),
                   .fewest = packs ? FEW_TASKS : TASKS};
}

/* `shown`: its result is only shown. `each`: tasks that one part of the result makes, if its slices
 * are tasks of their own. */
static void cut_job(job *j, int64_t widest, bool shown, int64_t each)
{
    const grain g = grain_of(j, shown);
    const double depth = (double)j->a.m.cols;
    const int64_t strips = parts(j->out.rows, STRIP_ROWS),
                  panels = parts(j->out.cols, PANEL);
    int64_t high = least(strips, depth > DEPTH && !g.reads ? HIGH_STRIPS : HIGH_ONCE),
            wide = shown ? parts(panels, parts(panels, widest)) : least(panels, widest);
    double work = (double)least(j->out.rows, high * STRIP_ROWS) *
                  (double)least(j->out.cols, wide * PANEL) * depth;
    while (each * parts(strips, high) * parts(panels, wide) <
               (high == 1 ? g.fewest : TASKS) &&
           work >= 2 * TASK_WORK && (high > 1 || wide > 1)) {
        if (!(g.by_rows && high > 1) && (wide > 2 || high == 1 || (wide > 1 && g.packs)))
            wide = parts(wide, 2);
        else if (g.patches ? each * parts(strips, high) * parts(panels, wide) < FEW_TASKS
                           : !g.packs || high < strips || work >= SHARE_WORK)
            high = parts(high, 2);
        else
            break;
        work /= 2;
    }
    j->cut = (cut){.strips = strips,
                   .tiles = parts(parts(j->out.rows, strips), tallest(j)),
                   .high = high,
                   .wide = wide * PANEL,
                   .down = parts(strips, high),
                   .across = parts(panels, wide)};
}

static job plan(const tn_blis_kernels *kernels, const tn_product *p)
{
    static const tn_real nothing = 0;
    job j = {.kernels = kernels,
             .a.m = p->a,
             .b.m = p->b,
             .out = p->out,
             .bias = p->bias,
             .depth = depth_of(p->a.cols),
             .add = p->add,
             .flipped = better_flipped(p)};
    if (j.flipped) {
        j.a.m = tn_transposed(p->b), j.b.m = tn_transposed(p->a);
        j.out = tn_transposed(p->out);
        j.a.flipped = j.b.flipped = true;
    }
    if (!p->a.cols) /* no element is read, but their places are reckoned with */
        j.a.m.read = j.b.m.read = NULL, j.a.m.show = NULL,
        j.a.m.data = j.b.m.data = (void *)(uintptr_t)&nothing,
        j.a.m.row_stride = j.b.m.row_stride = 0, j.a.m.col_stride = j.b.m.col_stride = 0;
    j.staged = p->out.wrote && (!p->out.data || p->out.col_stride != 1);
    if (p->b.packed && p->a.cols)
        j.b.place = WHOLE, j.b.whole = (tn_real *)(uintptr_t)p->b.packed;
    j.few = few_rows(&j.a.m, &j.b.m, j.b.whole);
    j.by_strip = j.staged && !j.add && !j.few && j.a.m.cols <= DEPTH;
    /* B turned in registers is best followed down its whole depth at once. */
    const bool shown = j.by_strip && !j.flipped;
    const int64_t widest = shown                              ? SHOWN_PANELS
                           : j.few == LONG                    ? LONG_PANELS
                           : j.few == TURNED && !p->out.wrote ? 1
                                                              : WIDE_PANELS;
    j.slices = slices_of(parts(j.a.m.cols, j.depth));
    cut_job(&j, widest, shown, 1);
    j.split = j.slices > 1 && j.cut.down * j.cut.across < TASKS;
    if (j.split) cut_job(&j, widest, shown, j.slices); /* slices before columns */
    place_operands(&j);
    return j;
}

/* A worker reads A once for a whole bundle. What depends on blocks of the result still sees those
 * of the cut. */
static void bundle_tasks(job *j)
{
    const int64_t tasks = j->cut.down * j->cut.across;
    int64_t bundle = least(tasks / (BUNDLES * j->workers),
                           least(BUNDLE_PANELS * PANEL / j->cut.wide, j->cut.across));
    j->bundle = bundle > 1 && !j->few && !j->split ? bundle : 1;
    j->ahead = !j->few && !j->a.m.show && j->cut.high * j->cut.tiles >= FETCH_TILES;
    measure_room(j);
}

#endif
