/* loops.c - see loops.h. The loops around the kernels: operands are packed where that pays
 * or must be, blocks of the inner dimension are added up in order, and every strip of rows
 * is reported when it is finished.
 *
 * Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM
 * TOMS 34(3), 2008. */
#define TN_HOST
#include <tenon/plugin.h>

#include "small.h"

#define READ_BYTES 0x4000 /* of A that are read at once, beside B in the L1 cache */

/* ---- a task -------------------------------------------------------------------------- */

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
    /* Block of the inner dimension, and B there: panels `far` apart; `tail`: the last panel
     * if it lies elsewhere. */
    int64_t k, depth;
    const tn_real *b, *tail;
    int64_t b_step, far;
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
    t->tail = NULL, t->b_step = PANEL;
    if (b->place == WHOLE) {
        t->far = t->depth * PANEL;
        t->b = b->whole +
               packed_at(parts(b->m.cols, PANEL), PANEL, t->k, t->depth, t->col / PANEL);
        return;
    }
    t->b = t->b_room, t->far = t->depth * PANEL;
    if (b->place == EACH) {
        pack_b(t->job->kernels, b, t->k, t->col, t->depth, t->cols,
               t->job->ahead ? FETCHED : t->job->bundle * t->job->cut.wide, t->b_read,
               t->b_room, t->far);
        return;
    }
    if (t->job->few == TURNED) return;
    const block here = look(b, t->k, t->col, 0, 0, NULL);
    t->b = here.at, t->b_step = here.row, t->far = PANEL;
    const int64_t rest = t->cols % PANEL;
    if (rest % t->job->kernels->lanes == 0) return;
    pack_b(t->job->kernels, b, t->k, t->col + t->cols - rest, t->depth, rest, 0, NULL,
           t->b_room, 0);
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

/* One tile of one panel; row and col count within the task. */
static void run_tile(task *t, tn_blis_tile *tile, int64_t row, int64_t col)
{
    const job *j = t->job;
    const void *stretch[STRETCHES];
    _Alignas(64) tn_real edge[TALLEST * PANEL_BYTES / sizeof(tn_real)];
    const int64_t cols = least(PANEL, t->cols - col), lanes = j->kernels->lanes;
    const bool last = col + PANEL >= t->cols, add = adds(t);
    const tn_real *bias = t->k ? NULL : j->bias;
    if (bias) bias += j->flipped ? t->row + row : t->col + col;
    const block out = {t->out.at + (row - t->base) * t->out.row + col * t->out.col,
                       t->out.row, t->out.col};
    const bool fits = out.col == 1 && cols % lanes == 0 && !(j->flipped && bias);
    const bool other = last && t->tail;
    tile->b = other ? t->tail : t->b + col / PANEL * t->far;
    tile->b_step = other ? PANEL : t->b_step;
    tile->cols = parts(cols, lanes) * lanes;
    tile->out = fits ? out.at : edge, tile->out_row = fits ? out.row : PANEL;
    tile->add = fits && add, tile->bias = fits ? bias : NULL;
    if (j->a.m.show)
        tile->fetch = NULL; /* runs are those of A */
    else if (j->out.beside && j->out.col_stride == 1 && t->k + j->depth >= j->a.m.cols)
        fetch_beside(&j->out, t->row + row, t->col + col, tile, stretch);
    else
        fetch_ahead(&t->ahead, tile, stretch);
    j->kernels->multiply(tile);
    if (!fits) settle(edge, PANEL, out, tile->rows, cols, add, bias, j->flipped);
}

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
    if (whole < t->cols) run_tile(t, &tile, 0, whole);
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
        for (int64_t col = 0; col < t->cols; col += PANEL)
            run_tile(t, &tile, row + first - t->row, col);
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
        for (int64_t col = 0; col < t->cols; col += PANEL)
            run_tile(t, &tile, row - t->row, col);
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

/* Where the result lies in memory. */
static block home_of(const task *t)
{
    const tn_matrix *out = &t->job->out;
    if (!out->data) return (block){NULL, out->row_stride, out->col_stride};
    return (block){(tn_real *)out->data + t->row * out->row_stride +
                       t->col * out->col_stride,
                   out->row_stride, out->col_stride};
}

/* Where it is made: there, or staged. */
static block out_of(const task *t, tn_real *stage)
{
    const int64_t high = t->job->by_strip ? least(STRIP_ROWS, t->rows) : t->rows;
    if (!t->job->staged) return home_of(t);
    return t->job->flipped ? (block){stage, 1, high} : (block){stage, t->cols, 1};
}

/* A bundle of tasks: its part of the result. */
static task task_at(const job *j, int64_t i)
{
    const int64_t across = parts(j->cut.across, j->bundle),
                  wide = j->bundle * j->cut.wide, strip = i / across * j->cut.high,
                  end = least(strip + j->cut.high, j->cut.strips),
                  row = begin(j->out.rows, j->cut.strips, strip), col = i % across * wide;
    return (task){.job = j,
                  .strip = strip,
                  .end = end,
                  .row = row,
                  .col = col,
                  .rows = begin(j->out.rows, j->cut.strips, end) - row,
                  .cols = least(wide, j->out.cols - col)};
}

/* Bundles of them, of the whole product. */
static int64_t tasks_of(const job *j)
{
    return j->cut.down * parts(j->cut.across, j->bundle);
}

/* Where a slice of the inner dimension begins: with one of its blocks. */
static int64_t slice_begin(const job *j, int64_t slice)
{
    return least(begin(parts(j->a.m.cols, j->depth), j->slices, slice) * j->depth,
                 j->a.m.cols);
}

/* While a block of the inner dimension is multiplied, the next one is fetched; behind the last
 * one, the first of the task that this worker is likely to do next. */
static void look_ahead(task *t, int64_t i)
{
    const job *j = t->job;
    const int64_t all = j->a.m.cols, panels = parts(j->b.m.cols, PANEL),
                  tasks = tasks_of(j);
    int64_t k = t->k + j->depth;
    task next = *t;
    t->ahead.rows = 0;
    const bool gathers = j->b.m.read && j->b.place == EACH && j->a.place == DIRECT;
    if (!j->ahead && !gathers) return;
    if (k >= (j->split ? t->to : all)) {
        i++;
        if (i >= tasks * (j->split ? j->slices : 1)) return;
        next = task_at(j, i % tasks);
        k = slice_begin(j, i / tasks);
    }
    const int64_t depth = least(j->depth, all - k);
    if (j->b.place == WHOLE)
        t->ahead = (ahead){
            .at = (const char *)(j->b.whole +
                                 packed_at(panels, PANEL, k, depth, next.col / PANEL)),
            .rows = 1,
            .length = parts(next.cols, PANEL) * PANEL_BYTES * depth};
    else if (gathers)
        t->ahead = ahead_of(&j->a, next.row, k, next.rows, depth);
    else
        t->ahead = ahead_of(&j->b, k, next.col, depth, next.cols);
    if (t->ahead.length < SHORT) t->ahead.rows = 0;
}

/* Task i, over one slice. */
static void run_slice(task *t, int64_t i, int64_t slice)
{
    const job *j = t->job;
    t->k = t->from = slice_begin(j, slice), t->to = slice_begin(j, slice + 1);
    do {
        t->depth = least(j->depth, j->a.m.cols - t->k), t->shown.rows = 0;
        find_b(t);
        look_ahead(t, i);
        if (j->few)
            run_few(t);
        else
            for (int64_t s = t->strip; s < t->end; s++) {
                if (j->by_strip) t->base = begin(j->out.rows, j->cut.strips, s) - t->row;
                run_strip(t, s);
            }
        t->k += j->depth;
    } while (t->k < t->to);
}

/* The first slice is made where the result is, the others in `room`. */
static void run_slices(task *t, int64_t i, tn_real *room)
{
    const block out = t->out;
    run_slice(t, i, 0);
    t->out = (block){room, t->cols, 1};
    for (int64_t s = 1; s < t->job->slices; s++) {
        run_slice(t, i, s);
        add_block(t->out, out, t->rows, t->cols);
    }
    t->out = out;
    report_strips(t);
}

static task task_of_worker(const job *j, int64_t i, int32_t worker)
{
    task t = task_at(j, i);
    if (j->room) {
        t.a_room = j->rooms + worker * j->room;
        t.a_read = t.a_room + j->a_room;
        t.b_room = t.a_read + j->a_read;
        t.b_read = t.b_room + j->b_room;
    }
    return t;
}

static void run_task(void *data, int64_t i, int32_t worker)
{
    const job *j = data;
    task t = task_of_worker(j, i, worker);
    tn_real *stage = j->room ? t.b_read + j->b_read : NULL;
    t.out = out_of(&t, stage);
    if (j->staged && j->add) copy_block(home_of(&t), t.out, t.rows, t.cols);
    if (j->slices == 1)
        run_slice(&t, i, 0);
    else
        run_slices(&t, i, j->staged ? stage + j->part : stage);
}

/* ---- slices as tasks of their own ------------------------------------------------------ */

static block sum_of(const task *t, int64_t i, int64_t slice)
{
    const job *j = t->job;
    return (block){j->sums + (slice * tasks_of(j) + i) * j->part, t->cols, 1};
}

static void run_part(void *data, int64_t i, int32_t worker)
{
    const job *j = data;
    const int64_t tasks = tasks_of(j), slice = i / tasks;
    task t = task_of_worker(j, i % tasks, worker);
    t.out = sum_of(&t, i % tasks, slice);
    if (j->add && !slice) copy_block(home_of(&t), t.out, t.rows, t.cols);
    run_slice(&t, i, slice);
}

/* Adds up the slices of a task. The second one's room is free then. */
static void join_parts(void *data, int64_t i, int32_t worker)
{
    const job *j = data;
    task t = task_at(j, i);
    const block sum = sum_of(&t, i, 0);
    (void)worker;
    for (int64_t s = 1; s < j->slices; s++)
        add_block(sum_of(&t, i, s), sum, t.rows, t.cols);
    t.out = out_of(&t, sum_of(&t, i, 1).at);
    copy_block(sum, t.out, t.rows, t.cols);
    report_strips(&t);
}

/* ---- packing as a whole ---------------------------------------------------------------- */

/* A block of the inner dimension of one strip of A or, after those, of a task's columns of
 * B. */
static void pack_part(void *data, int64_t i, int32_t worker)
{
    const job *j = data;
    const int64_t blocks = parts(j->a.m.cols, j->depth), k = i % blocks * j->depth,
                  depth = least(j->depth, j->a.m.cols - k), pitch = j->kernels->pitch;
    tn_real *read = j->rooms + worker * j->room + j->a_room;
    i /= blocks;
    if (j->a.place == WHOLE && i < j->cut.strips) {
        const int64_t row = begin(j->out.rows, j->cut.strips, i), tiles = j->cut.tiles,
                      rows = begin(j->out.rows, j->cut.strips, i + 1) - row;
        pack_a(j->kernels, &j->a, row, k, rows, depth, tiles, read,
               j->a.whole + packed_at(j->cut.strips * tiles, pitch, k, depth, i * tiles),
               depth * pitch);
        return;
    }
    if (j->a.place == WHOLE) i -= j->cut.strips;
    const int64_t col = i * j->cut.wide, panels = parts(j->out.cols, PANEL);
    pack_b(j->kernels, &j->b, k, col, depth, least(j->cut.wide, j->out.cols - col),
           j->cut.wide, read + j->a_read + j->b_room,
           j->b.whole + packed_at(panels, PANEL, k, depth, col / PANEL), depth * PANEL);
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
    if (is_small_product(team->kernels, p)) {
        run_small(team->kernels, p);
        return TN_OK;
    }
    job j = plan(team->kernels, p);
    const double rows = (double)(j.out.rows > FEW ? j.out.rows : FEW); /* memory counts */
    const int64_t depth = j.a.m.cols;
    const bool alone = rows * (double)j.out.cols * (double)depth < PARALLEL_WORK,
               share_a = j.a.place == WHOLE, share_b = j.b.place == WHOLE && !j.b.whole;
    const int64_t workers = alone ? 1 : team->threads;
    j.workers = workers;
    bundle_tasks(&j);
    const int64_t a_size = share_a ? ALIGN(j.cut.strips * j.cut.tiles * depth *
                                           j.kernels->pitch)
                                   : 0,
                  b_size = share_b ? parts(j.out.cols, PANEL) * PANEL * depth : 0,
                  sums = j.split ? j.slices * tasks_of(&j) * j.part : 0,
                  size = workers * j.room + a_size + b_size + sums;
    if (size) {
        j.rooms = tn_blis_take_room(team, c, (size_t)size * sizeof(tn_real));
        if (!j.rooms) return TN_ENOMEM;
        if (share_a) j.a.whole = j.rooms + workers * j.room;
        if (share_b) j.b.whole = j.rooms + workers * j.room + a_size;
        j.sums = j.rooms + workers * j.room + a_size + b_size;
    }
    const int64_t items = (share_a ? j.cut.strips : 0) + (share_b ? j.cut.across : 0);
    if (items) run(team, items * parts(depth, j.depth), alone, pack_part, &j);
    if (j.split) run(team, j.slices * tasks_of(&j), alone, run_part, &j);
    run(team, tasks_of(&j), alone, j.split ? join_parts : run_task, &j);
    if (size) tn_blis_give_room(team, c, j.rooms);
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
    const int64_t steps = p->b.m.rows, cols = least(PANEL, p->b.m.cols - i * PANEL),
                  most = depth_of(steps);
    for (int64_t k = 0; k < steps; k += most) {
        const int64_t depth = least(most, steps - k);
        pack_b(p->kernels, &p->b, k, i * PANEL, depth, cols, 0, read,
               p->b.whole + packed_at(parts(p->b.m.cols, PANEL), PANEL, k, depth, i), 0);
    }
}

void TN(tn_blis_pack)(const tn_blis_team *team, const tn_matrix *b, void *packed)
{
    packing p = {.kernels = team->kernels, .b = {.m = *b, .whole = packed}};
    run(team, parts(b->cols, PANEL),
        (double)b->rows * (double)b->cols < PARALLEL_WORK / 4, pack_panel, &p);
}
