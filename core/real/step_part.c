/* step_part.c - see step_part.h: tiles of a parameter, and sums over one or over all. */
#include "core/real/step_part.h"

#include <string.h>

const tn_reduction *TN(tn_reduction_of)(const tn_instance *instance)
{
    static const tn_reduction none;
    const char *kind = instance->entry->kind;
    if (!strcmp(kind, "optimizer"))
        return &((const tn_optimizer *)instance->vtable)->reduce;
    if (!strcmp(kind, "gradient")) {
        const tn_gradient *g = instance->vtable;
        return g->choose ? g->choose(instance->self) : &g->reduce;
    }
    return &none;
}

bool TN(tn_is_proximal)(const tn_instance *regularizer)
{
    const tn_regularizer *r = regularizer->vtable;
    return (r->prox || r->prox_whole) && (!r->proximal || r->proximal(regularizer->self));
}

bool TN(tn_is_beside)(const tn_instance *regularizer)
{
    const tn_regularizer *r = regularizer->vtable;
    return r->proximal && r->proximal(regularizer->self) == TN_PROX_TOO;
}

int32_t TN(tn_slots_of)(const tn_instance *optimizer)
{
    const tn_optimizer *o = optimizer->vtable;
    return o->slots ? o->slots(optimizer->self) : 0;
}

/* ---- tiles --------------------------------------------------------------------------- */

tn_on_part TN(tn_on_part_of)(const tn_bench *bench, tn_part *part, const tn_chain *chain,
                             const tn_instance *reducing)
{
    tn_on_part on = {.bench = bench, .part = part, .chain = chain};
    if (reducing && TN(tn_reduction_of)(reducing)->sums) {
        on.reducing = reducing;
        on.reduction = TN(tn_reduction_of)(reducing);
        on.groups = tn_groups(on.reduction->over, part->rows, part->width, 1);
    }
    on.space = tn_space_of(on.reduction ? on.reduction->over : 0, part->rows, part->width,
                           1, false);
    return on;
}

/* The place of an optimizer in its chain. */
static int32_t place_of(const tn_chain *c, const tn_instance *optimizer)
{
    int32_t which = 0;
    while (c->at[which] != optimizer) which++;
    return which;
}

/* Whether the sums over a part are those of an optimizer. */
static bool sums_of_chain(const tn_on_part *on)
{
    return on->chain && !strcmp(on->reducing->entry->kind, "optimizer");
}

static const double *dials_of_sums(const tn_on_part *on)
{
    if (!on->part->now || !sums_of_chain(on)) return on->reducing->now;
    return tn_dials_of(on->chain, place_of(on->chain, on->reducing), on->part);
}

void TN(tn_step_frame_fill)(tn_step_frame *f, const tn_on_part *on,
                            const tn_instance *instance, uint64_t draws, int64_t first,
                            int64_t n)
{
    const tn_part *p = on->part;
    memset(f->stat, 0, sizeof f->stat);
    f->tile = (tn_tile){.n = n,
                        .width = p->width,
                        .row = first / p->width,
                        .col = first % p->width,
                        .rows_per_sample = 1,
                        .shape = p->shape,
                        .stat = f->stat,
                        .now = instance->now,
                        .step = (int64_t)tn_step_of(on),
                        .key = tn_key_derive(p->key, tn_step_of(on), draws),
                        .training = 1};
    if (on->reducing != instance) return;
    const int64_t at = on->reduction->over == TN_OVER_COLUMNS
                           ? first % p->width
                           : tn_group_of(on->reduction->over, &on->space, first);
    for (int32_t q = 0; q < on->reduction->stats; q++)
        f->stat[q] = (const tn_real *)on->bench->stat[q] + at;
}

void TN(tn_slots_at)(const tn_part *p, int32_t first_slot, int32_t count, int64_t first,
                     tn_real **slot)
{
    for (int32_t i = 0; i < count; i++)
        slot[i] = (tn_real *)p->slot[first_slot + i] + first;
}

/* ---- reductions ---------------------------------------------------------------------- */

/* Those of an optimizer over its slots. */
static void add_slots(const tn_on_part *on, const tn_step_frame *f, int64_t first,
                      double *const *acc)
{
    const tn_part *p = on->part;
    const tn_chain *c = on->chain;
    const tn_optimizer *o = on->reducing->vtable;
    tn_real *slot[TN_MAX_OWN] = {0};
    const int32_t which = place_of(c, on->reducing);
    const tn_update u = tn_update_of(c, which, p, 0);
    TN(tn_slots_at)
    (p, c->first_slot[which], TN(tn_slots_of)(on->reducing), first, slot);
    o->sum(on->reducing->self, &f->tile, &u, (const tn_real *)p->w + first,
           (const tn_real *)p->g + first, slot, acc);
}

static void add_tile(void *data, int64_t first, int64_t n, double *const *acc)
{
    const tn_on_part *on = data;
    const tn_real *g = on->part->g;
    tn_step_frame f;
    TN(tn_step_frame_fill)(&f, on, on->reducing, 0, first, n);
    f.tile.now = dials_of_sums(on);
    if (!on->reduction->add) {
        add_slots(on, &f, first, acc);
        return;
    }
    on->reduction->add(on->reducing->self, &f.tile, (const tn_real *)on->part->w + first,
                       g ? g + first : NULL, acc);
}

/* Sums over one part, into bench->partial. */
static void sum_part(const tn_on_part *on)
{
    const tn_summing summing = {.reduction = on->reduction,
                                .self = on->reducing->self,
                                .space = &on->space,
                                .groups = on->groups,
                                .partial = on->bench->partial,
                                .add = add_tile,
                                .data = (void *)(uintptr_t)on};
    TN(tn_sum_tiles)(on->bench->backend, &summing);
}

/* `now`: what the dials of whose sums they are say. */
static void finish(const tn_on_part *on, const double *now, double *sums, int64_t groups,
                   int64_t members)
{
    double *acc[TN_MAX_OWN] = {0};
    tn_real *stat[TN_MAX_OWN] = {0};
    const tn_tile t = {.n = on->part->rows * on->part->width,
                       .width = on->part->width,
                       .rows_per_sample = 1,
                       .shape = on->part->shape,
                       .now = now,
                       .step = (int64_t)tn_step_of(on),
                       .training = 1};
    for (int32_t q = 0; q < on->reduction->sums; q++) acc[q] = sums + q * groups;
    for (int32_t q = 0; q < on->reduction->stats; q++) stat[q] = on->bench->stat[q];
    on->reduction->finish(on->reducing->self, &t, groups, members,
                          (const double *const *)acc, stat);
}

void TN(tn_reduce_part)(const tn_on_part *on)
{
    if (!on->reduction || tn_over_several(on->reduction->over)) return;
    sum_part(on);
    finish(on, dials_of_sums(on), on->bench->partial, on->groups,
           on->part->rows * on->part->width / on->groups);
}

/* ---- sums over all ------------------------------------------------------------------- */

typedef struct summing_all {
    const tn_bench *bench;
    const tn_instance *reducing;
    const tn_reduction *reduction;
    tn_part *parts;
    const tn_chain *chain;
} summing_all;

/* Whether the product that made the gradient has taken the sums already. */
static bool is_summed(const summing_all *all, const tn_part *part)
{
    return TN(tn_blocks_known)(part) &&
           all->reducing == all->bench->transform[0].gradient;
}

/* Those of a stretch lie at its place. */
static void sum_stretches(void *data, int64_t task, int32_t worker)
{
    const summing_all *all = data;
    const tn_bench *b = all->bench;
    const int32_t sums = all->reduction->sums;
    for (int32_t i = b->task[task]; i < b->task[task + 1]; i++) {
        const tn_part_stretch *s = &b->stretch[i];
        tn_part *part = &all->parts[s->part];
        if (is_summed(all, part)) continue;
        const tn_on_part on = TN(tn_on_part_of)(b, part, all->chain, all->reducing);
        double *acc[TN_MAX_OWN];
        for (int32_t q = 0; q < sums; q++)
            *(acc[q] = b->partial + (int64_t)s->place * sums + q) = 0;
        add_tile((void *)(uintptr_t)&on, s->first, s->n, acc);
    }
}

void TN(tn_add_sums)(const tn_instance *reducing, double *into, const double *from)
{
    const tn_reduction *r = TN(tn_reduction_of)(reducing);
    double *to[TN_MAX_OWN];
    const double *more[TN_MAX_OWN];
    for (int32_t q = 0; q < r->sums; q++) to[q] = into + q, more[q] = from + q;
    if (r->merge)
        r->merge(reducing->self, 1, to, more);
    else
        for (int32_t q = 0; q < r->sums; q++) into[q] += from[q];
}

/* Those of a part, at its first place: from its blocks, or in a tree over its stretches. */
static double *sums_of_part(const summing_all *all, tn_part *part)
{
    const int32_t sums = all->reduction->sums, n = part->stretches;
    double *at = all->bench->partial + (int64_t)part->place * sums;
    if (is_summed(all, part)) {
        TN(tn_blocks_sum)(all->bench, part, at);
        return at;
    }
    for (int32_t step = 1; step < n; step *= 2)
        for (int32_t i = 0; i + step < n; i += 2 * step) TN(tn_add_sums)
    (all->reducing, at + (int64_t)i * sums, at + (int64_t)(i + step) * sums);
    return at;
}

void TN(tn_sum_parts)(const tn_bench *bench, const tn_instance *reducing,
                      const tn_chain *chain, tn_part *parts, int32_t count)
{
    summing_all all = {bench, reducing, TN(tn_reduction_of)(reducing), parts, chain};
    int64_t elements = 0;
    for (int32_t i = 0; i < count; i++)
        if (!is_summed(&all, &parts[i])) elements += parts[i].rows * parts[i].width;
    TN(tn_each_task)(bench, elements, sum_stretches, &all);
}

void TN(tn_join_parts)(const tn_bench *bench, const tn_instance *reducing,
                       const tn_chain *chain, tn_part *parts, int32_t from, int32_t to)
{
    const summing_all all = {bench, reducing, TN(tn_reduction_of)(reducing), parts,
                             chain};
    int64_t members = 0;
    for (int32_t i = from; i < to; i++) {
        const double *sums = sums_of_part(&all, &parts[i]);
        members += parts[i].rows * parts[i].width;
        if (i > from)
            TN(tn_add_sums)(reducing, bench->total, sums);
        else
            memcpy(bench->total, sums, sizeof *sums * (size_t)all.reduction->sums);
    }
    const tn_on_part on = TN(tn_on_part_of)(bench, &parts[to - 1], chain, reducing);
    finish(&on, reducing->now, bench->total, 1, members);
}

void TN(tn_reduce_all)(const tn_bench *bench, const tn_instance *reducing,
                       const tn_chain *chain, tn_part *parts, int32_t count)
{
    const tn_reduction *r = TN(tn_reduction_of)(reducing);
    if (!count || !r->sums || r->over != TN_OVER_ALL) return;
    TN(tn_sum_parts)(bench, reducing, chain, parts, count);
    TN(tn_join_parts)(bench, reducing, chain, parts, 0, count);
}
