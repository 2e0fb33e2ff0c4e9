/* operand.h - the operands of a product, and packing them. Included by loops.c, for one
 * precision. */
#ifndef BACKEND_BLIS_OPERAND_H
#define BACKEND_BLIS_OPERAND_H

#include "cut.h"
#include "loops.h"

#define PANEL ((int64_t)(PANEL_BYTES / sizeof(tn_real)))
_Static_assert(DEPTH <= TN_SHOWN_COLUMNS, "a block has more columns than may be shown");
#define FETCHED (-1)
#define STEPS_AT_ONCE 8 /* that are packed along rows of memory: as the L1 has ways */
#define FETCH_STEPS 32  /* from those to the ones that are fetched meanwhile */

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

typedef struct block {
    tn_real *at;
    int64_t row, col; /* strides */
} block;

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

/* Asks for the next steps of a strip whose steps lie far apart in memory. */
static void fetch_steps(const block *from, int64_t first, int64_t rows)
{
    const int64_t line = 64 / (int64_t)sizeof(tn_real);
    for (int64_t k = first; k < first + STEPS_AT_ONCE; k++)
        for (int64_t i = 0; i < rows; i += line)
            __builtin_prefetch(
                (const void *)((uintptr_t)(from->at + i) +
                               (uintptr_t)k * (uintptr_t)from->col * sizeof(tn_real)),
                0, 2);
}

/* Packs a strip of A, each tile `far` behind the one before. Where rows of it lie side by side
 * in memory they are followed over all tiles, a few steps at a time: memory likes long
 * runs. */
static void pack_a(const tn_blis_kernels *kernels, const operand *a, int64_t row,
                   int64_t k, int64_t rows, int64_t depth, int64_t tiles, tn_real *read,
                   tn_real *into, int64_t far)
{
    const block from = look(a, row, k, rows, depth, read);
    const int64_t some = from.row == 1 ? STEPS_AT_ONCE : depth;
    for (int64_t i = 0; i < depth; i += some) {
        if (from.row == 1 && !a->m.read) fetch_steps(&from, i + FETCH_STEPS, rows);
        for (int64_t t = 0; t < tiles; t++) {
            const int64_t first = begin(rows, tiles, t);
            const tn_blis_strip s = {.from = from.at + first * from.row + i * from.col,
                                     .step = from.col,
                                     .side = from.row,
                                     .depth = least(some, depth - i),
                                     .ahead = depth * from.col,
                                     .count = begin(rows, tiles, t + 1) - first,
                                     .into = into + t * far + i * kernels->pitch};
            if (s.count) kernels->pack_a(&s);
        }
    }
}

/* A block of B that is read the way it lies packed: straight there. What kernels take beside it, the
 * rest of a vector, is zero. */
static void read_panels(const tn_blis_kernels *kernels, const operand *b, int64_t k,
                        int64_t col, int64_t depth, int64_t cols, tn_real *into)
{
    const int64_t wide = kernels->wide, lanes = kernels->lanes;
    for (int64_t j = 0; j < cols; j += wide, into += depth * wide) {
        const int64_t n = least(wide, cols - j), vector = n / lanes * lanes;
        for (int64_t i = 0; vector < n && i < depth; i++)
            for (int64_t c = 0; c < lanes; c++) into[i * wide + vector + c] = 0;
        b->m.read(b->m.with, k, col + j, depth, n, into, wide);
    }
}

/* Packs a block of B, `wide` columns after `wide` columns; its rows are followed as those of A. Next
 * comes what is below or, behind the last block, these columns `next` further on; FETCHED: somebody
 * else sees to that. */
static void pack_b(const tn_blis_kernels *kernels, const operand *b, int64_t k,
                   int64_t col, int64_t depth, int64_t cols, int64_t next, tn_real *read,
                   tn_real *into)
{
    const int64_t wide = kernels->wide;
    if (b->m.read && !b->flipped) {
        read_panels(kernels, b, k, col, depth, cols, into);
        return;
    }
    const block from = look(b, k, col, depth, cols, read);
    const int64_t some = from.col == 1 ? STEPS_AT_ONCE : depth;
    const bool last = k + depth >= b->m.rows;
    for (int64_t i = 0; i < depth; i += some)
        for (int64_t j = 0; j < cols; j += wide) {
            const tn_blis_strip s = {.from = from.at + i * from.row + j * from.col,
                                     .step = from.row,
                                     .side = from.col,
                                     .depth = least(some, depth - i),
                                     .count = least(wide, cols - j),
                                     .ahead = next == FETCHED ? 0
                                              : last ? next * from.col - k * from.row
                                                     : depth * from.row,
                                     .into = into + j * depth + i * wide};
            kernels->pack_b(&s);
        }
}

#endif
