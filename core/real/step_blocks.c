/* step_blocks.c - sums over a gradient, block by block as a product makes it.
 *
 * Invariant: blocks come from any thread in any order, but which they are is a matter of shape.
 * Their sums are joined in a tree over the blocks in order of place: always the same bits. */
#include "core/real/step_part.h"

#include <string.h>

static const tn_instance *summing(const tn_part *p)
{
    return p->bench->transform[0].gradient;
}

void TN(tn_blocks_begin)(tn_part *p)
{
    p->blocks.count = 0;
    p->blocks.summed = true;
}

/* Number i, which lies at g with rows `stride` apart. */
static void sum_block(const tn_part *p, int64_t i, const tn_real *g, int64_t stride)
{
    const tn_instance *gradient = summing(p);
    const tn_reduction *r = TN(tn_reduction_of)(gradient);
    const int64_t *at = p->blocks.at[i];
    const bool whole_rows = at[3] == p->width && stride == p->width;
    double *sum = p->blocks.sum + i * r->sums, *acc[TN_MAX_OWN];
    memset(sum, 0, sizeof *sum * (size_t)r->sums);
    for (int32_t q = 0; q < r->sums; q++) acc[q] = sum + q;
    tn_tile t = {.n = whole_rows ? at[2] * at[3] : at[3],
                 .width = p->width,
                 .shape = p->shape,
                 .row = at[0],
                 .col = at[1],
                 .rows_per_sample = 1,
                 .now = gradient->now,
                 .training = 1};
    const int64_t tiles = whole_rows ? 1 : at[2];
    for (int64_t k = 0; k < tiles; k++, t.row++, g += stride)
        r->add(gradient->self, &t, (const tn_real *)p->w + t.row * t.width + t.col, g,
               acc);
}

void TN(tn_blocks_add)(const void *with, int64_t row, int64_t col, int64_t rows,
                       int64_t cols, void *data, int64_t stride)
{
    tn_part *p = (tn_part *)(uintptr_t)with;
    const int64_t i = atomic_fetch_add(&p->blocks.count, 1);
    if (i >= p->blocks.room) return;
    memcpy(p->blocks.at[i], (int64_t[4]){row, col, rows, cols}, sizeof *p->blocks.at);
    sum_block(p, i, data, stride);
}

/* ---- joining ------------------------------------------------------------------------- */

/* Puts blocks in order by row (side 0) or column (1); those that are equal stay as they were. */
static void sort(const tn_blocks *b, int64_t n, int side, int64_t size,
                 const int32_t *from, int32_t *to)
{
    memset(b->place, 0, sizeof *b->place * (size_t)(size + 1));
    for (int64_t i = 0; i < n; i++) b->place[b->at[i][side] + 1]++;
    for (int64_t i = 0; i < size; i++) b->place[i + 1] += b->place[i];
    for (int64_t i = 0; i < n; i++) to[b->place[b->at[from[i]][side]]++] = from[i];
}

static void join(const tn_part *p, int64_t n)
{
    const tn_blocks *b = &p->blocks;
    const int32_t sums = TN(tn_reduction_of)(summing(p))->sums;
    for (int64_t step = 1; step < n; step *= 2)
        for (int64_t i = 0; i + step < n; i += 2 * step) TN(tn_add_sums)
    (summing(p), b->sum + b->order[i] * sums, b->sum + b->order[i + step] * sums);
}

static void sum_again(void *data, int64_t i, int32_t worker)
{
    const tn_part *p = data;
    const int64_t *at = p->blocks.at[i];
    sum_block(p, i, (const tn_real *)p->g + at[0] * p->width + at[1], p->width);
}

bool TN(tn_blocks_known)(const tn_part *p)
{
    return p->blocks.count > 0 && p->blocks.count <= p->blocks.room;
}

void TN(tn_blocks_sum)(const tn_bench *bench, tn_part *p, double *sums)
{
    tn_blocks *b = &p->blocks;
    const tn_backend *backend = bench->backend->vtable;
    const int64_t n = b->count;
    const int32_t count = TN(tn_reduction_of)(bench->transform[0].gradient)->sums;
    if (!b->summed) backend->parallel(bench->backend->self, n, sum_again, p);
    for (int32_t i = 0; i < n; i++) b->next[i] = i;
    sort(b, n, 1, p->width, b->next, b->order);
    memcpy(b->next, b->order, sizeof *b->next * (size_t)n);
    sort(b, n, 0, p->rows, b->next, b->order);
    join(p, n);
    memcpy(sums, b->sum + b->order[0] * count, sizeof *sums * (size_t)count);
    b->count = 0;
}
