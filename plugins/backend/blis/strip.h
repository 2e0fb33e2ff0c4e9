/* strip.h - the rows of a task, strip by strip: tiles across them, and reports of rows that are
 * finished. Included by loops.c, for one precision. */
#ifndef BACKEND_BLIS_STRIP_H
#define BACKEND_BLIS_STRIP_H

#include "tile.h"

static void copy_block(block from, block to, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            to.at[i * to.row + j * to.col] = from.at[i * from.row + j * from.col];
}

/* Rows of `from` lie in one piece. */
static void add_block(block from, block to, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++) {
        const tn_real *row = from.at + i * from.row;
        tn_real *into = to.at + i * to.row;
        if (to.col == 1)
            for (int64_t j = 0; j < cols; j++) into[j] += row[j];
        else
            for (int64_t j = 0; j < cols; j++) into[j * to.col] += row[j];
    }
}

/* Columns of rows of the task are finished. */
static void report_block(const task *t, int64_t row, int64_t rows, int64_t col,
                         int64_t cols)
{
    const tn_matrix *out = &t->job->out;
    const block here = {t->out.at + (row - t->base) * t->out.row + col * t->out.col,
                        t->out.row, t->out.col};
    const int64_t down = t->row + row, across = t->col + col;
    if (out->wrote && t->job->flipped)
        out->wrote(out->with, across, down, cols, rows, here.at, here.col);
    else if (out->wrote)
        out->wrote(out->with, down, across, rows, cols, here.at, here.row);
    if (!t->job->staged || !out->data) return;
    const block home = {(tn_real *)out->data + down * out->row_stride +
                            across * out->col_stride,
                        out->row_stride, out->col_stride};
    copy_block(here, home, rows, cols);
}

/* Rows from `row` of the task are finished: blocks are those of the cut. */
static void report(const task *t, int64_t row, int64_t rows)
{
    const int64_t wide = t->job->cut.wide;
    for (int64_t col = 0; col < t->cols; col += wide)
        report_block(t, row, rows, col, least(wide, t->cols - col));
}

/* All rows: blocks are those of the cut here too. */
static void report_strips(const task *t)
{
    const job *j = t->job;
    for (int64_t s = t->strip; s < t->end; s++) {
        const int64_t row = begin(j->out.rows, j->cut.strips, s);
        report(t, row - t->row, begin(j->out.rows, j->cut.strips, s + 1) - row);
    }
}

/* Whether rows are finished with this block; those with slices, when these are added up. */
static bool finishes(const task *t)
{
    return t->job->slices == 1 && t->k + t->job->depth >= t->job->a.m.cols;
}

/* Adds what kernels for few rows have made in the room to the result. */
static void settle_few(const task *t, int64_t pitch, int64_t col, int64_t cols)
{
    const job *j = t->job;
    const tn_real *bias = t->k ? NULL : j->bias;
    const block out = {t->out.at + col * t->out.col, t->out.row, t->out.col};
    if (bias) bias += j->flipped ? t->row : t->col + col;
    settle(t->a_room, pitch, out, t->rows, cols, adds(t), bias, j->flipped);
}

/* All of the task's rows, which are few. */
static void run_few(task *t)
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
    if (whole < t->cols) run_tile(t, &tile, 0, whole, t->cols - whole);
    if (finishes(t)) report(t, 0, t->rows);
}

/* What is read lies as the kernels like it. */
static void prepare_a(task *t, int64_t first, int64_t rows)
{
    const job *j = t->job;
    if (j->a.place != EACH) return;
    if (j->a.m.read)
        t->a = look(&j->a, first, t->k, rows, t->depth, t->a_read), t->a_first = first;
    else
        pack_a(j->kernels, &j->a, first, t->k, rows, t->depth, j->cut.tiles, t->a_read,
               t->a_room, t->depth * j->kernels->pitch);
}

/* What is read is multiplied while the L1 cache has it. */
static int64_t tiles_at_once(const task *t)
{
    const job *j = t->job;
    if (!j->a.m.read) return j->cut.tiles;
    const int64_t some = READ_BYTES / (int64_t)sizeof(tn_real) /
                         (t->depth * j->kernels->rows + 1);
    return some ? some : 1;
}

/* Rows that lie evenly, where A is shown: tiles end where they do. */
static void run_even(task *t, int64_t row, int64_t rows)
{
    const int64_t tiles = parts(rows, tallest(t->job));
    const tn_steps *across = &t->shown.across;
    tn_blis_tile tile = {.depth = t->depth,
                         .a_row = t->shown.down.stride,
                         .a_step = across->stride,
                         .first = across->first,
                         .run = across->run,
                         .a_skip = across->skip};
    for (int64_t i = 0; i < tiles; i++) {
        const int64_t first = begin(rows, tiles, i);
        tile.a = (const tn_real *)t->shown.data + first * tile.a_row;
        tile.rows = begin(rows, tiles, i + 1) - first;
        run_row(t, &tile, row + first - t->row);
    }
}

/* A strip of them. What is shown may go on in the next one. */
static void run_shown(task *t, int64_t row, int64_t rows)
{
    const tn_matrix *a = &t->job->a.m;
    tn_shown *shown = &t->shown;
    for (int64_t end = row + rows, some; row < end; row += some) {
        if (!shown->rows)
            *shown = a->show(a->with, row, t->k, t->row + t->rows - row, t->depth,
                             t->a_read);
        some = least(least(end - row, shown->rows), shown->down.first);
        run_even(t, row, some);
        shown->data = (const tn_real *)shown->data + some * shown->down.stride;
        shown->rows -= some, shown->down.first -= some;
        if (shown->down.first) continue;
        shown->data = (const tn_real *)shown->data + shown->down.skip;
        shown->down.first = shown->down.run;
    }
}

static void run_tiles(task *t, int64_t strip, int64_t first, int64_t rows)
{
    const job *j = t->job;
    const int64_t tiles = j->cut.tiles, some = tiles_at_once(t);
    tn_blis_tile tile = {.depth = t->depth};
    for (int64_t i = 0, prepared = 0; i < tiles; i++) {
        const int64_t row = first + begin(rows, tiles, i);
        tile.rows = first + begin(rows, tiles, i + 1) - row;
        if (!tile.rows) continue;
        if (i >= prepared) {
            prepared = least(i + some, tiles);
            prepare_a(t, row, first + begin(rows, tiles, prepared) - row);
        }
        find_a(t, strip, i, row, &tile);
        run_row(t, &tile, row - t->row);
    }
}

static void run_strip(task *t, int64_t strip)
{
    const job *j = t->job;
    const int64_t first = begin(j->out.rows, j->cut.strips, strip),
                  rows = begin(j->out.rows, j->cut.strips, strip + 1) - first;
    if (j->a.m.show)
        run_shown(t, first, rows);
    else
        run_tiles(t, strip, first, rows);
    if (finishes(t)) report(t, first - t->row, rows);
}

#endif
