/* unit.c - one unit as its kernels see it: tiles and what they point to, statistics, gradients
 * of parameters, commit. */
#include "core/real/kernel.h"

#include <string.h>

tn_layer_facts TN(tn_unit_facts)(const void *vtable)
{
    const tn_layer *l = vtable;
    const bool back = l->kernel == TN_WHOLE    ? l->run_back != NULL
                      : l->kernel == TN_WINDOW ? l->give || l->backward
                                               : l->backward != NULL;
    return (tn_layer_facts){
        .kernel = l->kernel,
        .max_inputs = l->max_inputs ? l->max_inputs : 1,
        .flags = l->flags,
        .differentiable = back || (l->flags & TN_VIEW),
        .commits = l->commit || l->commit_weight,
        .always_reduce = l->always_reduce != 0,
        .affine = l->as_affine != NULL,
        .by_lines = l->kernel == TN_WINDOW && l->forward,
        .over = l->reduce.sums ? l->reduce.over : l->back_reduce.over,
        .sums = l->reduce.sums,
        .stats = l->reduce.stats,
        .back_sums = l->back_reduce.sums,
        .back_stats = l->back_reduce.stats,
        .infer = l->infer,
        .gain = l->gain,
        .start = l->start,
        .range = l->range,
    };
}

tn_work TN(tn_work_make)(tn_unit *u, const tn_pass *pass, bool back)
{
    const tn_layer_facts *f = &u->facts;
    tn_work w = {.unit = u,
                 .pass = pass,
                 .layer = u->layer->vtable,
                 .shape = &u->spec->in[0],
                 .space = tn_unit_space(u, pass->samples),
                 .rows = pass->samples * u->rows_per_sample,
                 .width = u->width,
                 .rows_per_sample = u->rows_per_sample,
                 .over = f->over,
                 .key = tn_key_derive(u->key, pass->step, 0),
                 .statistics = f->sums && (pass->training || f->always_reduce),
                 .reads_x = !back || tn_backward_reads_x(f),
                 .reads_y = back && tn_backward_reads_y(f)};
    w.groups = tn_groups(w.over, w.rows, w.width, w.rows_per_sample);
    return w;
}

bool TN(tn_trains)(const tn_work *w)
{
    const bool draws = w->pass->draws && (w->unit->facts.flags & TN_RANDOM);
    return w->pass->training || draws;
}

/* ---- tiles --------------------------------------------------------------------------- */

static int64_t stat_offset(const tn_work *w, int64_t first)
{
    return w->over == TN_OVER_COLUMNS ? first % w->width
                                      : tn_group_of(w->over, &w->space, first);
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

static tn_tile make_tile(const tn_frame *f, const tn_work *w, int64_t first, int64_t n)
{
    const tn_unit *u = w->unit;
    return (tn_tile){.n = n,
                     .width = w->width,
                     .col = first % w->width,
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
                     .training = TN(tn_trains)(w),
                     .share = 1 / (double)(w->pass->of ? w->pass->of : w->pass->samples)};
}

void TN(tn_frame_fill)(tn_frame *f, const tn_work *w, int64_t first, int64_t n,
                       int64_t chunk)
{
    const tn_unit *u = w->unit;
    const int64_t col = first % w->width, stat = stat_offset(w, first);
    f->tile = make_tile(f, w, first, n);
    for (int32_t k = 0; k < u->spec->inputs; k++)
        f->in[k] = w->reads_x ? tn_at(u->x[k], first) : NULL;
    tn_real *partial = u->gparam_partial;
    if (partial) partial += chunk * own_total(u);
    for (int32_t i = 0; i < u->params; i++) {
        const int64_t offset = own_offset(&u->param[i], col);
        f->param[i] = tn_at(u->param[i].value, offset);
        f->gparam[i] = tn_at_mutable(partial, offset);
        if (partial) partial += u->param[i].size;
    }
    for (int32_t i = 0; i < u->states; i++)
        f->state[i] = tn_at(u->state[i].value, own_offset(&u->state[i], col));
    for (int32_t q = 0; q < w->layer->reduce.stats; q++)
        f->stat[q] = w->statistics ? tn_at(u->sums.stat[q], stat) : NULL;
    for (int32_t q = 0; q < w->layer->back_reduce.stats; q++)
        f->back[q] = tn_at(u->back_sums.stat[q], stat);
}

/* ---- reductions ---------------------------------------------------------------------- */

typedef struct reduction_work {
    const tn_work *w;
    const tn_reduction *reduction;
    const tn_real *gy; /* NULL: forward */
} reduction_work;

static void add_tile(void *data, int64_t first, int64_t n, double *const *acc)
{
    const reduction_work *r = data;
    const tn_unit *u = r->w->unit;
    tn_frame f;
    TN(tn_frame_fill)(&f, r->w, first, n, 0);
    r->reduction->add(u->layer->self, &f.tile, f.in[0], tn_at(r->gy, first), acc);
}

void TN(tn_reduce)(tn_work *w, const tn_reduction *reduction, tn_sums *sums,
                   const tn_real *gy)
{
    const tn_unit *u = w->unit;
    const int64_t n = w->rows * w->width;
    reduction_work r = {w, reduction, gy};
    const tn_summing summing = {reduction,     u->layer->self, &w->space, w->groups,
                                sums->partial, add_tile,       &r};
    TN(tn_sum_tiles)(u->backend, &summing);

    tn_frame f;
    double *acc[TN_MAX_OWN] = {0};
    tn_real *stat[TN_MAX_OWN] = {0};
    TN(tn_frame_fill)(&f, w, 0, n, 0);
    for (int32_t i = 0; i < u->params; i++)
        f.gparam[i] = gy ? u->param[i].gradient : NULL;
    for (int32_t q = 0; q < reduction->sums; q++) acc[q] = sums->partial + q * w->groups;
    for (int32_t q = 0; q < reduction->stats; q++) stat[q] = sums->stat[q];
    reduction->finish(u->layer->self, &f.tile, w->groups, n / w->groups,
                      (const double *const *)acc, stat);
}

/* ---- gradients of parameters --------------------------------------------------------- */

void TN(tn_clear_gradients)(const tn_work *w)
{
    const tn_unit *u = w->unit;
    for (int32_t i = 0; i < u->params; i++)
        if (u->param[i].gradient)
            memset(u->param[i].gradient, 0, sizeof(tn_real) * (size_t)u->param[i].size);
    if (u->gparam_partial)
        memset(u->gparam_partial, 0,
               sizeof(tn_real) * (size_t)(own_total(u) * tn_space_chunks(&w->space)));
}

/* Partial sums of all chunks into the gradients, added to what a reduction's finish has put
 * there. */
void TN(tn_join_gradients)(const tn_work *w)
{
    const tn_unit *u = w->unit;
    const int64_t total = own_total(u);
    const tn_real *from = u->gparam_partial;
    if (!from) return;
    TN(tn_merge_partials)(tn_space_chunks(&w->space), total, total, u->gparam_partial);
    for (int32_t i = 0; i < u->params; i++) {
        tn_real *into = u->param[i].gradient;
        for (int64_t k = 0; into && k < u->param[i].size; k++) into[k] += from[k];
        from += u->param[i].size;
    }
}

/* ---- states ---------------------------------------------------------------------------- */

void TN(tn_unit_commit)(tn_unit *u, const tn_pass *pass)
{
    tn_work w = TN(tn_work_make)(u, pass, false);
    tn_frame f;
    void *state[TN_MAX_OWN] = {0};
    if (!u->states) return;
    if (w.layer->commit_weight && u->whole)
        w.layer->commit_weight(u->layer->self, &u->whole->io,
                               (tn_tensor *const *)(uintptr_t)u->whole->io.state);
    if (!w.layer->commit) return;
    w.reads_x = false; /* its memory may have gone to another */
    TN(tn_frame_fill)(&f, &w, 0, w.rows * w.width, 0);
    for (int32_t i = 0; i < u->states; i++) state[i] = u->state[i].value;
    int64_t members = w.groups ? w.rows * w.width / w.groups : 0;
    if (u->held) {
        f.stat[0] = u->held, f.tile.row = pass->row;
        members = pass->samples;
    }
    w.layer->commit(u->layer->self, &f.tile, members, state);
}
