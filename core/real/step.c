/* step.c - see step.h. Where nothing needs a sum first, one streaming pass over all parameters
 * does it all: gradient transforms, regularizer gradient, optimizers, prox (stage.c). */
#include "core/real/step_part.h"

static tn_step_facts facts(const tn_instance *optimizer)
{
    const tn_optimizer *o = optimizer->vtable;
    return (tn_step_facts){.passes = o->passes ? o->passes : 1,
                           .slots = TN(tn_slots_of)(optimizer),
                           .view = o->view,
                           .step_size = o->step_size};
}

static void count(const tn_chain *c)
{
    for (int32_t i = 0; i < c->length; i++) {
        const tn_optimizer *o = c->at[i]->vtable;
        const tn_update u = {
            .step = c->step, .rate = c->rate, .numbers = c->at[i]->numbers};
        if (o->count) o->count(c->at[i]->self, &u, c->at[i]->numbers);
    }
}

static size_t scratch_of(const tn_instance *optimizer, int64_t rows, int64_t cols)
{
    const tn_optimizer *o = optimizer->vtable;
    return o->scratch ? o->scratch(optimizer->self, rows, cols) : 0;
}

static void describe_reduction(const tn_instance *instance, int32_t *over, int32_t *sums,
                               int32_t *stats)
{
    const tn_reduction *r = TN(tn_reduction_of)(instance);
    *over = r->over, *sums = r->sums, *stats = r->stats;
}

/* ---- the chain ----------------------------------------------------------------------- */

/* Whose sums the update goes by, or what comes between passes. */
static const tn_instance *reducing_optimizer(const tn_chain *c, bool between)
{
    for (int32_t i = 0; i < c->length; i++) {
        const tn_optimizer *o = c->at[i]->vtable;
        if (o->reduce.sums && (between ? o->between != NULL : o->update != NULL))
            return c->at[i];
    }
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

/* ---- passes over one parameter --------------------------------------------------------- */

/* Of which nothing is to be done yet. */
static tn_on_part begin(tn_bench *bench, tn_part *part, const tn_chain *chain,
                        const tn_instance *reducing)
{
    part->stages = 0;
    return TN(tn_on_part_of)(bench, part, chain, reducing);
}

static void run(const tn_on_part *on)
{
    TN(tn_run_part)(on);
    on->part->stages = 0;
}

static void add_befores(const tn_on_part *on, const tn_chain *chain)
{
    for (int32_t i = chain->length - 1; i >= 0; i--) TN(tn_add_before)(on, chain, i);
}

/* With a prox right behind the optimizer by whose steps it goes: what wraps that sees both. */
static void add_chain(const tn_on_part *on, const tn_chain *chain, bool prox)
{
    const int32_t sizing = prox ? TN(tn_sizing)(chain) : -1;
    for (int32_t i = 0; i < chain->length; i++) {
        TN(tn_add_update)(on, chain, i);
        if (i == sizing)
            TN(tn_add_prox)(on, chain, &on->part->stage[on->part->stages - 1]);
    }
}

/* The penalty's gradient, as a pass of its own. */
static void add_penalty_gradient(tn_bench *bench, tn_part *part, const tn_chain *chain)
{
    const tn_on_part on = begin(bench, part, chain, part->regularizer);
    TN(tn_reduce_part)(&on);
    TN(tn_add_penalty)(&on);
    run(&on);
}

static void prox_apart(tn_bench *bench, tn_part *part, const tn_chain *chain)
{
    const tn_on_part on = begin(bench, part, chain, part->regularizer);
    TN(tn_reduce_part)(&on);
    TN(tn_add_prox)(&on, chain, NULL);
    run(&on);
}

/* Number `which` of the chain, on the parameter as a matrix. */
static tn_status update_whole(const tn_on_part *on, const tn_chain *chain, int32_t which,
                              tn_error *e)
{
    const tn_part *part = on->part;
    const tn_instance *optimizer = chain->at[which];
    const tn_optimizer *o = optimizer->vtable;
    tn_update u = tn_update_of(chain, which, part, 0);
    u.scratch = on->bench->scratch;
    const tn_shape shape = {.rank = 2, .dim = {part->rows, part->width}};
    const int32_t real = optimizer->real, first_slot = chain->first_slot[which];
    tn_tensor weight = tn_tensor_over(&shape, -1, real, part->w);
    tn_tensor g = tn_tensor_over(&shape, -1, real, part->g);
    tn_tensor slot[TN_MAX_OWN], *slot_at[TN_MAX_OWN] = {0};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, on->bench->env, optimizer, real, e);
    calling.plan = (void *)(uintptr_t)on->bench->backend;
    calling.call.now = tn_dials_of(chain, which, part);
    for (int32_t k = 0; k < TN(tn_slots_of)(optimizer); k++) {
        slot[k] = tn_tensor_over(&shape, -1, real, part->slot[first_slot + k]);
        slot_at[k] = &slot[k];
    }
    return tn_call_end(&calling,
                       o->update_whole(optimizer->self, call, &u, &weight, &g, slot_at));
}

/* One optimizer after another: a wrapper of a whole-tensor method sees what that has done. */
static tn_status update_in_turn(const tn_on_part *on, const tn_chain *chain, tn_error *e)
{
    tn_status status = TN_OK;
    add_befores(on, chain);
    if (on->part->stages) run(on);
    for (int32_t i = 0; !status && i < chain->length; i++) {
        if (is_whole(chain->at[i])) {
            status = update_whole(on, chain, i, e);
            continue;
        }
        TN(tn_add_update)(on, chain, i);
        run(on);
    }
    return status;
}

/* ---- the update ---------------------------------------------------------------------- */

static bool is_reducing(const tn_instance *regularizer)
{
    return TN(tn_reduction_of)(regularizer)->sums;
}

/* A prox that must wait until all weights are updated: for its own sums (whose statistics would
 * replace an optimizer's), or for a whole-tensor method. */
static bool waits(const tn_chain *chain, const tn_part *part)
{
    return part->regularizer && TN(tn_is_proximal)(part->regularizer) &&
           (is_reducing(part->regularizer) || any_whole(chain));
}

/* What the streaming pass does to a part: transforms from number `from` on, and so forth.
 * `penalized`: the penalty's gradient is in already. */
static void add_step(const tn_on_part *on, const tn_chain *chain, int32_t from,
                     bool penalized)
{
    const tn_part *part = on->part;
    const bool proximal = part->regularizer && TN(tn_is_proximal)(part->regularizer);
    add_befores(on, chain);
    TN(tn_add_maps)(on, from, on->bench->transforms);
    if (part->regularizer && !proximal && !penalized) TN(tn_add_penalty)(on);
    add_chain(on, chain, proximal && !waits(chain, part));
}

/* Whose statistics a pass over this part needs; they are of this part alone. NULL: nobody's. */
static const tn_instance *own_reducing(const tn_chain *chain, const tn_part *part,
                                       bool penalized)
{
    const tn_instance *o = reducing_optimizer(chain, false), *r = part->regularizer;
    if (o && TN(tn_reduction_of)(o)->over != TN_OVER_ALL) return o;
    return r && !penalized && is_reducing(r) && !TN(tn_is_proximal)(r) ? r : NULL;
}

static tn_status update_part(tn_bench *bench, const tn_chain *chain, tn_part *part,
                             int32_t from, bool penalized, tn_error *e)
{
    const tn_on_part on = begin(bench, part, chain, own_reducing(chain, part, penalized));
    TN(tn_reduce_part)(&on);
    if (any_whole(chain)) return update_in_turn(&on, chain, e);
    add_step(&on, chain, from, penalized);
    run(&on);
    return TN_OK;
}

static bool is_done(const tn_sink *sink)
{
    return sink && sink->taken && !sink->stores;
}

static tn_status update(tn_bench *bench, const tn_chain *chain, tn_part *parts,
                        const tn_sink *sink, int32_t count, tn_error *e)
{
    const tn_instance *reducing = reducing_optimizer(chain, false);
    int32_t from = TN(tn_transform_all)(bench, chain, parts, count);
    /* A sum over gradients, or a whole-tensor method, wants the penalty's gradient in first. */
    const bool first = reducing || any_whole(chain);
    if (first) TN(tn_map_all)(bench, chain, parts, count, from, bench->transforms);
    if (first) from = bench->transforms;
    for (int32_t i = 0; first && i < count; i++)
        if (parts[i].regularizer && !TN(tn_is_proximal)(parts[i].regularizer))
            add_penalty_gradient(bench, &parts[i], chain);
    if (reducing) TN(tn_reduce_all)(bench, reducing, chain, parts, count);
    for (int32_t i = 0; i < count; i++) {
        const tn_on_part on = begin(bench, &parts[i], chain, reducing);
        if (!any_whole(chain) && !own_reducing(chain, &parts[i], first) &&
            !is_done(sink ? &sink[parts[i].number] : NULL))
            add_step(&on, chain, from, first);
    }
    TN(tn_run_all)(bench, parts, count);
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < count; i++)
        if (any_whole(chain) || own_reducing(chain, &parts[i], first))
            status = update_part(bench, chain, &parts[i], from, first, e);
    for (int32_t i = 0; !status && i < count; i++)
        if (waits(chain, &parts[i])) prox_apart(bench, &parts[i], chain);
    return status;
}

/* ---- while gradients are made ---------------------------------------------------------- */

static bool streams(const tn_bench *bench, const tn_chain *chain, const tn_part *part)
{
    bool sums = reducing_optimizer(chain, false) || any_whole(chain) ||
                (part->regularizer && is_reducing(part->regularizer));
    for (int32_t i = 0; i < bench->transforms; i++)
        sums = sums || TN(tn_reduction_of)(bench->transform[i].gradient)->sums;
    return !sums;
}

static void make_sink(tn_bench *bench, const tn_chain *chain, tn_part *part, bool whole,
                      tn_sink *sink)
{
    *sink = (tn_sink){.rows = part->rows, .cols = part->width, .with = part};
    part->bench = bench;
    if (whole) {
        const tn_on_part on = begin(bench, part, chain, NULL);
        add_step(&on, chain, 0, false);
        sink->wrote = TN(tn_take_block);
    } else if (part->blocks.room) {
        TN(tn_blocks_begin)(part);
        sink->wrote = TN(tn_blocks_add);
        sink->stores = true;
    }
}

/* ---- between passes ------------------------------------------------------------------ */

static void between(tn_bench *bench, const tn_chain *chain, int32_t pass, tn_part *parts,
                    int32_t count)
{
    const tn_instance *reducing = reducing_optimizer(chain, true);
    if (reducing) TN(tn_reduce_all)(bench, reducing, chain, parts, count);
    for (int32_t i = 0; i < count; i++) {
        const tn_on_part on = begin(bench, &parts[i], chain, reducing);
        TN(tn_reduce_part)(&on);
        for (int32_t k = 0; k < chain->length; k++)
            TN(tn_add_between)(&on, chain, k, pass);
        run(&on);
    }
}

const tn_step_table TN(tn_step_table) = {
    .facts = facts,
    .reduction = describe_reduction,
    .scratch = scratch_of,
    .count = count,
    .proximal = TN(tn_is_proximal),
    .penalty = TN(tn_step_penalty),
    .update = update,
    .sink = make_sink,
    .streams = streams,
    .between = between,
    .view = TN(tn_step_view),
};
