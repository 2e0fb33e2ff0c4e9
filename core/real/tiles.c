/* tiles.c - see tiles.h. */
#include "core/real/tiles.h"

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
    const int64_t chunks = tn_chunks(space->rows, space->width);
    const tn_backend *b = backend->vtable;
    if (chunks > 1)
        b->parallel(backend->self, chunks, run_chunk, &j);
    else if (chunks == 1)
        run_chunk(&j, 0, 0);
}

static bool shared_groups(int32_t over)
{
    return over != TN_OVER_ROWS && over != TN_OVER_SAMPLE;
}

static void split_sums(const tn_reduction *r, int64_t groups, double *partial,
                       int64_t chunk, double *sums[TN_MAX_OWN])
{
    for (int32_t q = 0; q < r->sums; q++)
        sums[q] = partial + (chunk * r->sums + q) * groups;
}

void TN(tn_merge_sums)(const tn_reduction *r, const void *self, int64_t chunks,
                       int64_t groups, double *partial)
{
    double *into[TN_MAX_OWN] = {0}, *from[TN_MAX_OWN] = {0};
    if (!shared_groups(r->over)) return;
    for (int64_t step = 1; step < chunks; step *= 2)
        for (int64_t i = 0; i + step < chunks; i += 2 * step) {
            split_sums(r, groups, partial, i, into);
            split_sums(r, groups, partial, i + step, from);
            if (r->merge) {
                r->merge(self, groups, into, (const double *const *)from);
                continue;
            }
            for (int64_t k = 0; k < r->sums * groups; k++) into[0][k] += from[0][k];
        }
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

double *TN(tn_partial_sum)(const tn_reduction *r, const tn_space *s, int64_t groups,
                           double *partial, int64_t first, int64_t chunk, int32_t q)
{
    if (shared_groups(r->over)) return partial + (chunk * r->sums + q) * groups;
    return partial + q * groups + TN(tn_group_of)(r->over, s, first);
}

tn_space TN(tn_space_of)(int32_t over, int64_t rows, int64_t width,
                         int64_t rows_per_sample, bool by_row)
{
    if (over == TN_OVER_SAMPLE)
        return (tn_space){rows / rows_per_sample, rows_per_sample * width, true};
    return (tn_space){rows, width,
                      by_row || over == TN_OVER_COLUMNS || over == TN_OVER_ROWS};
}

int64_t TN(tn_group_of)(int32_t over, const tn_space *s, int64_t first)
{
    return shared_groups(over) ? 0 : first / s->width;
}
