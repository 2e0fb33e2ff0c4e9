/* step_apart.c - what is done to parameters beside the update itself: transforms of gradients,
 * penalties, views. */
#include "core/real/step_part.h"

#include <string.h>

/* ---- gradient transforms ------------------------------------------------------------- */

void TN(tn_map_all)(tn_bench *bench, const tn_chain *chain, tn_part *parts, int32_t count,
                    int32_t from, int32_t to)
{
    if (from == to) return;
    for (int32_t i = 0; i < count; i++) {
        const tn_on_part on = TN(tn_on_part_of)(bench, &parts[i], chain, NULL);
        parts[i].stages = 0;
        TN(tn_add_maps)(&on, from, to);
    }
    TN(tn_run_all)(bench, parts, count);
}

/* Number `number` alone, on a part whose statistics the bench holds. */
static void transform_part(tn_on_part on, int32_t number)
{
    on.part->stages = 0;
    TN(tn_add_maps)(&on, number, number + 1);
    TN(tn_run_part)(&on);
}

/* One whose sums are of each parameter. */
static void transform_each(tn_bench *bench, const tn_chain *chain, tn_part *parts,
                           int32_t count, int32_t number)
{
    for (int32_t i = 0; i < count; i++) {
        const tn_on_part on = TN(tn_on_part_of)(bench, &parts[i], chain,
                                                bench->transform[number].gradient);
        TN(tn_reduce_part)(&on);
        transform_part(on, number);
    }
}

/* One whose sums are of each layer. */
static void transform_layers(tn_bench *bench, const tn_chain *chain, tn_part *parts,
                             int32_t count, int32_t number)
{
    const tn_instance *gradient = bench->transform[number].gradient;
    TN(tn_sum_parts)(bench, gradient, chain, parts, count);
    for (int32_t from = 0, to = 0; from < count; from = to) {
        while (to < count && parts[to].layer == parts[from].layer) to++;
        TN(tn_join_parts)(bench, gradient, chain, parts, from, to);
        for (int32_t i = from; i < to; i++)
            transform_part(TN(tn_on_part_of)(bench, &parts[i], chain, gradient), number);
    }
}

/* ---- gradients of penalties ------------------------------------------------------------ */

static bool adds(const tn_instance *regularizer)
{
    return !TN(tn_is_proximal)(regularizer) || TN(tn_is_beside)(regularizer);
}

static bool adds_whole(const tn_instance *regularizer)
{
    return tn_regularizer_of(regularizer)->gradient_whole && adds(regularizer);
}

bool TN(tn_any_adds_whole)(const tn_part *part)
{
    for (const tn_instance *r = part->regularizer; r; r = r->next)
        if (adds_whole(r)) return true;
    return false;
}

void TN(tn_add_penalties)(const tn_on_part *on)
{
    for (const tn_instance *r = on->part->regularizer; r; r = r->next)
        if (tn_regularizer_of(r)->gradient && adds(r)) TN(tn_add_penalty)(on, r);
}

tn_status TN(tn_add_whole_penalties)(const tn_on_part *on, tn_error *e)
{
    tn_status status = TN_OK;
    for (const tn_instance *r = on->part->regularizer; !status && r; r = r->next)
        if (adds_whole(r)) status = TN(tn_penalize_whole)(on, r, e);
    return status;
}

tn_status TN(tn_penalize_all)(tn_bench *bench, const tn_chain *chain, tn_part *parts,
                              int32_t count, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; i < count; i++) {
        const tn_on_part on = TN(tn_on_part_of)(bench, &parts[i], chain, NULL);
        parts[i].stages = 0;
        TN(tn_add_penalties)(&on);
    }
    TN(tn_run_all)(bench, parts, count);
    for (int32_t i = 0; !status && i < count; i++) {
        const tn_on_part on = TN(tn_on_part_of)(bench, &parts[i], chain, NULL);
        status = TN(tn_add_whole_penalties)(&on, e);
    }
    return status;
}

/* ---- all transforms, in order ---------------------------------------------------------- */

tn_status TN(tn_transform_all)(tn_bench *bench, const tn_chain *chain, tn_part *parts,
                               int32_t count, int32_t *left, bool *penalized, tn_error *e)
{
    int32_t from = 0;
    for (int32_t i = 0; i < bench->transforms; i++) {
        const tn_mapping *transform = &bench->transform[i];
        const tn_reduction *r = TN(tn_reduction_of)(transform->gradient);
        if (transform->penalized && !*penalized) {
            TN(tn_map_all)(bench, chain, parts, count, from, i);
            const tn_status status = TN(tn_penalize_all)(bench, chain, parts, count, e);
            if (status) return status;
            from = i, *penalized = true;
        }
        if (!r->sums) continue;
        TN(tn_map_all)(bench, chain, parts, count, from, i);
        from = i;
        if (r->over == TN_OVER_LAYER) {
            transform_layers(bench, chain, parts, count, from++);
            continue;
        }
        if (r->over != TN_OVER_ALL) {
            transform_each(bench, chain, parts, count, from++);
            continue;
        }
        TN(tn_reduce_all)(bench, transform->gradient, chain, parts, count);
        for (int32_t q = 0; q < r->stats; q++)
            *(tn_real *)transform->stat[q] = *(const tn_real *)bench->stat[q];
    }
    *left = from;
    return TN_OK;
}

/* ---- penalties ----------------------------------------------------------------------- */

typedef struct measure {
    tn_on_part on;
    const tn_instance *regularizer;
} measure;

static void penalty_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                         int32_t worker)
{
    const measure *m = data;
    const tn_regularizer *r = m->regularizer->vtable;
    tn_step_frame f;
    TN(tn_step_frame_fill)(&f, &m->on, m->regularizer, TN_DRAWS_REGULARIZER, first, n);
    m->on.bench->penalty[chunk] += r->penalty(m->regularizer->self, &f.tile,
                                              (const tn_real *)m->on.part->w + first);
}

static double penalty_of(measure *m)
{
    const tn_regularizer *r = m->regularizer->vtable;
    const tn_bench *bench = m->on.bench;
    const int64_t chunks = tn_space_chunks(&m->on.space);
    double sum = 0;
    if (r->penalty_whole) return TN(tn_penalty_whole)(&m->on, m->regularizer);
    if (!r->penalty) return 0;
    memset(bench->penalty, 0, sizeof(double) * (size_t)chunks);
    TN(tn_each_tile)(bench->backend, &m->on.space, penalty_tile, m);
    for (int64_t i = 0; i < chunks; i++) sum += bench->penalty[i];
    return sum;
}

double TN(tn_step_penalty)(tn_bench *bench, tn_part *part)
{
    measure m = {.on = TN(tn_on_part_of)(bench, part, NULL, NULL)};
    double sum = 0;
    for (m.regularizer = part->regularizer; m.regularizer;
         m.regularizer = m.regularizer->next)
        sum += penalty_of(&m);
    return sum;
}

/* ---- views --------------------------------------------------------------------------- */

typedef struct view_work {
    tn_on_part on;
    const tn_instance *optimizer;
    int32_t first_slot;
    const tn_real *iterate; /* whose zeros the view has; NULL: a prox makes none */
    tn_real *out;
} view_work;

static void view_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const view_work *w = data;
    const tn_optimizer *o = w->optimizer->vtable;
    const tn_part *part = w->on.part;
    tn_real *slot[TN_MAX_OWN] = {0};
    tn_step_frame f;
    TN(tn_step_frame_fill)(&f, &w->on, w->optimizer, TN_DRAWS_OPTIMIZER, first, n);
    TN(tn_slots_at)(part, w->first_slot, TN(tn_slots_of)(w->optimizer), first, slot);
    o->view(w->optimizer->self, &f.tile, (const tn_real *)part->w + first, slot,
            w->out + first);
    for (int64_t i = first; w->iterate && i < first + n; i++)
        if (w->iterate[i] == 0) w->out[i] = 0;
}

static const tn_real *iterate_of(const tn_chain *chain, const tn_part *part)
{
    for (int32_t i = 0; i < chain->length; i++) {
        const tn_optimizer *o = chain->at[i]->vtable;
        if (o->iterate) return part->slot[chain->first_slot[i] + o->iterate - 1];
    }
    return part->w;
}

/* An average of weights that fulfil a constraint need not do so itself. */
static tn_status constrain(const tn_on_part *on, const tn_instance *regularizer)
{
    static const tn_chain equal_steps = {0};
    on->part->stages = 0;
    if (tn_regularizer_of(regularizer)->prox_whole)
        return TN(tn_prox_whole)(on, &equal_steps, regularizer, NULL);
    TN(tn_add_prox)(on, &equal_steps, regularizer);
    TN(tn_run_part)(on);
    return TN_OK;
}

/* NAN throughout: a constraint failed. */
void TN(tn_step_view)(tn_bench *bench, const tn_chain *chain, int32_t which,
                      const tn_part *part, void *out)
{
    tn_part shown = *part;
    view_work w = {TN(tn_on_part_of)(bench, &shown, NULL, NULL), chain->at[which],
                   chain->first_slot[which],
                   part->sparse ? iterate_of(chain, part) : NULL, out};
    TN(tn_each_tile)(bench->backend, &w.on.space, view_tile, &w);
    tn_status status = TN_OK;
    shown.w = shown.g = out; /* nobody reads g */
    for (const tn_instance *r = part->regularizer; !status && r; r = r->next)
        if (tn_regularizer_of(r)->constraint) status = constrain(&w.on, r);
    for (int64_t i = 0; status && i < part->rows * part->width; i++) w.out[i] = NAN;
}
