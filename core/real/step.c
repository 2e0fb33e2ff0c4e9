/* step.c - see step.h. Where nothing needs a sum first, one streaming pass over a parameter
 * does it all: regularizer gradient, optimizers, prox. */
#include "core/real/step_part.h"

static tn_step_facts facts(const tn_instance *optimizer)
{
    const tn_optimizer *o = optimizer->vtable;
    return (tn_step_facts){.passes = o->passes ? o->passes : 1,
                           .slots = TN(tn_slots_of)(optimizer),
                           .view = o->view,
                           .step_size = o->step_size};
}

static void describe_reduction(const tn_instance *instance, int32_t *over, int32_t *sums,
                               int32_t *stats)
{
    const tn_reduction *r = TN(tn_reduction_of)(instance);
    *over = r->over, *sums = r->sums, *stats = r->stats;
}

/* ---- the chain ----------------------------------------------------------------------- */

static const tn_instance *reducing_optimizer(const tn_chain *c)
{
    for (int32_t i = 0; i < c->length; i++)
        if (TN(tn_reduction_of)(c->at[i])->sums) return c->at[i];
    return NULL;
}

static bool is_whole(const tn_instance *optimizer)
{
    return ((const tn_optimizer *)optimizer->vtable)->update_whole;
}

static bool any_whole(const tn_chain *c)
{
    for (int32_t i = 0; i < c->length; i++)
        if (is_whole(c->at[i])) return true;
    return false;
}

/* Of optimizer `which`: where its slots start. */
static int32_t first_slot_of(const tn_chain *c, int32_t which)
{
    int32_t first = 0;
    for (int32_t i = 0; i < which; i++) first += TN(tn_slots_of)(c->at[i]);
    return first;
}

/* The first that tells its step sizes; there is one where there is a prox. */
static int32_t stepping_optimizer(const tn_chain *c)
{
    int32_t i = 0;
    while (i + 1 < c->length && !((const tn_optimizer *)c->at[i]->vtable)->step_size) i++;
    return i;
}

static tn_update update_of(const tn_chain *c, const tn_part *part, int32_t pass)
{
    return (tn_update){c->step, c->rate, part->decays, pass};
}

/* ---- what a pass over a parameter does ------------------------------------------------- */

typedef struct step_work {
    tn_on_part on;
    const tn_chain *chain;
    int32_t from, to;              /* optimizers to run: from .. to - 1 */
    int32_t pass;                  /* of `between` */
    const tn_instance *regularize; /* adds its gradient; NULL: none */
    const tn_instance *prox;
} step_work;

static step_work make_work(const tn_bench *bench, const tn_part *part,
                           const tn_chain *chain, const tn_instance *reducing)
{
    return (step_work){.on = TN(tn_on_part_of)(bench, part, chain->step, reducing),
                       .chain = chain};
}

static void regularize_tile(const step_work *w, int64_t first, int64_t n)
{
    const tn_regularizer *r = w->regularize->vtable;
    const tn_part *part = w->on.part;
    tn_step_frame f;
    TN(tn_step_frame_fill)(&f, &w->on, w->regularize, TN_DRAWS_REGULARIZER, first, n);
    if (r->gradient)
        r->gradient(w->regularize->self, &f.tile, (const tn_real *)part->w + first,
                    (tn_real *)part->g + first);
}

/* Slots of the chain's optimizer number i, and its tile. */
static void fill_optimizer(const step_work *w, int32_t i, int64_t first, int64_t n,
                           tn_step_frame *f, tn_real *slot[TN_MAX_OWN])
{
    const tn_instance *optimizer = w->chain->at[i];
    TN(tn_step_frame_fill)
    (f, &w->on, optimizer, (uint64_t)(TN_DRAWS_OPTIMIZER + i), first, n);
    TN(tn_slots_at)
    (w->on.part, first_slot_of(w->chain, i), TN(tn_slots_of)(optimizer), first, slot);
}

static void optimize_tile(const step_work *w, int64_t first, int64_t n)
{
    const tn_update u = update_of(w->chain, w->on.part, 0);
    for (int32_t i = w->from; i < w->to; i++) {
        const tn_instance *optimizer = w->chain->at[i];
        const tn_optimizer *o = optimizer->vtable;
        tn_real *slot[TN_MAX_OWN] = {0};
        tn_step_frame f;
        if (!o->update) continue;
        fill_optimizer(w, i, first, n, &f, slot);
        o->update(optimizer->self, &f.tile, &u, (tn_real *)w->on.part->w + first,
                  (const tn_real *)w->on.part->g + first, slot);
    }
}

static void prox_tile(const step_work *w, int64_t first, int64_t n, int32_t worker)
{
    const tn_bench *bench = w->on.bench;
    const int32_t by = stepping_optimizer(w->chain);
    const tn_optimizer *o = w->chain->at[by]->vtable;
    const tn_regularizer *r = w->prox->vtable;
    const tn_update u = update_of(w->chain, w->on.part, 0);
    tn_real *step = (tn_real *)bench->step_scratch + worker * bench->step_elements;
    tn_real *slot[TN_MAX_OWN] = {0};
    tn_step_frame f;
    fill_optimizer(w, by, first, n, &f, slot);
    o->step_size(w->chain->at[by]->self, &f.tile, &u, slot, step);
    TN(tn_step_frame_fill)(&f, &w->on, w->prox, TN_DRAWS_REGULARIZER, first, n);
    r->prox(w->prox->self, &f.tile, step, (tn_real *)w->on.part->w + first);
}

static void pass_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const step_work *w = data;
    if (w->regularize) regularize_tile(w, first, n);
    optimize_tile(w, first, n);
    if (w->prox) prox_tile(w, first, n, worker);
}

static void run_pass(step_work *w)
{
    TN(tn_each_tile)(w->on.bench->backend, &w->on.space, pass_tile, w);
}

/* ---- the update ---------------------------------------------------------------------- */

/* Number `which` of the chain, on the parameter as a matrix. */
static tn_status update_whole(const step_work *w, int32_t which, tn_error *e)
{
    const tn_part *part = w->on.part;
    const tn_instance *optimizer = w->chain->at[which];
    const tn_optimizer *o = optimizer->vtable;
    const tn_update u = update_of(w->chain, part, 0);
    const tn_shape shape = {.rank = 2, .dim = {part->rows, part->width}};
    const int32_t real = optimizer->real, first_slot = first_slot_of(w->chain, which);
    tn_tensor weight = tn_tensor_over(&shape, -1, real, part->w);
    tn_tensor g = tn_tensor_over(&shape, -1, real, part->g);
    tn_tensor slot[TN_MAX_OWN], *slot_at[TN_MAX_OWN] = {0};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, w->on.bench->env, optimizer, real, e);
    calling.plan = (void *)(uintptr_t)w->on.bench->backend;
    for (int32_t k = 0; k < TN(tn_slots_of)(optimizer); k++) {
        slot[k] = tn_tensor_over(&shape, -1, real, part->slot[first_slot + k]);
        slot_at[k] = &slot[k];
    }
    return tn_call_end(&calling,
                       o->update_whole(optimizer->self, call, &u, &weight, &g, slot_at));
}

/* One optimizer after another: a wrapper of a whole-tensor method sees what that has done. */
static tn_status update_in_turn(step_work *w, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < w->chain->length; i++) {
        w->from = i, w->to = i + 1;
        if (is_whole(w->chain->at[i]))
            status = update_whole(w, i, e);
        else
            run_pass(w);
    }
    return status;
}

/* The penalty's gradient, as a pass of its own. */
static void add_penalty_gradient(tn_bench *bench, const tn_part *part,
                                 const tn_chain *chain)
{
    step_work w = make_work(bench, part, chain, part->regularizer);
    TN(tn_reduce_part)(&w.on);
    w.regularize = part->regularizer;
    run_pass(&w);
}

static void prox_apart(tn_bench *bench, const tn_part *part, const tn_chain *chain)
{
    step_work w = make_work(bench, part, chain, part->regularizer);
    TN(tn_reduce_part)(&w.on);
    w.prox = part->regularizer;
    run_pass(&w);
}

/* A prox that must wait until all weights are updated: for its own sums (whose statistics would
 * replace an optimizer's), or for a whole-tensor method. */
static bool waits(const tn_chain *chain, const tn_instance *regularizer)
{
    return TN(tn_reduction_of)(regularizer)->sums || any_whole(chain);
}

static tn_status update_part(tn_bench *bench, const tn_chain *chain, const tn_part *part,
                             bool penalty_added, tn_error *e)
{
    const tn_instance *r = part->regularizer;
    const bool by_prox = r && TN(tn_is_proximal)(r);
    const bool apart = r && TN(tn_reduction_of)(r)->sums;
    if (r && !by_prox && apart && !penalty_added) {
        add_penalty_gradient(bench, part, chain);
        penalty_added = true;
    }
    step_work w = make_work(bench, part, chain, reducing_optimizer(chain));
    TN(tn_reduce_part)(&w.on);
    if (any_whole(chain)) return update_in_turn(&w, e);
    w.to = chain->length;
    if (r && !by_prox && !penalty_added) w.regularize = r;
    if (by_prox && !waits(chain, r)) w.prox = r;
    run_pass(&w);
    return TN_OK;
}

static tn_status update(tn_bench *bench, const tn_chain *chain, tn_part *parts,
                        int32_t count, tn_error *e)
{
    const tn_instance *reducing = reducing_optimizer(chain);
    /* A sum over gradients, or a whole-tensor method, wants the penalty's gradient in first. */
    const bool first = reducing || any_whole(chain);
    for (int32_t i = 0; first && i < count; i++)
        if (parts[i].regularizer && !TN(tn_is_proximal)(parts[i].regularizer))
            add_penalty_gradient(bench, &parts[i], chain);
    if (reducing) TN(tn_reduce_all)(bench, reducing, chain->step, parts, count);
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < count; i++)
        status = update_part(bench, chain, &parts[i], first, e);
    for (int32_t i = 0; !status && i < count; i++)
        if (parts[i].regularizer && TN(tn_is_proximal)(parts[i].regularizer) &&
            waits(chain, parts[i].regularizer))
            prox_apart(bench, &parts[i], chain);
    return status;
}

/* ---- between passes ------------------------------------------------------------------ */

static void between_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                         int32_t worker)
{
    const step_work *w = data;
    const tn_update u = update_of(w->chain, w->on.part, w->pass);
    for (int32_t i = 0; i < w->chain->length; i++) {
        const tn_instance *optimizer = w->chain->at[i];
        const tn_optimizer *o = optimizer->vtable;
        tn_real *slot[TN_MAX_OWN] = {0};
        tn_step_frame f;
        if (!o->between) continue;
        fill_optimizer(w, i, first, n, &f, slot);
        o->between(optimizer->self, &f.tile, &u, (tn_real *)w->on.part->w + first,
                   (const tn_real *)w->on.part->g + first, slot);
    }
}

static void between(tn_bench *bench, const tn_chain *chain, int32_t pass, tn_part *parts,
                    int32_t count)
{
    const tn_instance *reducing = reducing_optimizer(chain);
    if (reducing) TN(tn_reduce_all)(bench, reducing, chain->step, parts, count);
    for (int32_t i = 0; i < count; i++) {
        step_work w = make_work(bench, &parts[i], chain, reducing);
        TN(tn_reduce_part)(&w.on);
        w.pass = pass;
        TN(tn_each_tile)(bench->backend, &w.on.space, between_tile, &w);
    }
}

const tn_step_table TN(tn_step_table) = {
    .facts = facts,
    .reduction = describe_reduction,
    .proximal = TN(tn_is_proximal),
    .penalty = TN(tn_step_penalty),
    .transform = TN(tn_step_transform),
    .update = update,
    .between = between,
    .view = TN(tn_step_view),
};
