/* group.c - runs groups of units: by their head's class, and tile kernels one after the other on
 * each chunk of rows, which stays in the cache from one to the next.
 *
 * Each kernel cuts a chunk as it would alone, and adds to the same partial sums: a group gives
 * the bits that its units give in passes of their own. */
#include "core/real/kernel.h"

/* ---- one kernel on a few tiles -------------------------------------------------------- */

tn_tiles TN(tn_tiles_of)(const tn_work *w, int64_t first, int64_t n, int64_t chunk)
{
    const int64_t tile = w->space.by_row ? w->space.width : n;
    return (tn_tiles){first, tile, tile, n / tile, chunk};
}

/* To the tile `stride` elements further on, in the same column. */
static void advance(tn_frame *f, const tn_work *w, int64_t stride)
{
    f->tile.row += stride / w->width;
    for (int32_t k = 0; k < w->unit->spec->inputs; k++)
        f->in[k] = tn_at(f->in[k], stride);
    if (tn_shared_groups(w->over)) return;
    for (int32_t q = 0; q < w->unit->facts.stats; q++) f->stat[q] = tn_at(f->stat[q], 1);
    for (int32_t q = 0; q < w->unit->facts.back_stats; q++)
        f->back[q] = tn_at(f->back[q], 1);
}

void TN(tn_run_forward)(const tn_work *w, const tn_tiles *t)
{
    const tn_unit *u = w->unit;
    tn_frame f;
    TN(tn_frame_fill)(&f, w, t->first, t->n, t->chunk);
    for (int64_t i = 0, at = t->first; i < t->count; i++, at += t->stride) {
        if (i) advance(&f, w, t->stride);
        w->layer->forward(u->layer->self, &f.tile, tn_at(u->x[0], at),
                          tn_at_mutable(u->y, at));
    }
}

static void backward_tile(const tn_work *w, tn_frame *f, int64_t at, int64_t n)
{
    const tn_unit *u = w->unit;
    for (int32_t k = 0; k < u->spec->inputs; k++)
        f->gin[k] = tn_at_mutable(tn_gradient_place(u, k), at);
    w->layer->backward(u->layer->self, &f->tile, f->in[0],
                       w->reads_y ? tn_at(u->y, at) : NULL, tn_at(u->gy, at), f->gin[0]);
    for (int32_t k = 0; k < u->spec->inputs; k++)
        if (u->gx[k] && u->gx_add[k])
            TN(tn_add_run)((tn_real *)u->gx[k] + at, f->gin[k], n);
}

void TN(tn_run_backward)(const tn_work *w, const tn_tiles *t)
{
    tn_frame f;
    TN(tn_frame_fill)(&f, w, t->first, t->n, t->chunk);
    for (int64_t i = 0, at = t->first; i < t->count; i++, at += t->stride) {
        if (i) advance(&f, w, t->stride);
        backward_tile(w, &f, at, t->n);
    }
}

/* ---- all of them on all chunks -------------------------------------------------------- */

typedef struct tiles {
    tn_work *work;
    int32_t count;
    tn_tile_kernel kernel;
} tiles;

static void run_chunk(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const tiles *all = data;
    for (int32_t i = 0; i < all->count; i++) {
        const tn_tiles t = TN(tn_tiles_of)(&all->work[i], first, n, chunk);
        all->kernel(&all->work[i], &t);
    }
}

static void run_tiles(tiles *t)
{
    tn_space space = t->work->space;
    space.by_row = false; /* kernels cut a chunk by themselves */
    TN(tn_each_tile)(t->work->unit->backend, &space, run_chunk, t);
}

void TN(tn_tiles_forward)(tn_work *w, int32_t count)
{
    tiles t = {w, count, TN(tn_run_forward)};
    if (w->statistics && !w->unit->known)
        TN(tn_reduce)(w, &w->layer->reduce, &w->unit->sums, NULL);
    run_tiles(&t);
}

void TN(tn_tiles_backward)(tn_work *w, int32_t count)
{
    tiles t = {w, count, TN(tn_run_backward)};
    for (int32_t i = 0; i < count; i++) TN(tn_clear_gradients)(&w[i]);
    if (w->layer->back_reduce.sums)
        TN(tn_reduce)(w, &w->layer->back_reduce, &w->unit->back_sums, w->unit->gy);
    run_tiles(&t);
    for (int32_t i = 0; i < count; i++) TN(tn_join_gradients)(&w[i]);
}

/* ---- groups --------------------------------------------------------------------------- */

static tn_status forward(tn_work *w, int32_t count, tn_error *e)
{
    if (w->layer->kernel == TN_WHOLE) return TN(tn_whole_forward)(w, count, e);
    if (w->layer->kernel == TN_WINDOW)
        TN(tn_window_forward)(w);
    else
        TN(tn_tiles_forward)(w, count);
    return TN_OK;
}

static tn_status backward(tn_work *w, int32_t count, tn_error *e)
{
    if (w->layer->kernel == TN_WHOLE) return TN(tn_whole_backward)(w, count, e);
    if (w->layer->kernel == TN_WINDOW)
        TN(tn_window_backward)(w, count);
    else
        TN(tn_tiles_backward)(w, count);
    return TN_OK;
}

tn_status TN(tn_group_forward)(const tn_group *g, const tn_pass *pass, bool fused,
                               tn_error *e)
{
    tn_work work[TN_MAX_GROUP];
    for (int32_t i = 0; i < g->count; i++)
        work[i] = TN(tn_work_make)(g->unit[i], pass, false);
    tn_status status = forward(work, fused ? g->count : 1, e);
    for (int32_t i = 1; !fused && !status && i < g->count; i++)
        status = forward(&work[i], 1, e);
    return status;
}

tn_status TN(tn_group_backward)(const tn_group *g, const tn_pass *pass, bool fused,
                                tn_error *e)
{
    tn_work work[TN_MAX_GROUP];
    for (int32_t i = 0; i < g->count; i++)
        work[i] = TN(tn_work_make)(g->unit[i], pass, true);
    tn_status status = backward(work, fused ? g->count : 1, e);
    for (int32_t i = 1; !fused && !status && i < g->count; i++)
        status = backward(&work[i], 1, e);
    return status;
}
