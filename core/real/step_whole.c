/* step_whole.c - regularizers that see a whole weight: rows that must keep a length,
 * products of a weight with itself. They use all threads by themselves. */
#include "core/real/step_part.h"

/* A call of one of them, and the tensors it is given. */
typedef struct whole {
    tn_calling calling;
    tn_call *call;
    tn_tensor w, g, step;
    const tn_regularizer *r;
} whole;

static void begin(whole *s, const tn_on_part *on, const tn_instance *regularizer,
                  tn_error *e)
{
    const tn_part *part = on->part;
    const tn_shape row = {.rank = 2, .dim = {1, part->width}};
    const tn_shape shape = part->shape->rank > 1 ? *part->shape : row;
    const int32_t real = regularizer->real;
    s->call = tn_call_make(&s->calling, on->bench->env, regularizer, real, e);
    s->calling.plan = (void *)(uintptr_t)on->bench->backend;
    s->w = tn_tensor_over(&shape, -1, real, part->w);
    s->g = tn_tensor_over(&shape, -1, real, part->g);
    s->step = tn_tensor_over(&shape, -1, real, on->bench->step);
    s->r = regularizer->vtable;
}

double TN(tn_penalty_whole)(const tn_on_part *on, const tn_instance *regularizer)
{
    whole s;
    double penalty = NAN;
    begin(&s, on, regularizer, NULL);
    if (s.r->penalty_whole(regularizer->self, s.call, &s.w, on->bench->scratch, &penalty))
        return NAN;
    return penalty;
}

tn_status TN(tn_penalize_whole)(const tn_on_part *on, const tn_instance *regularizer,
                                tn_error *e)
{
    whole s;
    begin(&s, on, regularizer, e);
    return tn_call_end(&s.calling, s.r->gradient_whole(regularizer->self, s.call, &s.w,
                                                       &s.g, on->bench->scratch));
}

static void set_steps(const tn_on_part *on, const tn_chain *chain)
{
    tn_part *part = on->part;
    tn_real *step = on->bench->step;
    if (TN(tn_sizing)(chain) < 0) {
        for (int64_t i = 0; i < part->rows * part->width; i++) step[i] = 1;
        return;
    }
    part->stages = 0;
    TN(tn_add_steps)(on, chain);
    TN(tn_run_part)(on);
    part->stages = 0;
}

tn_status TN(tn_prox_whole)(const tn_on_part *on, const tn_chain *chain,
                            const tn_instance *regularizer, tn_error *e)
{
    whole s;
    set_steps(on, chain);
    begin(&s, on, regularizer, e);
    return tn_call_end(&s.calling, s.r->prox_whole(regularizer->self, s.call, &s.step,
                                                   &s.w, on->bench->scratch));
}
