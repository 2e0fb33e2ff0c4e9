/* tiles.c - see tiles.h. */
#include "core/real/tiles.h"

#include <string.h>

typedef struct job {
    const tn_space *space;
    tn_tile_body body;
    void *data;
    int64_t rows; /* of a chunk */
} job;

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void run_chunk(void *data, int64_t chunk, int32_t worker)
{
    const job *j = data;
    const int64_t end = smaller((chunk + 1) * j->rows, j->space->rows);
    for (int64_t row = chunk * j->rows; row < end;) {
        const int64_t rows = j->space->by_row ? 1 : end - row;
        j->body(j->data, row * j->space->width, rows * j->space->width, chunk, worker);
        row += rows;
    }
}

void TN(tn_each_tile)(const tn_instance *backend, const tn_space *space,
                      tn_tile_body body, void *data)
{
    job j = {space, body, data, tn_chunk_rows(space->width)};
    const int64_t chunks = tn_space_chunks(space);
    const tn_backend *b = backend->vtable;
    if (chunks > 1 && space->rows * space->width >= TN_WORTH_THREADS)
        b->parallel(backend->self, chunks, run_chunk, &j);
    else
        for (int64_t i = 0; i < chunks; i++) run_chunk(&j, i, 0);
}

/* ---- sums ---------------------------------------------------------------------------- */

/* Where chunk `chunk` keeps its sums, from group `group` on. */
static void split_sums(const tn_summing *s, int64_t chunk, int64_t group,
                       double *sums[TN_MAX_OWN])
{
    if (!tn_shared_groups(s->reduction->over)) chunk = 0;
    for (int32_t q = 0; q < s->reduction->sums; q++)
        sums[q] = s->partial + (chunk * s->reduction->sums + q) * s->groups + group;
}

static void sum_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const tn_summing *s = data;
    double *acc[TN_MAX_OWN] = {0};
    split_sums(s, chunk, tn_group_of(s->reduction->over, s->space, first), acc);
    s->add(s->data, first, n, acc);
}

static void merge_sums(const tn_summing *s, int64_t chunks)
{
    const tn_reduction *r = s->reduction;
    double *into[TN_MAX_OWN] = {0}, *from[TN_MAX_OWN] = {0};
    for (int64_t step = 1; step < chunks; step *= 2)
        for (int64_t i = 0; i + step < chunks; i += 2 * step) {
            split_sums(s, i, 0, into);
            split_sums(s, i + step, 0, from);
            if (r->merge) {
                r->merge(s->self, s->groups, into, (const double *const *)from);
                continue;
            }
            for (int64_t k = 0; k < r->sums * s->groups; k++) into[0][k] += from[0][k];
        }
}

void TN(tn_sum_tiles)(const tn_instance *backend, const tn_summing *s)
{
    const int32_t over = s->reduction->over;
    tn_space space = *s->space;
    if (over == TN_OVER_COLUMNS) space.by_row = false; /* `add` takes whole rows */
    memset(s->partial, 0,
           sizeof(double) *
               (size_t)tn_sum_room(over, s->space, s->groups, s->reduction->sums));
    TN(tn_each_tile)(backend, &space, sum_tile, (void *)(uintptr_t)s);
    if (tn_shared_groups(over)) merge_sums(s, tn_space_chunks(s->space));
}

void TN(tn_merge_partials)(int64_t chunks, int64_t n, int64_t stride, tn_real *partial)
{
    for (int64_t step = 1; step < chunks; step *= 2)
        for (int64_t i = 0; i + step < chunks; i += 2 * step) {
            tn_real *into = partial + i * stride;
            const tn_real *from = partial + (i + step) * stride;
            for (int64_t k = 0; k < n; k++) into[k] += from[k];
        }
}
