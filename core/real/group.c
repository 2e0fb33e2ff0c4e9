/* group.c - runs groups of units: by their head's class, and tile kernels one after the other on
 * each chunk of rows, which stays in the cache from one to the next.
 *
 * Each kernel cuts a chunk as it would alone, and adds to the same partial sums: a group gives
 * the bits that its units give in passes of their own. */
#include "core/real/kernel.h"

/* ---- one kernel on one chunk ---------------------------------------------------------- */

/* Elements of a tile in a chunk of n. */
static int64_t tile_of(const tn_work *w, int64_t n)
{
    return w->space.by_row ? w->space.width : n;
}

static void forward_chunk(const tn_work *w, int64_t first, int64_t n, int64_t chunk)
{
    const tn_unit *u = w->unit;
    const int64_t tile = tile_of(w, n);
    tn_frame f;
    for (int64_t at = first; at < first + n; at += tile) {
        TN(tn_frame_fill)(&f, w, at, tile, chunk);
        w->layer->forward(u->layer->self, &f.tile, tn_at(u->x[0], at),
                          tn_at_mutable(u->y, at));
    }
}

static void backward_chunk(const tn_work *w, int64_t first, int64_t n, int64_t chunk)
{
    const tn_unit *u = w->unit;
    const int64_t tile = tile_of(w, n);
    tn_frame f;
    for (int64_t at = first; at < first + n; at += tile) {
        TN(tn_frame_fill)(&f, w, at, tile, chunk);
        for (int32_t k = 0; k < u->spec->inputs; k++)
            f.gin[k] = tn_at_mutable(tn_gradient_place(u, k), at);
        w->layer->backward(u->layer->self, &f.tile, f.in[0],
                           w->reads_y ? tn_at(u->y, at) : NULL, tn_at(u->gy, at),
                           f.gin[0]);
        for (int32_t k = 0; k < u->spec->inputs; k++)
            if (u->gx[k] && u->gx_add[k])
                TN(tn_add_run)((tn_real *)u->gx[k] + at, f.gin[k], tile);
    }
}

/* ---- all of them on all chunks -------------------------------------------------------- */

typedef struct tiles {
    tn_work *work;
    int32_t count;
    void (*kernel)(const tn_work *, int64_t first, int64_t n, int64_t chunk);
} tiles;

static void run_chunk(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const tiles *t = data;
    for (int32_t i = 0; i < t->count; i++) t->kernel(&t->work[i], first, n, chunk);
}

static void run_tiles(tiles *t)
{
    tn_space space = t->work->space;
    space.by_row = false; /* kernels cut a chunk by themselves */
    TN(tn_each_tile)(t->work->unit->backend, &space, run_chunk, t);
}

void TN(tn_tiles_forward)(tn_work *w, int32_t count)
{
    tiles t = {w, count, forward_chunk};
    if (w->statistics) TN(tn_reduce)(w, &w->layer->reduce, &w->unit->sums, NULL);
    run_tiles(&t);
}

void TN(tn_tiles_backward)(tn_work *w, int32_t count)
{
    tiles t = {w, count, backward_chunk};
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
        TN(tn_window_backward)(w);
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
