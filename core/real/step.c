/* step.c - see step.h. Where nothing needs a sum first, one streaming pass over all parameters
 * does it all: gradient transforms, regularizer gradient, optimizers, prox (stage.c). */
#include "core/real/step_part.h"

static tn_step_facts facts(const tn_instance *optimizer)
{
    const tn_optimizer *o = optimizer->vtable;
    return (tn_step_facts){.passes = o->passes ? o->passes : 1,
                           .slots = TN(tn_slots_of)(optimizer),
                           .view = o->view,
                           .step_size = o->step_size,
                           .to_iterate = o->to_iterate};
}

static tn_regularizer_facts regularizer_facts(const tn_instance *regularizer,
                                              int64_t rows, int64_t cols)
{
    const tn_regularizer *r = regularizer->vtable;
    const bool proximal = TN(tn_is_proximal)(regularizer);
    return (tn_regularizer_facts){
        .proximal = proximal,
        .beside = TN(tn_is_beside)(regularizer),
        .constraint = r->constraint,
        .steps = proximal && r->prox_whole,
        .scratch = r->scratch ? r->scratch(regularizer->self, rows, cols) : 0};
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

static bool counts(const tn_instance *gradient)
{
    return ((const tn_gradient *)gradient->vtable)->counts;
}

static bool penalized(const tn_instance *gradient)
{
    const tn_gradient *g = gradient->vtable;
    return g->penalized && g->penalized(gradient->self);
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
static tn_on_part begin(const tn_bench *bench, tn_part *part, const tn_chain *chain,
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

/* Those before and behind a prox, which comes right behind the optimizer by whose steps it goes: what
 * wraps that sees both. */
static int32_t length_to_prox(const tn_chain *chain)
{
    const int32_t by = TN(tn_sizing)(chain);
    return by < 0 ? 1 : by + 1;
}

static void add_updates(const tn_on_part *on, const tn_chain *chain, int32_t from,
                        int32_t to)
{
    for (int32_t i = from; i < to; i++) TN(tn_add_update)(on, chain, i);
}

static void add_to_iterates(const tn_on_part *on, const tn_chain *chain)
{
    for (int32_t i = length_to_prox(chain); i < chain->length; i++)
        TN(tn_add_to_iterate)(on, chain, i);
}

/* ---- regularizers ---------------------------------------------------------------------- */

static void add_decays(const tn_on_part *on, const tn_chain *chain)
{
    for (const tn_instance *r = on->part->regularizer; r; r = r->next)
        if (tn_regularizer_of(r)->decay) TN(tn_add_decay)(on, chain, r);
}

/* For a prox that wants the whole weight, updated: so all proxes come in passes of their own. */
static bool waits(const tn_part *part)
{
    for (const tn_instance *r = part->regularizer; r; r = r->next)
        if (tn_regularizer_of(r)->prox_whole && TN(tn_is_proximal)(r)) return true;
    return false;
}

static void add_proxes(const tn_on_part *on, const tn_chain *chain)
{
    for (const tn_instance *r = on->part->regularizer; r; r = r->next)
        if (TN(tn_is_proximal)(r)) TN(tn_add_prox)(on, chain, r);
}

static tn_status prox_apart(const tn_bench *bench, tn_part *part, const tn_chain *chain,
                            tn_error *e)
{
    tn_status status = TN_OK;
    for (const tn_instance *r = part->regularizer; !status && r; r = r->next) {
        const tn_on_part on = begin(bench, part, chain, NULL);
        if (!TN(tn_is_proximal)(r)) continue;
        if (tn_regularizer_of(r)->prox_whole) {
            status = TN(tn_prox_whole)(&on, chain, r, e);
        } else {
            TN(tn_add_prox)(&on, chain, r);
            run(&on);
        }
    }
    return status;
}

/* Before the streaming pass: gradients of penalties that see whole weights, behind transforms number
 * `from` on of the loss's. */
static tn_status penalize_whole(tn_bench *bench, const tn_chain *chain, tn_part *part,
                                int32_t from, tn_error *e)
{
    if (!TN(tn_any_adds_whole)(part)) return TN_OK;
    const tn_on_part on = begin(bench, part, chain, NULL);
    TN(tn_add_maps)(&on, from, bench->transforms);
    if (part->stages) run(&on);
    return TN(tn_add_whole_penalties)(&on, e);
}

/* ---- optimizers ------------------------------------------------------------------------ */

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
    add_decays(on, chain);
    if (on->part->stages) run(on);
    for (int32_t i = 0; !status && i < chain->length; i++) {
        if (is_whole(chain->at[i])) {
            status = update_whole(on, chain, i, e);
        } else {
            TN(tn_add_update)(on, chain, i);
            run(on);
        }
        if (status || i + 1 != length_to_prox(chain)) continue;
        add_to_iterates(on, chain);
        if (on->part->stages) run(on);
        status = prox_apart(on->bench, on->part, chain, e);
    }
    return status;
}

/* ---- the update ---------------------------------------------------------------------- */

/* What the streaming pass does to a part: transforms from number `from` on, and so forth.
 * `penalized`: gradients of penalties are in already. */
static void add_step(const tn_on_part *on, const tn_chain *chain, int32_t from,
                     bool penalized)
{
    const bool mapped = !penalized && TN(tn_any_adds_whole)(on->part);
    const int32_t length = length_to_prox(chain);
    add_befores(on, chain);
    if (!mapped) TN(tn_add_maps)(on, from, on->bench->transforms);
    if (!penalized) TN(tn_add_penalties)(on);
    add_decays(on, chain);
    add_updates(on, chain, 0, length);
    add_to_iterates(on, chain);
    if (waits(on->part)) return;
    add_proxes(on, chain);
    add_updates(on, chain, length, chain->length);
}

/* The rest of it, for a part that waits. */
static tn_status end_step(const tn_on_part *on, const tn_chain *chain, tn_error *e)
{
    const tn_status status = prox_apart(on->bench, on->part, chain, e);
    if (status) return status;
    add_updates(on, chain, length_to_prox(chain), chain->length);
    if (on->part->stages) run(on);
    return TN_OK;
}

/* Whose statistics a pass over one part needs; they are of this part alone. NULL: nobody's. */
static const tn_instance *own_reducing(const tn_chain *chain)
{
    const tn_instance *o = reducing_optimizer(chain, false);
    return o && TN(tn_reduction_of)(o)->over != TN_OVER_ALL ? o : NULL;
}

static tn_status update_part(tn_bench *bench, const tn_chain *chain, tn_part *part,
                             int32_t from, tn_error *e)
{
    const tn_on_part on = begin(bench, part, chain, own_reducing(chain));
    TN(tn_reduce_part)(&on);
    if (any_whole(chain)) return update_in_turn(&on, chain, e);
    add_step(&on, chain, from, true);
    run(&on);
    return waits(part) ? end_step(&on, chain, e) : TN_OK;
}

static bool is_done(const tn_sink *sink)
{
    return sink && sink->taken && !sink->stores;
}

static tn_status update(tn_bench *bench, const tn_chain *chain, tn_part *parts,
                        const tn_sink *sink, int32_t count, tn_error *e)
{
    const tn_instance *reducing = reducing_optimizer(chain, false);
    const bool part_by_part = any_whole(chain) || own_reducing(chain);
    bool first = false; /* the penalties' gradients are in */
    int32_t from;
    tn_status status = TN(tn_transform_all)(bench, chain, parts, count, &from, &first, e);
    /* A sum over gradients, or a whole-tensor method, wants them in before. */
    if (!status && !first && (reducing || any_whole(chain))) {
        TN(tn_map_all)(bench, chain, parts, count, from, bench->transforms);
        status = TN(tn_penalize_all)(bench, chain, parts, count, e);
        from = bench->transforms, first = true;
    }
    for (int32_t i = 0; !first && !status && i < count; i++)
        status = penalize_whole(bench, chain, &parts[i], from, e);
    if (status) return status;
    if (reducing) TN(tn_reduce_all)(bench, reducing, chain, parts, count);
    for (int32_t i = 0; i < count; i++) {
        const tn_on_part on = begin(bench, &parts[i], chain, reducing);
        if (!part_by_part && !is_done(sink ? &sink[parts[i].number] : NULL))
            add_step(&on, chain, from, first);
    }
    TN(tn_run_all)(bench, parts, count);
    for (int32_t i = 0; part_by_part && !status && i < count; i++)
        status = update_part(bench, chain, &parts[i], from, e);
    for (int32_t i = 0; !part_by_part && !status && i < count; i++) {
        const tn_on_part on = begin(bench, &parts[i], chain, reducing);
        if (waits(&parts[i])) status = end_step(&on, chain, e);
    }
    return status;
}

/* ---- conditions for a minimum ---------------------------------------------------------- */

/* What several regularizers ask for together is no sum of what each asks for. */
static double violation(const tn_instance *regularizer, int64_t n, const void *w,
                        const void *g)
{
    double most = 0;
    if (regularizer && (regularizer->next || !tn_regularizer_of(regularizer)->violation))
        return NAN;
    if (regularizer) {
        const tn_tile t = {
            .n = n, .width = n, .rows_per_sample = 1, .now = regularizer->now};
        return tn_regularizer_of(regularizer)->violation(regularizer->self, &t, w, g);
    }
    for (int64_t i = 0; i < n; i++)
        most = tn_worse(most, fabs((double)((const tn_real *)g)[i]));
    return most;
}

/* ---- while gradients are made ---------------------------------------------------------- */

static bool streams(const tn_bench *bench, const tn_chain *chain, const tn_part *part)
{
    bool sums = reducing_optimizer(chain, false) || any_whole(chain) ||
                TN(tn_any_adds_whole)(part);
    for (int32_t i = 0; i < bench->transforms; i++)
        sums = sums || bench->transform[i].penalized ||
               TN(tn_reduction_of)(bench->transform[i].gradient)->sums;
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
    .regularizer = regularizer_facts,
    .counts = counts,
    .penalized = penalized,
    .scratch = scratch_of,
    .count = count,
    .penalty = TN(tn_step_penalty),
    .violation = violation,
    .update = update,
    .sink = make_sink,
    .streams = streams,
    .between = between,
    .view = TN(tn_step_view),
};
