/* cut.h - how a product is cut. By its shape alone, so that epilogues see the same blocks
 * with any number of threads and any kernels.
 *
 * Rows are cut evenly into strips of at most STRIP_ROWS, strips into tiles as tall as the
 * kernels like; columns into panels. A task is `high` strips of `wide` columns. */
#ifndef BACKEND_BLIS_CUT_H
#define BACKEND_BLIS_CUT_H

#include "kernel.h"

/* Found by measurement (bench/products.c) on cores with 1 MiB of L2 cache. */
#define STRIP_ROWS 64
#define WIDE_PANELS 8   /* of a task: its block of B stays in L2 */
#define LONG_PANELS 32  /* of one with few rows: B is read in long runs */
#define SHOWN_PANELS 24 /* of one whose result is only shown: long rows suit a taker */
#define HIGH_STRIPS 4   /* its block of the result too, where that is visited often */
#define HIGH_ONCE 16    /* where it is written once */
#define TASKS 16        /* enough of them: no need to cut finer */
#define FEW_TASKS 4     /* enough, where each gathers or packs its rows of A */
#define TASK_WORK 0.5e6 /* multiplications that are worth a task of their own */
#define SHARE_WORK 4e6  /* of a task, that pay for packing B before all tasks */
#define SQUARE 256      /* steps of a block of a long inner dimension */
#define LONG_BLOCKS 16  /* so many blocks of the inner dimension are cut into slices */
#define SLICE_BLOCKS 4  /* of a slice, at least */
#define SLICES 16       /* at most */

typedef struct cut {
    int64_t strips, tiles; /* tiles of one strip */
    int64_t high, wide, down, across;
} cut;

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t parts(int64_t size, int64_t part)
{
    return size / part + (size % part != 0);
}

/* Where part i begins if `size` is cut into `count` parts that differ by at most one. */
static inline int64_t begin(int64_t size, int64_t count, int64_t i)
{
    return i * (size / count) + least(i, size % count);
}

/* Steps of a block of an inner dimension of so many. A long one has SQUARE (16 x 16 positions, or a
 * part or multiple of other images), and so have multiples of that, which make the same sums batch by
 * batch; blocks of others are as equal as whole cache lines allow, for a short last one would take as
 * long as a long one around the kernels. */
static inline int64_t depth_of(int64_t steps)
{
    if (steps <= DEPTH) return DEPTH;
    if (steps > (LONG_BLOCKS - 1) * SQUARE || steps % SQUARE == 0) return SQUARE;
    return parts(parts(steps, parts(steps, DEPTH)), 16) * 16;
}

/* Of an inner dimension of so many blocks: 1 where it is short. Slice i begins with block
 * begin(blocks, slices, i). */
static inline int64_t slices_of(int64_t blocks)
{
    return blocks < LONG_BLOCKS ? 1 : least(blocks / SLICE_BLOCKS, SLICES);
}

#endif
