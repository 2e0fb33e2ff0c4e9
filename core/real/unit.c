/* unit.c - runs one unit: a layer or parametrization of any kernel class, forward, backward
 * and commit. */
#include "core/real/kernel.h"

#include <string.h>

static int64_t rows_of(const tn_shape *shape, int64_t samples)
{
    return samples * tn_rows_per_sample(shape);
}

/* A unit in one call. */
typedef struct work {
    tn_unit *unit;
    const tn_pass *pass;
    const tn_layer *layer;
    const tn_shape *shape; /* of the input the tiles run over */
    tn_space space;
    int64_t rows, width, rows_per_sample, groups, back_groups;
    tn_key key;
    bool statistics; /* the forward statistics are there */
} work;

static work make_work(tn_unit *u, const tn_pass *pass)
{
    const tn_layer *layer = u->layer->vtable;
    const tn_shape *shape = &u->spec->in[0];
    const int64_t per_sample = tn_rows_per_sample(shape);
    work w = {.unit = u,
              .pass = pass,
              .layer = layer,
              .shape = shape,
              .rows = rows_of(shape, pass->samples),
              .width = tn_shape_width(shape),
              .rows_per_sample = per_sample,
              .key = tn_key_derive(u->key, pass->step, (uint64_t)pass->pass)};
    const int32_t over = layer->reduce.sums ? layer->reduce.over
                                            : layer->back_reduce.over;
    const bool by_row = (layer->flags & TN_COLUMNS) != 0;
    w.statistics = layer->reduce.sums && (pass->training || layer->always_reduce);
    w.space = TN(tn_space_of)(over, w.rows, w.width, per_sample, by_row);
    w.groups = tn_groups(layer->reduce.over, w.rows, w.width, per_sample);
    w.back_groups = tn_groups(layer->back_reduce.over, w.rows, w.width, per_sample);
    return w;
}

/* ---- tiles --------------------------------------------------------------------------- */

static const tn_real *at(const void *base, int64_t i)
{
    return base ? (const tn_real *)base + i : NULL;
}

static tn_real *at_mutable(void *base, int64_t i)
{
    return base ? (tn_real *)base + i : NULL;
}

static int64_t stat_offset(const work *w, int32_t over, int64_t first)
{
    return over == TN_OVER_COLUMNS ? first % w->width
                                   : TN(tn_group_of)(over, &w->space, first);
}

/* Offset into a parameter or state for a tile that starts in column `col`. */
static int64_t own_offset(const tn_own *own, int64_t col)
{
    return own->along == TN_PER_COLUMN ? col : 0;
}

static int64_t own_total(const tn_unit *u)
{
    int64_t n = 0;
    for (int32_t i = 0; i < u->params; i++) n += u->param[i].size;
    return n;
}

/* Everything a tile points to. */
typedef struct frame {
    tn_tile tile;
    const void *in[TN_MAX_INPUTS];
    void *gin[TN_MAX_INPUTS];
    const void *param[TN_MAX_OWN], *state[TN_MAX_OWN], *stat[TN_MAX_OWN],
        *back[TN_MAX_OWN];
    void *gparam[TN_MAX_OWN];
} frame;

static void fill_frame(frame *f, const work *w, int64_t first, int64_t n, int64_t chunk)
{
    const tn_unit *u = w->unit;
    const int64_t col = first % w->width;
    f->tile = (tn_tile){.n = n,
                        .width = w->width,
                        .col = col,
                        .row = w->pass->row * w->rows_per_sample + first / w->width,
                        .rows_per_sample = w->rows_per_sample,
                        .shape = w->shape,
                        .inputs = u->spec->inputs,
                        .in = f->in,
                        .gin = f->gin,
                        .param = f->param,
                        .gparam = f->gparam,
                        .state = f->state,
                        .stat = f->stat,
                        .back_stat = f->back,
                        .now = u->layer->now,
                        .key = w->key,
                        .training = w->pass->training};
    for (int32_t k = 0; k < u->spec->inputs; k++) f->in[k] = at(u->x[k], first);
    tn_real *partial = u->gparam_partial;
    if (partial) partial += chunk * own_total(u);
    for (int32_t i = 0; i < u->params; i++) {
        const int64_t offset = own_offset(&u->param[i], col);
        f->param[i] = at(u->param[i].value, offset);
        f->gparam[i] = at_mutable(partial, offset);
        if (partial) partial += u->param[i].size;
    }
    for (int32_t i = 0; i < u->states; i++)
        f->state[i] = at(u->state[i].value, own_offset(&u->state[i], col));
    for (int32_t q = 0; q < w->layer->reduce.stats; q++)
        f->stat[q] = w->statistics ? at(u->sums.stat[q],
                                        stat_offset(w, w->layer->reduce.over, first))
                                   : NULL;
    for (int32_t q = 0; q < w->layer->back_reduce.stats; q++)
        f->back[q] = at(u->back_sums.stat[q],
                        stat_offset(w, w->layer->back_reduce.over, first));
}

/* ---- reductions ---------------------------------------------------------------------- */

typedef struct reduction_work {
    const work *w;
    const tn_reduction *reduction;
    double *partial;
    int64_t groups;
    const tn_real *gy; /* NULL: forward */
} reduction_work;

static void add_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const reduction_work *r = data;
    frame f;
    double *acc[TN_MAX_OWN];
    fill_frame(&f, r->w, first, n, chunk);
    for (int32_t q = 0; q < r->reduction->sums; q++)
        acc[q] = TN(tn_partial_sum)(r->reduction, &r->w->space, r->groups, r->partial,
                                    first, chunk, q);
    r->reduction->add(r->w->unit->layer->self, &f.tile, at(r->w->unit->x[0], first),
                      at(r->gy, first), acc);
}

static void reduce(work *w, const tn_reduction *reduction, tn_sums *sums, int64_t groups,
                   const tn_real *gy)
{
    const tn_unit *u = w->unit;
    const int64_t chunks = tn_chunks(w->space.rows, w->space.width);
    const bool per_chunk = reduction->over != TN_OVER_ROWS &&
                           reduction->over != TN_OVER_SAMPLE;
    reduction_work r = {w, reduction, sums->partial, groups, gy};
    memset(sums->partial, 0,
           sizeof(double) *
               (size_t)(groups * reduction->sums * (per_chunk ? chunks : 1)));
    TN(tn_each_tile)(u->backend, &w->space, add_tile, &r);
    TN(tn_merge_sums)(reduction, u->layer->self, chunks, groups, sums->partial);

    frame f;
    double *acc[TN_MAX_OWN] = {0};
    tn_real *stat[TN_MAX_OWN] = {0};
    fill_frame(&f, w, 0, w->rows * w->width, 0);
    for (int32_t i = 0; i < u->params; i++)
        f.gparam[i] = gy ? u->param[i].gradient : NULL;
    for (int32_t q = 0; q < reduction->sums; q++) acc[q] = sums->partial + q * groups;
    for (int32_t q = 0; q < reduction->stats; q++) stat[q] = sums->stat[q];
    reduction->finish(u->layer->self, &f.tile, groups, w->rows * w->width / groups,
                      (const double *const *)acc, stat);
}

/* ---- map, row, reduce ---------------------------------------------------------------- */

static void forward_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                         int32_t worker)
{
    const work *w = data;
    frame f;
    fill_frame(&f, w, first, n, chunk);
    w->layer->forward(w->unit->layer->self, &f.tile, at(w->unit->x[0], first),
                      at_mutable(w->unit->y, first));
}

static void backward_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                          int32_t worker)
{
    const work *w = data;
    tn_unit *u = w->unit;
    const bool needs_x = w->layer->flags & TN_NEEDS_X,
               needs_y = w->layer->flags & TN_NEEDS_Y;
    frame f;
    fill_frame(&f, w, first, n, chunk);
    for (int32_t k = 0; k < u->spec->inputs; k++)
        f.gin[k] = at_mutable(u->gx_add[k] ? u->gx_spare[k] : u->gx[k], first);
    w->layer->backward(u->layer->self, &f.tile, needs_x ? at(u->x[0], first) : NULL,
                       needs_y ? at(u->y, first) : NULL, at(u->gy, first), f.gin[0]);
    for (int32_t k = 0; k < u->spec->inputs; k++) {
        if (!u->gx[k] || !u->gx_add[k]) continue;
        tn_real *into = (tn_real *)u->gx[k] + first;
        const tn_real *from = f.gin[k];
        for (int64_t i = 0; i < n; i++) into[i] += from[i];
    }
}

/* Partial parameter gradients of all chunks into the gradients, added to what a reduction's
 * finish has put there. */
static void join_gradients(const work *w)
{
    const tn_unit *u = w->unit;
    const int64_t total = own_total(u), chunks = tn_chunks(w->space.rows, w->space.width);
    const tn_real *from = u->gparam_partial;
    if (!from) return;
    TN(tn_merge_partials)(chunks, total, total, u->gparam_partial);
    for (int32_t i = 0; i < u->params; i++) {
        tn_real *into = u->param[i].gradient;
        for (int64_t k = 0; into && k < u->param[i].size; k++) into[k] += from[k];
        from += u->param[i].size;
    }
}

static void clear_gradients(const work *w)
{
    const tn_unit *u = w->unit;
    for (int32_t i = 0; i < u->params; i++)
        if (u->param[i].gradient)
            memset(u->param[i].gradient, 0, sizeof(tn_real) * (size_t)u->param[i].size);
    if (u->gparam_partial)
        memset(u->gparam_partial, 0,
               sizeof(tn_real) *
                   (size_t)(own_total(u) * tn_chunks(w->space.rows, w->space.width)));
}

static void backward_tiles(work *w)
{
    clear_gradients(w);
    if (w->layer->back_reduce.sums)
        reduce(w, &w->layer->back_reduce, &w->unit->back_sums, w->back_groups,
               w->unit->gy);
    TN(tn_each_tile)(w->unit->backend, &w->space, backward_tile, w);
    join_gradients(w);
}

/* ---- whole --------------------------------------------------------------------------- */

typedef struct whole {
    tn_io io;
    tn_tensor in[TN_MAX_INPUTS], gin[TN_MAX_INPUTS], out, gout;
    tn_tensor param[TN_MAX_OWN], gparam[TN_MAX_OWN], state[TN_MAX_OWN];
    const tn_tensor *in_at[TN_MAX_INPUTS], *param_at[TN_MAX_OWN], *state_at[TN_MAX_OWN];
    tn_tensor *gin_at[TN_MAX_INPUTS], *gparam_at[TN_MAX_OWN];
} whole;

static const int32_t real_type = sizeof(tn_real) == 8 ? TN_F64 : TN_F32;

/* A contiguous tensor over memory; samples < 0: no batch axis. */
static tn_tensor view(const tn_shape *shape, int64_t samples, const void *data)
{
    tn_tensor t = {.struct_size = sizeof t, .dtype = real_type};
    if (samples >= 0) t.dim[t.rank++] = samples;
    for (int32_t i = 0; i < shape->rank; i++) t.dim[t.rank++] = shape->dim[i];
    int64_t stride = 1;
    for (int32_t i = t.rank; i-- > 0; stride *= t.dim[i]) t.stride[i] = stride;
    t.data = (void *)(uintptr_t)data;
    return t;
}

static tn_shape flat(int64_t size)
{
    return (tn_shape){.rank = 1, .dim = {size}};
}

static void fill_whole(whole *h, tn_unit *u, const tn_pass *pass, tn_key key)
{
    const tn_node *spec = u->spec;
    memset(&h->io, 0, sizeof h->io);
    for (int32_t k = 0; k < spec->inputs; k++) {
        void *gx = u->gx[k] && u->gx_add[k] ? u->gx_spare[k] : u->gx[k];
        h->in[k] = view(&spec->in[k], pass->samples, u->x[k]);
        h->gin[k] = view(&spec->in[k], pass->samples, gx);
        h->in_at[k] = &h->in[k];
        h->gin_at[k] = gx ? &h->gin[k] : NULL;
    }
    for (int32_t i = 0; i < u->params; i++) {
        const tn_shape entire = flat(u->param[i].size);
        const tn_shape *shape = u->param[i].shape ? u->param[i].shape : &entire;
        h->param[i] = view(shape, -1, u->param[i].value);
        h->gparam[i] = view(shape, -1, u->param[i].gradient);
        h->param_at[i] = &h->param[i];
        h->gparam_at[i] = u->param[i].gradient ? &h->gparam[i] : NULL;
    }
    for (int32_t i = 0; i < u->states; i++) {
        const tn_shape entire = flat(u->state[i].size);
        h->state[i] = view(u->state[i].shape ? u->state[i].shape : &entire, -1,
                           u->state[i].value);
        h->state_at[i] = &h->state[i];
    }
    h->out = view(&spec->out, pass->samples, u->y);
    h->gout = view(&spec->out, pass->samples, u->gy);
    h->io = (tn_io){.training = pass->training,
                    .inputs = spec->inputs,
                    .in = h->in_at,
                    .out = &h->out,
                    .param = h->param_at,
                    .gparam = h->gparam_at,
                    .state = h->state_at,
                    .gout = &h->gout,
                    .gin = h->gin_at,
                    .cache = u->cache,
                    .key = key,
                    .row = pass->row};
}

static tn_status run_whole(const work *w, bool back, tn_error *e)
{
    tn_unit *u = w->unit;
    tn_calling calling;
    whole h;
    tn_call *call = tn_call_make(&calling, u->env, u->layer, u->real, e);
    calling.plan = (void *)(uintptr_t)u->backend;
    fill_whole(&h, u, w->pass, w->key);
    if (!back) return w->layer->run(u->layer->self, call, &h.io);
    const tn_status status = w->layer->run_back(u->layer->self, call, &h.io);
    for (int32_t k = 0; !status && k < u->spec->inputs; k++)
        if (u->gx[k] && u->gx_add[k])
            TN(tn_add)(u->backend, u->gx[k], u->gx_spare[k], tn_count(&h.gin[k]));
    return status;
}

/* ---- units --------------------------------------------------------------------------- */

tn_status TN(tn_unit_forward)(tn_unit *u, const tn_pass *pass, tn_error *e)
{
    work w = make_work(u, pass);
    if (w.layer->kernel == TN_WHOLE) return run_whole(&w, false, e);
    if (w.layer->kernel == TN_WINDOW) {
        TN(tn_window_forward)(u, pass);
        return TN_OK;
    }
    if (w.statistics) reduce(&w, &w.layer->reduce, &u->sums, w.groups, NULL);
    TN(tn_each_tile)(u->backend, &w.space, forward_tile, &w);
    return TN_OK;
}

tn_status TN(tn_unit_backward)(tn_unit *u, const tn_pass *pass, tn_error *e)
{
    work w = make_work(u, pass);
    if (w.layer->kernel == TN_WHOLE) return run_whole(&w, true, e);
    if (w.layer->kernel == TN_WINDOW)
        TN(tn_window_backward)(u, pass);
    else
        backward_tiles(&w);
    return TN_OK;
}

tn_status TN(tn_unit_commit)(tn_unit *u, const tn_pass *pass, tn_error *e)
{
    work w = make_work(u, pass);
    if (!w.layer->commit || !u->states) return TN_OK;
    frame f;
    void *state[TN_MAX_OWN];
    fill_frame(&f, &w, 0, w.rows * w.width, 0);
    for (int32_t i = 0; i < u->states; i++) state[i] = u->state[i].value;
    w.layer->commit(u->layer->self, &f.tile, w.groups ? w.rows * w.width / w.groups : 0,
                    state);
    return TN_OK;
}
