/* step.c - see step.h. Where nothing needs a sum first, one streaming pass over a parameter
 * does it all: regularizer gradient, optimizers, prox. */
#include "core/real/step.h"
#include "core/real/kernel.h"

#include <string.h>

static int32_t slots_of(const tn_instance *optimizer)
{
    const tn_optimizer *o = optimizer->vtable;
    return o->slots ? o->slots(optimizer->self) : 0;
}

static tn_step_facts facts(const tn_instance *optimizer)
{
    const tn_optimizer *o = optimizer->vtable;
    return (tn_step_facts){.passes = o->passes ? o->passes : 1,
                           .slots = slots_of(optimizer),
                           .view = o->view,
                           .between = o->between,
                           .whole = o->update_whole,
                           .step_size = o->step_size};
}

static const tn_reduction *reduction_of(const tn_instance *instance)
{
    static const tn_reduction none;
    const char *kind = instance->entry->kind;
    if (!strcmp(kind, "regularizer"))
        return &((const tn_regularizer *)instance->vtable)->reduce;
    if (!strcmp(kind, "optimizer"))
        return &((const tn_optimizer *)instance->vtable)->reduce;
    if (!strcmp(kind, "gradient"))
        return &((const tn_gradient *)instance->vtable)->reduce;
    return &none;
}

static void describe_reduction(const tn_instance *instance, int32_t *over, int32_t *sums,
                               int32_t *stats)
{
    const tn_reduction *r = reduction_of(instance);
    *over = r->over, *sums = r->sums, *stats = r->stats;
}

static bool proximal(const tn_instance *regularizer)
{
    const tn_regularizer *r = regularizer->vtable;
    return r->prox && (!r->proximal || r->proximal(regularizer->self));
}

/* ---- tiles of a parameter ------------------------------------------------------------ */

/* One pass over one part; which of the fields is set says what the pass does. */
typedef struct step_work {
    const tn_bench *bench;
    const tn_part *part;
    tn_space space;
    const tn_reduction
        *reduction; /* adding up, or whose statistics are there; NULL: none */
    const tn_instance *reducing;
    int64_t groups;
    const tn_instance *regularize; /* adds its gradient */
    const tn_instance *const *chain;
    int32_t from, length; /* optimizers to run: from .. length - 1 */
    const double *rate;
    int64_t step;
    int32_t pass;
    const tn_instance *prox;
    int32_t steps_by, steps_slot; /* which optimizer of the chain tells the step size */
    const tn_instance *prox_steps;
    tn_real *out; /* of a view */
} step_work;

typedef struct frame {
    tn_tile tile;
    const void *stat[TN_MAX_OWN];
} frame;

static void fill_frame(frame *f, const step_work *w, const tn_instance *instance,
                       int64_t first, int64_t n)
{
    const tn_part *p = w->part;
    f->tile = (tn_tile){.n = n,
                        .width = p->width,
                        .row = first / p->width,
                        .col = first % p->width,
                        .rows_per_sample = 1,
                        .stat = f->stat,
                        .now = instance->now,
                        .key = p->key,
                        .training = 1};
    if (!w->reduction || w->reducing != instance) return;
    const int64_t at = w->reduction->over == TN_OVER_COLUMNS
                           ? first % p->width
                           : TN(tn_group_of)(w->reduction->over, &w->space, first);
    for (int32_t q = 0; q < w->reduction->stats; q++)
        f->stat[q] = (const tn_real *)w->bench->stat[q] + at;
}

static void slots_at(const tn_part *p, int32_t first_slot, int32_t count, int64_t first,
                     tn_real **slot)
{
    for (int32_t i = 0; i < count; i++)
        slot[i] = (tn_real *)p->slot[first_slot + i] + first;
}

static tn_update update_of(const step_work *w, int32_t i)
{
    return (tn_update){w->step, w->rate[i], w->part->decays, w->pass};
}

static step_work make_work(const tn_bench *bench, const tn_part *part,
                           const tn_instance *reducing)
{
    step_work w = {.bench = bench, .part = part};
    if (reducing && reduction_of(reducing)->sums) {
        w.reducing = reducing;
        w.reduction = reduction_of(reducing);
        w.groups = tn_groups(w.reduction->over, part->rows, part->width, 1);
    }
    w.space = TN(tn_space_of)(w.reduction ? w.reduction->over : 0, part->rows,
                              part->width, 1, false);
    return w;
}

/* ---- reductions ---------------------------------------------------------------------- */

static void add_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const step_work *w = data;
    double *acc[TN_MAX_OWN];
    frame f;
    fill_frame(&f, w, w->reducing, first, n);
    for (int32_t q = 0; q < w->reduction->sums; q++)
        acc[q] = TN(tn_partial_sum)(w->reduction, &w->space, w->groups, w->bench->partial,
                                    first, chunk, q);
    const tn_real *g = w->part->g;
    w->reduction->add(w->reducing->self, &f.tile, (const tn_real *)w->part->w + first,
                      g ? g + first : NULL, acc);
}

/* Sums over one part, into bench->partial. */
static void sum_part(step_work *w)
{
    const tn_reduction *r = w->reduction;
    const int64_t chunks = tn_chunks(w->space.rows, w->space.width);
    const bool per_chunk = r->over != TN_OVER_ROWS && r->over != TN_OVER_SAMPLE;
    memset(w->bench->partial, 0,
           sizeof(double) * (size_t)(w->groups * r->sums * (per_chunk ? chunks : 1)));
    TN(tn_each_tile)(w->bench->backend, &w->space, add_tile, w);
    TN(tn_merge_sums)(r, w->reducing->self, chunks, w->groups, w->bench->partial);
}

static void finish(const step_work *w, const double *sums, int64_t groups,
                   int64_t members)
{
    double *acc[TN_MAX_OWN] = {0};
    tn_real *stat[TN_MAX_OWN] = {0};
    const tn_tile t = {.n = w->part->rows * w->part->width,
                       .width = w->part->width,
                       .rows_per_sample = 1,
                       .now = w->reducing->now,
                       .training = 1};
    for (int32_t q = 0; q < w->reduction->sums; q++)
        acc[q] = (double *)(uintptr_t)sums + q * groups;
    for (int32_t q = 0; q < w->reduction->stats; q++) stat[q] = w->bench->stat[q];
    w->reduction->finish(w->reducing->self, &t, groups, members,
                         (const double *const *)acc, stat);
}

static void reduce_part(step_work *w)
{
    if (!w->reduction || w->reduction->over == TN_OVER_ALL) return;
    sum_part(w);
    finish(w, w->bench->partial, w->groups, w->part->rows * w->part->width / w->groups);
}

/* Joins the sums of one more part. */
static void join(const tn_reduction *r, const void *self, bool first, double *total,
                 const double *sums)
{
    double *into[TN_MAX_OWN];
    const double *from[TN_MAX_OWN];
    for (int32_t q = 0; q < r->sums; q++) into[q] = total + q, from[q] = sums + q;
    if (first)
        memcpy(total, sums, sizeof(double) * (size_t)r->sums);
    else if (r->merge)
        r->merge(self, 1, into, from);
    else
        for (int32_t q = 0; q < r->sums; q++) total[q] += sums[q];
}

/* Over all parts, in their order. */
static void reduce_all(tn_bench *bench, const tn_instance *reducing, const tn_part *parts,
                       int32_t count)
{
    const tn_reduction *r = reduction_of(reducing);
    int64_t members = 0;
    if (!count || !r->sums || r->over != TN_OVER_ALL) return;
    for (int32_t i = 0; i < count; i++) {
        step_work w = make_work(bench, &parts[i], reducing);
        sum_part(&w);
        members += parts[i].rows * parts[i].width;
        join(r, reducing->self, i == 0, bench->total, bench->partial);
        if (i == count - 1) finish(&w, bench->total, 1, members);
    }
}

/* ---- what a pass does ---------------------------------------------------------------- */

static void transform_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                           int32_t worker)
{
    const step_work *w = data;
    const tn_gradient *gradient = w->regularize->vtable;
    frame f;
    fill_frame(&f, w, w->regularize, first, n);
    gradient->map(w->regularize->self, &f.tile, (const tn_real *)w->part->w + first,
                  (tn_real *)w->part->g + first);
}

static void regularize_tile(const step_work *w, int64_t first, int64_t n)
{
    const tn_regularizer *r = w->regularize->vtable;
    frame f;
    fill_frame(&f, w, w->regularize, first, n);
    if (r->gradient)
        r->gradient(w->regularize->self, &f.tile, (const tn_real *)w->part->w + first,
                    (tn_real *)w->part->g + first);
}

static void optimize_tile(const step_work *w, int64_t first, int64_t n)
{
    int32_t first_slot = 0;
    for (int32_t i = 0; i < w->length; i++) {
        const tn_optimizer *o = w->chain[i]->vtable;
        const tn_update u = update_of(w, i);
        tn_real *slot[TN_MAX_OWN];
        frame f;
        const int32_t slots = slots_of(w->chain[i]);
        fill_frame(&f, w, w->chain[i], first, n);
        slots_at(w->part, first_slot, slots, first, slot);
        if (o->update && i >= w->from)
            o->update(w->chain[i]->self, &f.tile, &u, (tn_real *)w->part->w + first,
                      (const tn_real *)w->part->g + first, slot);
        first_slot += slots;
    }
}

static void prox_tile(const step_work *w, int64_t first, int64_t n, int32_t worker)
{
    const tn_regularizer *r = w->prox->vtable;
    const tn_optimizer *o = w->prox_steps->vtable;
    const tn_update u = update_of(w, w->steps_by);
    tn_real *step = (tn_real *)w->bench->step_scratch + worker * w->bench->step_elements;
    tn_real *slot[TN_MAX_OWN];
    frame f;
    slots_at(w->part, w->steps_slot, slots_of(w->prox_steps), first, slot);
    fill_frame(&f, w, w->prox_steps, first, n);
    o->step_size(w->prox_steps->self, &f.tile, &u, slot, step);
    fill_frame(&f, w, w->prox, first, n);
    r->prox(w->prox->self, &f.tile, step, (tn_real *)w->part->w + first);
}

static void pass_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const step_work *w = data;
    if (w->regularize) regularize_tile(w, first, n);
    if (w->length) optimize_tile(w, first, n);
    if (w->prox) prox_tile(w, first, n, worker);
}

static void run_pass(step_work *w)
{
    TN(tn_each_tile)(w->bench->backend, &w->space, pass_tile, w);
}

static void transform(tn_bench *bench, const tn_instance *gradient, tn_part *parts,
                      int32_t count)
{
    reduce_all(bench, gradient, parts, count);
    for (int32_t i = 0; i < count; i++) {
        step_work w = make_work(bench, &parts[i], gradient);
        reduce_part(&w);
        w.regularize = gradient;
        TN(tn_each_tile)(bench->backend, &w.space, transform_tile, &w);
    }
}

/* ---- penalty ------------------------------------------------------------------------- */

static void penalty_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                         int32_t worker)
{
    const step_work *w = data;
    const tn_regularizer *r = w->regularize->vtable;
    frame f;
    fill_frame(&f, w, w->regularize, first, n);
    w->bench->penalty[chunk] += r->penalty(w->regularize->self, &f.tile,
                                           (const tn_real *)w->part->w + first);
}

static double penalty(tn_bench *bench, const tn_part *part)
{
    const tn_regularizer *r = part->regularizer->vtable;
    if (!r->penalty) return 0;
    step_work w = make_work(bench, part, part->regularizer);
    reduce_part(&w);
    w.regularize = part->regularizer;
    const int64_t chunks = tn_chunks(w.space.rows, w.space.width);
    memset(bench->penalty, 0, sizeof(double) * (size_t)chunks);
    TN(tn_each_tile)(bench->backend, &w.space, penalty_tile, &w);
    double sum = 0;
    for (int64_t i = 0; i < chunks; i++) sum += bench->penalty[i];
    return sum;
}

/* ---- the update ---------------------------------------------------------------------- */

/* One call of the update for one parameter. */
typedef struct update_plan {
    const tn_instance *const *chain;
    int32_t length;
    const double *rate;
    int64_t step;
    int32_t steps_by, steps_slot; /* first of the chain with a step size, or -1 */
} update_plan;

static void set_chain(step_work *w, const update_plan *plan)
{
    w->chain = plan->chain, w->rate = plan->rate, w->step = plan->step;
    w->steps_by = plan->steps_by, w->steps_slot = plan->steps_slot;
}

static void set_prox(step_work *w, const update_plan *plan,
                     const tn_instance *regularizer)
{
    w->prox = regularizer;
    w->prox_steps = plan->chain[plan->steps_by];
}

static const tn_instance *reducing_optimizer(const update_plan *plan)
{
    for (int32_t i = 0; i < plan->length; i++)
        if (reduction_of(plan->chain[i])->sums) return plan->chain[i];
    return NULL;
}

static bool is_whole(const tn_instance *optimizer)
{
    return ((const tn_optimizer *)optimizer->vtable)->update_whole;
}

static bool any_whole(const update_plan *plan)
{
    for (int32_t i = 0; i < plan->length; i++)
        if (is_whole(plan->chain[i])) return true;
    return false;
}

/* Number `which` of the chain, whose slots start at first_slot. */
static tn_status update_whole(const tn_bench *bench, const update_plan *plan,
                              int32_t which, int32_t first_slot, tn_part *part,
                              tn_error *e)
{
    const tn_instance *optimizer = plan->chain[which];
    const tn_optimizer *o = optimizer->vtable;
    const tn_update u = {plan->step, plan->rate[which], part->decays, 0};
    tn_tensor w = *part->value, g = *part->value, slot[TN_MAX_OWN], *slot_at[TN_MAX_OWN];
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, bench->env, optimizer, optimizer->real, e);
    calling.plan = (void *)(uintptr_t)bench->backend;
    g.data = part->g;
    for (int32_t k = 0; k < slots_of(optimizer); k++) {
        slot[k] = *part->value;
        slot[k].data = part->slot[first_slot + k];
        slot_at[k] = &slot[k];
    }
    return o->update_whole(optimizer->self, call, &u, &w, &g, slot_at);
}

/* One optimizer after another: a wrapper of a whole-tensor method sees what that has done. */
static tn_status update_in_turn(const tn_bench *bench, const update_plan *plan,
                                step_work *w, tn_part *part, tn_error *e)
{
    tn_status status = TN_OK;
    int32_t first_slot = 0;
    for (int32_t i = 0; !status && i < plan->length; i++) {
        w->from = i, w->length = i + 1;
        if (is_whole(plan->chain[i]))
            status = update_whole(bench, plan, i, first_slot, part, e);
        else
            run_pass(w);
        first_slot += slots_of(plan->chain[i]);
    }
    return status;
}

/* The penalty's gradient, as a pass of its own. */
static void add_penalty_gradient(tn_bench *bench, const tn_part *part)
{
    step_work w = make_work(bench, part, part->regularizer);
    reduce_part(&w);
    w.regularize = part->regularizer;
    run_pass(&w);
}

static void prox_apart(tn_bench *bench, const update_plan *plan, const tn_part *part)
{
    step_work w = make_work(bench, part, part->regularizer);
    reduce_part(&w);
    set_chain(&w, plan);
    set_prox(&w, plan, part->regularizer);
    run_pass(&w);
}

/* A prox that must wait until all weights are updated: for its own sums (whose statistics would
 * replace an optimizer's), or for a whole-tensor method. */
static bool waits(const update_plan *plan, const tn_instance *regularizer)
{
    return reduction_of(regularizer)->sums || any_whole(plan);
}

static tn_status update_part(tn_bench *bench, const update_plan *plan, tn_part *part,
                             bool penalty_added, tn_error *e)
{
    const tn_instance *r = part->regularizer, *reducing = reducing_optimizer(plan);
    const bool by_prox = r && proximal(r), apart = r && reduction_of(r)->sums;
    if (r && !by_prox && apart && !penalty_added) {
        add_penalty_gradient(bench, part);
        penalty_added = true;
    }
    step_work w = make_work(bench, part, reducing);
    set_chain(&w, plan);
    reduce_part(&w);
    if (any_whole(plan)) return update_in_turn(bench, plan, &w, part, e);
    w.length = plan->length;
    if (r && !by_prox && !penalty_added) w.regularize = r;
    if (by_prox && !waits(plan, r)) set_prox(&w, plan, r);
    run_pass(&w);
    return TN_OK;
}

static update_plan make_plan(const tn_instance *const *chain, int32_t length,
                             const double *rate, int64_t step)
{
    update_plan plan = {chain, length, rate, step, -1, 0};
    int32_t first_slot = 0;
    for (int32_t i = 0; i < length && plan.steps_by < 0; i++) {
        if (((const tn_optimizer *)chain[i]->vtable)->step_size)
            plan.steps_by = i, plan.steps_slot = first_slot;
        first_slot += slots_of(chain[i]);
    }
    return plan;
}

static tn_status update(tn_bench *bench, const tn_instance *const *chain, int32_t length,
                        const double *rate, int64_t step, tn_part *parts, int32_t count,
                        tn_error *e)
{
    const update_plan plan = make_plan(chain, length, rate, step);
    const tn_instance *reducing = reducing_optimizer(&plan);
    /* A sum over gradients, or a whole-tensor method, wants the penalty's gradient in first. */
    const bool first = reducing || any_whole(&plan);
    for (int32_t i = 0; first && i < count; i++)
        if (parts[i].regularizer && !proximal(parts[i].regularizer))
            add_penalty_gradient(bench, &parts[i]);
    if (reducing) reduce_all(bench, reducing, parts, count);
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < count; i++)
        status = update_part(bench, &plan, &parts[i], first, e);
    for (int32_t i = 0; !status && i < count; i++)
        if (parts[i].regularizer && proximal(parts[i].regularizer) &&
            waits(&plan, parts[i].regularizer))
            prox_apart(bench, &plan, &parts[i]);
    return status;
}

/* ---- between passes, and views ------------------------------------------------------- */

static void between_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                         int32_t worker)
{
    const step_work *w = data;
    int32_t first_slot = 0;
    for (int32_t i = 0; i < w->length; i++) {
        const tn_optimizer *o = w->chain[i]->vtable;
        const tn_update u = update_of(w, i);
        const int32_t slots = slots_of(w->chain[i]);
        tn_real *slot[TN_MAX_OWN];
        frame f;
        fill_frame(&f, w, w->chain[i], first, n);
        slots_at(w->part, first_slot, slots, first, slot);
        if (o->between)
            o->between(w->chain[i]->self, &f.tile, &u, (tn_real *)w->part->w + first,
                       (const tn_real *)w->part->g + first, slot);
        first_slot += slots;
    }
}

static void between(tn_bench *bench, const tn_instance *const *chain, int32_t length,
                    const double *rate, int64_t step, int32_t pass, tn_part *parts,
                    int32_t count)
{
    const update_plan plan = make_plan(chain, length, rate, step);
    const tn_instance *reducing = reducing_optimizer(&plan);
    if (reducing) reduce_all(bench, reducing, parts, count);
    for (int32_t i = 0; i < count; i++) {
        step_work w = make_work(bench, &parts[i], reducing);
        set_chain(&w, &plan);
        reduce_part(&w);
        w.length = length, w.pass = pass;
        TN(tn_each_tile)(bench->backend, &w.space, between_tile, &w);
    }
}

static void view_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const step_work *w = data;
    const tn_optimizer *o = w->chain[0]->vtable;
    tn_real *slot[TN_MAX_OWN];
    frame f;
    fill_frame(&f, w, w->chain[0], first, n);
    slots_at(w->part, w->steps_slot, slots_of(w->chain[0]), first, slot);
    o->view(w->chain[0]->self, &f.tile, (const tn_real *)w->part->w + first, slot,
            w->out + first);
}

static void view(tn_bench *bench, const tn_instance *optimizer, int32_t first_slot,
                 const tn_part *part, void *out)
{
    step_work w = make_work(bench, part, NULL);
    w.chain = &optimizer, w.steps_slot = first_slot, w.out = out;
    TN(tn_each_tile)(bench->backend, &w.space, view_tile, &w);
}

const tn_step_table TN(tn_step_table) = {
    .facts = facts,
    .reduction = describe_reduction,
    .proximal = proximal,
    .penalty = penalty,
    .transform = transform,
    .update = update,
    .between = between,
    .view = view,
};
