/* loops.c - see loops.h. The loops around the kernels: operands are packed where that pays
 * or must be, blocks of the inner dimension are added up in order, and every strip of rows
 * is reported when it is finished.
 *
 * Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM
 * TOMS 34(3), 2008. */
#define TN_HOST
#include <tenon/plugin.h>

#include "strip.h"

/* ---- tasks --------------------------------------------------------------------------- */

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
           j->b.whole + packed_at(panels, PANEL, k, depth, col / PANEL));
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

bool TN(tn_blis_small)(const tn_blis_team *team, const tn_product *p)
{
    if (!is_small_product(team->kernels, p)) return false;
    run_small(team->kernels, p);
    return true;
}

tn_status TN(tn_blis_product)(const tn_blis_team *team, tn_call *c, const tn_product *p)
{
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
    const int64_t steps = p->b.m.rows, cols = least(PANEL, p->b.m.cols - i * PANEL),
                  most = depth_of(steps);
    for (int64_t k = 0; k < steps; k += most) {
        const int64_t depth = least(most, steps - k);
        pack_b(p->kernels, &p->b, k, i * PANEL, depth, cols, 0, NULL,
               p->b.whole + packed_at(parts(p->b.m.cols, PANEL), PANEL, k, depth, i));
    }
}

void TN(tn_blis_pack)(const tn_blis_team *team, const tn_matrix *b, void *packed)
{
    packing p = {.kernels = team->kernels, .b = {.m = *b, .whole = packed}};
    run(team, parts(b->cols, PANEL),
        (double)b->rows * (double)b->cols < PARALLEL_WORK / 4, pack_panel, &p);
}
