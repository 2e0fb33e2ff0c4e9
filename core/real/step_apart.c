/* step_apart.c - what is done to parameters beside the update itself: transforms of gradients,
 * penalties, views. */
#include "core/real/step_part.h"

#include <string.h>

/* ---- gradient transforms ------------------------------------------------------------- */

typedef struct transform_work {
    tn_on_part on;
    const tn_instance *gradient;
    int32_t number;
} transform_work;

static void transform_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                           int32_t worker)
{
    const transform_work *w = data;
    const tn_gradient *gradient = w->gradient->vtable;
    const tn_part *part = w->on.part;
    tn_step_frame f;
    TN(tn_step_frame_fill)
    (&f, &w->on, w->gradient, (uint64_t)(TN_DRAWS_GRADIENT + w->number), first, n);
    gradient->map(w->gradient->self, &f.tile, (const tn_real *)part->w + first,
                  (tn_real *)part->g + first);
}

void TN(tn_step_transform)(tn_bench *bench, const tn_instance *gradient, int32_t number,
                           int64_t step, tn_part *parts, int32_t count)
{
    TN(tn_reduce_all)(bench, gradient, step, parts, count);
    for (int32_t i = 0; i < count; i++) {
        transform_work w = {TN(tn_on_part_of)(bench, &parts[i], step, gradient), gradient,
                            number};
        TN(tn_reduce_part)(&w.on);
        TN(tn_each_tile)(bench->backend, &w.on.space, transform_tile, &w);
    }
}

/* ---- penalties ----------------------------------------------------------------------- */

static void penalty_tile(void *data, int64_t first, int64_t n, int64_t chunk,
                         int32_t worker)
{
    const tn_on_part *on = data;
    const tn_instance *regularizer = on->part->regularizer;
    const tn_regularizer *r = regularizer->vtable;
    tn_step_frame f;
    TN(tn_step_frame_fill)(&f, on, regularizer, TN_DRAWS_REGULARIZER, first, n);
    on->bench->penalty[chunk] += r->penalty(regularizer->self, &f.tile,
                                            (const tn_real *)on->part->w + first);
}

double TN(tn_step_penalty)(tn_bench *bench, const tn_part *part)
{
    const tn_regularizer *r = part->regularizer->vtable;
    if (!r->penalty) return 0;
    tn_on_part on = TN(tn_on_part_of)(bench, part, 0, part->regularizer);
    const int64_t chunks = tn_space_chunks(&on.space);
    TN(tn_reduce_part)(&on);
    memset(bench->penalty, 0, sizeof(double) * (size_t)chunks);
    TN(tn_each_tile)(bench->backend, &on.space, penalty_tile, &on);
    double sum = 0;
    for (int64_t i = 0; i < chunks; i++) sum += bench->penalty[i];
    return sum;
}

/* ---- views --------------------------------------------------------------------------- */

typedef struct view_work {
    tn_on_part on;
    const tn_instance *optimizer;
    int32_t first_slot;
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
}

void TN(tn_step_view)(tn_bench *bench, const tn_instance *optimizer, int32_t first_slot,
                      const tn_part *part, void *out)
{
    view_work w = {TN(tn_on_part_of)(bench, part, 0, NULL), optimizer, first_slot, out};
    TN(tn_each_tile)(bench->backend, &w.on.space, view_tile, &w);
}
