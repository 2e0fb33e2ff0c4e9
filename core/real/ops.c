/* ops.c - the typed half's table, and the small loops that are not a kernel's. */
#include "core/real/kernel.h"
#include "core/real/score.h"
#include "core/real/step.h"

#include <math.h>
#include <string.h>

typedef struct add_work {
    tn_real *into;
    const tn_real *from;
} add_work;

static void add_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const add_work *w = data;
    for (int64_t i = first; i < first + n; i++) w->into[i] += w->from[i];
}

void TN(tn_add)(const tn_instance *backend, void *into, const void *from, int64_t n)
{
    add_work w = {into, from};
    const tn_space space = {n, 1, false};
    TN(tn_each_tile)(backend, &space, add_tile, &w);
}

static bool finite_values(const void *values, int64_t n)
{
    const tn_real *x = values;
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* ---- sums of columns ------------------------------------------------------------------ */

/* How a rows x cols matrix is cut: chunks of rows as far as their sums fit the room, and for
 * wide matrices blocks of columns. By shape alone. */
#define SUM_ROOM 4096
#define SUM_COLUMNS 512 /* of a block */

typedef struct column_work {
    const tn_real *x;
    int64_t rows, cols, chunk, blocks; /* chunk: rows of one */
    tn_real *sum;                      /* [chunks][cols] */
} column_work;

/* sum += `rows` rows of n values: four at a time, added in pairs. */
TN_KERNEL void TN(add_rows)(tn_real *sum, const tn_real *x, int64_t rows, int64_t stride,
                            int64_t n)
{
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4, x += 4 * stride)
        for (int64_t j = 0; j < n; j++)
            sum[j] += (x[j] + x[j + stride]) + (x[j + 2 * stride] + x[j + 3 * stride]);
    for (; i < rows; i++, x += stride)
        for (int64_t j = 0; j < n; j++) sum[j] += x[j];
}

static void sum_block(void *data, int64_t i, int32_t worker)
{
    const column_work *w = data;
    const int64_t chunk = i / w->blocks, first = i % w->blocks * SUM_COLUMNS;
    const int64_t left = w->cols - first, n = left < SUM_COLUMNS ? left : SUM_COLUMNS;
    const int64_t start = chunk * w->chunk, rest = w->rows - start;
    tn_real *sum = w->sum + chunk * w->cols + first;
    memset(sum, 0, sizeof(tn_real) * (size_t)n);
    TN(add_rows)
    (sum, w->x + start * w->cols + first, rest < w->chunk ? rest : w->chunk, w->cols, n);
}

/* Sums of the chunks are joined in a fixed tree. */
static void column_sums(const tn_instance *backend, const void *x, int64_t rows,
                        int64_t cols, void *out)
{
    const tn_backend *b = backend->vtable;
    tn_real room[SUM_ROOM];
    column_work w = {.x = x, .rows = rows, .cols = cols, .chunk = tn_chunk_rows(cols)};
    while (w.chunk < rows && (rows + w.chunk - 1) / w.chunk * cols > SUM_ROOM)
        w.chunk *= 2;
    const int64_t chunks = rows > w.chunk ? (rows + w.chunk - 1) / w.chunk : 1;
    w.blocks = (cols + SUM_COLUMNS - 1) / SUM_COLUMNS;
    w.sum = chunks > 1 ? room : out;
    if (chunks * w.blocks > 1 && rows * cols >= TN_WORTH_THREADS)
        b->parallel(backend->self, chunks * w.blocks, sum_block, &w);
    else
        for (int64_t i = 0; i < chunks * w.blocks; i++) sum_block(&w, i, 0);
    if (chunks == 1) return;
    TN(tn_merge_partials)(chunks, cols, cols, room);
    memcpy(out, room, sizeof(tn_real) * (size_t)cols);
}

/* ---- the rest ------------------------------------------------------------------------- */

static size_t pack_size(const tn_instance *backend, const tn_matrix *m)
{
    const tn_backend *b = backend->vtable;
    return b->pack_size ? b->pack_size(backend->self, m) : 0;
}

static const void *pack(const tn_instance *backend, const tn_unit *u, const tn_matrix *m,
                        void *room)
{
    const tn_backend *b = backend->vtable;
    const tn_product p = {.b = *m};
    tn_packed *own = u ? TN(tn_packed_of)(u, m) : NULL;
    const void *kept = own ? TN(tn_packed_weight)(backend, own, &p) : NULL;
    if (!kept) b->pack(backend->self, m, room);
    return kept ? kept : room;
}

static int32_t threads(const tn_instance *backend)
{
    const tn_backend *b = backend->vtable;
    return b->threads(backend->self);
}

static tn_status parallel(const tn_instance *backend, int64_t n,
                          void (*body)(void *, int64_t, int32_t), void *data)
{
    const tn_backend *b = backend->vtable;
    b->parallel(backend->self, n, body, data);
    return TN_OK;
}

#define TABLE_(bits) tn_real_ops_f##bits
#define TABLE(bits) TABLE_(bits)

const tn_real_ops TABLE(TN_REAL_BITS) = {
    .facts = TN(tn_unit_facts),
    .forward = TN(tn_group_forward),
    .backward = TN(tn_group_backward),
    .commit = TN(tn_unit_commit),
    .add = TN(tn_add),
    .finite = finite_values,
    .loss = TN(tn_score_loss),
    .metric = TN(tn_score_metric),
    .product = TN(tn_ride),
    .column_sums = column_sums,
    .pack_size = pack_size,
    .pack = pack,
    .threads = threads,
    .parallel = parallel,
    .step = &TN(tn_step_table),
};
