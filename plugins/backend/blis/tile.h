/* tile.h - a task, and the smallest part of it: a call of a kernel, with its operands found where they
 * lie, were packed or shown, and what is used next fetched ahead. Included by loops.c, for one
 * precision. */
#ifndef BACKEND_BLIS_TILE_H
#define BACKEND_BLIS_TILE_H

#include "small.h"

#define READ_BYTES 0x4000 /* of A that are read at once, beside B in the L1 cache */

/* Memory that will be used next: rows of `length` bytes. */
typedef struct ahead {
    const char *at;
    int64_t row, rows, length, along;
} ahead;

typedef struct task {
    const job *job;
    int64_t strip, end;           /* its strips */
    int64_t row, col, rows, cols; /* its part of the result */
    ahead ahead;                  /* the next block of B */
    block out;                    /* that part, in memory or staged */
    int64_t base;                 /* its row where `out` begins */
    tn_real *a_room, *a_read, *b_room, *b_read;
    int64_t from, to; /* its slice of the inner dimension */
    /* Block of the inner dimension, and B there: how far the next step is, and the next `wide` columns;
     * `tail`: the last panel if it lies elsewhere, packed. */
    int64_t k, depth;
    const tn_real *b, *tail;
    int64_t b_step, b_next;
    block a; /* where A is read strip by strip: the strip of rows from a_first on */
    int64_t a_first;
    tn_shown shown; /* where it is shown: what is left of that */
} task;

/* ---- what is used next --------------------------------------------------------------- */

/* Rows or, if those lie against its grain, columns of a block where it lies. */
static ahead ahead_of(const operand *o, int64_t row, int64_t col, int64_t rows,
                      int64_t cols)
{
    const tn_matrix *m = &o->m;
    const bool along = m->col_stride == 1;
    if (m->read || (!along && m->row_stride != 1)) return (ahead){0};
    const int64_t size = (int64_t)sizeof(tn_real);
    ahead a = {.at = (const char *)((const tn_real *)m->data + row * m->row_stride +
                                    col * m->col_stride),
               .row = (along ? m->row_stride : m->col_stride) * size,
               .rows = along ? rows : cols,
               .length = (along ? cols : rows) * size};
    if (a.row == a.length) a.length *= a.rows, a.rows = 1;
    return a;
}

/* The next stretches of it, for a tile: as many as SHORT and DEPTH allow, and what is left over at
 * the end of the memory begins behind it. */
_Static_assert(SHORT / PACE * STRETCHES >= DEPTH, "a tile has more stretches than room");

static void fetch_ahead(ahead *a, tn_blis_tile *tile, const void **stretch)
{
    tile->fetch = NULL, tile->first = tile->depth;
    if (!a->rows) return;
    tile->fetch = stretch;
    tile->first = tile->run = least(a->length / PACE, tile->depth);
    for (int64_t n = 0; n * tile->run < tile->depth; n++) {
        stretch[n] = a->at + a->along;
        if (!a->rows) continue;
        a->along += tile->run * PACE;
        if (a->along < a->length) continue;
        a->along = 0, a->at += a->row, a->rows--;
    }
}

/* What an epilogue works on together with this tile. */
static void fetch_beside(const tn_matrix *out, int64_t row, int64_t col,
                         tn_blis_tile *tile, const void **stretch)
{
    const tn_real *at = (const tn_real *)out->beside + row * out->row_stride + col;
    tile->fetch = stretch;
    tile->run = PANEL_BYTES / PACE;
    if (tile->run * STRETCHES < tile->depth) tile->run = parts(tile->depth, STRETCHES);
    tile->first = tile->run;
    for (int64_t i = 0; i < STRETCHES; i++)
        stretch[i] = at + least(i, tile->rows - 1) * out->row_stride;
}

static void find_b(task *t)
{
    const operand *b = &t->job->b;
    const int64_t wide = t->job->kernels->wide;
    t->tail = NULL, t->b_step = wide, t->b_next = t->depth * wide;
    if (b->place == WHOLE) {
        t->b = b->whole +
               packed_at(parts(b->m.cols, PANEL), PANEL, t->k, t->depth, t->col / PANEL);
        return;
    }
    t->b = t->b_room;
    if (b->place == EACH) {
        pack_b(t->job->kernels, b, t->k, t->col, t->depth, t->cols,
               t->job->ahead ? FETCHED : t->job->bundle * t->job->cut.wide, t->b_read,
               t->b_room);
        return;
    }
    if (t->job->few == TURNED) return;
    const block here = look(b, t->k, t->col, 0, 0, NULL);
    t->b = here.at, t->b_step = here.row, t->b_next = wide;
    const int64_t rest = t->cols % PANEL;
    if (rest % t->job->kernels->lanes == 0) return;
    pack_b(t->job->kernels, b, t->k, t->col + t->cols - rest, t->depth, rest, 0, NULL,
           t->b_room);
    t->tail = t->b_room;
}

static void find_a(const task *t, int64_t strip, int64_t i, int64_t row,
                   tn_blis_tile *tile)
{
    const job *j = t->job;
    const int64_t pitch = j->kernels->pitch, tiles = j->cut.tiles;
    tile->a_row = 1, tile->a_step = pitch;
    if (j->a.place == WHOLE) {
        tile->a = j->a.whole + packed_at(j->cut.strips * tiles, pitch, t->k, t->depth,
                                         strip * tiles + i);
    } else if (j->a.m.read) {
        tile->a = t->a.at + (row - t->a_first) * t->a.row;
        tile->a_row = t->a.row, tile->a_step = t->a.col;
    } else if (j->a.place == EACH) {
        tile->a = t->a_room + i * pitch * t->depth;
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

/* Whether there is something in the result for this block to be added to. */
static bool adds(const task *t)
{
    return t->k > t->from || (t->job->add && !t->k);
}

/* Whether an epilogue works on something that lies as the result does, once this block is done. */
static bool has_beside(const task *t)
{
    const job *j = t->job;
    return !j->a.m.show && j->out.beside && j->out.col_stride == 1 &&
           t->k + j->depth >= j->a.m.cols;
}

/* Whether kernels can put results into their place, whole vectors of them. */
static bool lies_well(const task *t)
{
    return t->out.col == 1 && !(t->job->flipped && t->job->bias && !t->k);
}

/* Columns from `col` on that one call makes: a panel or, where nothing else is asked for, all of those
 * behind it that the kernels can put into their place. */
static int64_t columns_at_once(const task *t, int64_t col)
{
    const int64_t left = t->cols - col, whole = left / PANEL * PANEL;
    const bool fetches = has_beside(t) || (!t->job->a.m.show && t->ahead.rows);
    return lies_well(t) && !fetches && whole ? whole : least(PANEL, left);
}

/* A tile of `cols` columns; row and col count within the task. */
static void run_tile(task *t, tn_blis_tile *tile, int64_t row, int64_t col, int64_t cols)
{
    const job *j = t->job;
    const void *stretch[STRETCHES];
    _Alignas(64) tn_real edge[TALLEST * PANEL_BYTES / sizeof(tn_real)];
    const int64_t lanes = j->kernels->lanes, wide = j->kernels->wide;
    const bool add = adds(t), other = t->tail && cols < PANEL;
    const tn_real *bias = t->k ? NULL : j->bias;
    if (bias) bias += j->flipped ? t->row + row : t->col + col;
    const block out = {t->out.at + (row - t->base) * t->out.row + col * t->out.col,
                       t->out.row, t->out.col};
    const bool fits = lies_well(t) && cols % lanes == 0;
    tile->b = other ? t->tail : t->b + col / wide * t->b_next;
    tile->b_step = other ? wide : t->b_step;
    tile->b_next = other ? t->depth * wide : t->b_next;
    tile->cols = parts(cols, lanes) * lanes;
    tile->out = fits ? out.at : edge, tile->out_row = fits ? out.row : PANEL;
    tile->add = fits && add, tile->bias = fits ? bias : NULL;
    if (j->a.m.show)
        tile->fetch = NULL; /* runs are those of A */
    else if (has_beside(t))
        fetch_beside(&j->out, t->row + row, t->col + col, tile, stretch);
    else
        fetch_ahead(&t->ahead, tile, stretch);
    j->kernels->multiply(tile);
    if (!fits) settle(edge, PANEL, out, tile->rows, cols, add, bias, j->flipped);
}

/* All columns of a tile. */
static void run_row(task *t, tn_blis_tile *tile, int64_t row)
{
    for (int64_t col = 0, cols; col < t->cols; col += cols) {
        cols = columns_at_once(t, col);
        run_tile(t, tile, row, col, cols);
    }
}

#endif
