/* trainer_look.c - what observers want to see of a step: gradients, weights before the update, outputs
 * of layers. There is room for what any of them wants; it is filled in the steps after which one that
 * wants it is called, and in no others.
 *
 * Gradients are copied before transforms change them, and stored in such a step even where they could
 * go into the weights as they are made. Outputs come from a plan that keeps them all: the same
 * forward pass once more, with the same random numbers. */
#include <string.h>

#include "core/real/unit.h"
#include "core/trainer.h"

bool tn_trainer_is_due(const tn_observer *o, const void *self, int64_t step)
{
    const int64_t every = o->interval ? o->interval(self) : o->every;
    return o->step && every > 0 && step % every == 0;
}

static int32_t wants_of(const tn_instance *observer)
{
    const tn_observer *o = observer->vtable;
    return o->step && o->wants ? o->wants(observer->self) : 0;
}

int32_t tn_trainer_wants(const tn_trainer *t)
{
    int32_t all = 0;
    for (int32_t i = 0; i < t->observers; i++) all |= wants_of(t->observer[i]);
    return all;
}

/* ---- making -------------------------------------------------------------------------- */

/* Of parameters that are trained: a frozen one has no gradient, and no update. */
static tn_status copy_new(tn_trainer *t, int32_t want, int32_t first, tn_error *e)
{
    const tn_graph *g = t->model->graph;
    for (int32_t i = 0; (t->look.wants & want) && i < g->params; i++) {
        tn_tensor *copy = &t->look.copy[first + i];
        if (g->param[i].rule.frozen) continue;
        *copy = g->param[i].value;
        copy->data = tn_memory_array(&t->env->memory, (size_t)tn_count(copy),
                                     tn_dtype_size(copy->dtype), e);
        if (!copy->data) return TN_ENOMEM;
    }
    return TN_OK;
}

static tn_status params_new(tn_trainer *t, tn_error *e)
{
    const tn_graph *g = t->model->graph;
    tn_memory *m = &t->env->memory;
    tn_look *l = &t->look;
    l->copy = tn_memory_array(m, 2 * (size_t)g->params, sizeof *l->copy, e);
    l->param = tn_memory_array(m, (size_t)g->params, sizeof *l->param, e);
    if (!l->copy || !l->param) return TN_ENOMEM;
    for (int32_t i = 0; i < g->params; i++)
        l->param[i] = (tn_seen_param){.name = g->param[i].name,
                                      .role = g->param[i].spec.role,
                                      .value = &g->param[i].value};
    const tn_status status = copy_new(t, TN_WANTS_GRADIENTS, 0, e);
    return status ? status : copy_new(t, TN_WANTS_BEFORE, g->params, e);
}

static tn_seen_output output_of(const tn_graph_node *n, const tn_tensor *value,
                                int32_t real)
{
    const tn_instance *layer = n->layer;
    const tn_layer_facts facts = tn_real_ops_of(real)->facts(layer->vtable);
    tn_seen_output seen = {.name = n->name, .layer = layer->entry->name, .value = value};
    if (facts.range) facts.range(layer->self, &seen.low, &seen.high);
    return seen;
}

static tn_status outputs_new(tn_trainer *t, tn_error *e)
{
    const tn_graph *g = t->model->graph;
    tn_memory *m = &t->env->memory;
    tn_look *l = &t->look;
    const tn_plan_options options = {
        .samples = t->plan_samples, .training = true, .keeps = true};
    if (!(l->wants & TN_WANTS_OUTPUTS)) return TN_OK;
    l->value = tn_memory_array(m, (size_t)g->nodes, sizeof *l->value, e);
    l->output = tn_memory_array(m, (size_t)g->nodes, sizeof *l->output, e);
    if (!l->value || !l->output) return TN_ENOMEM;
    for (int32_t i = g->inputs; i < g->nodes; i++)
        l->output[i - g->inputs] = output_of(&g->node[i], &l->value[i], g->real);
    return tn_plan_make(t->model->graph, &options, &l->plan, e);
}

tn_status tn_trainer_look_new(tn_trainer *t, tn_error *e)
{
    t->look.wants = tn_trainer_wants(t);
    const tn_status status = params_new(t, e);
    return status ? status : outputs_new(t, e);
}

void tn_trainer_look_free(tn_trainer *t)
{
    tn_memory *m = &t->env->memory;
    tn_look *l = &t->look;
    for (int32_t i = 0; l->copy && i < 2 * t->model->graph->params; i++)
        tn_memory_put(m, l->copy[i].data);
    tn_memory_put(m, l->copy);
    tn_memory_put(m, l->param);
    tn_memory_put(m, l->value);
    tn_memory_put(m, l->output);
    tn_plan_free(l->plan);
}

/* ---- a step --------------------------------------------------------------------------- */

static void copy_all(tn_trainer *t, tn_tensor *copy, bool gradients)
{
    for (int32_t i = 0; i < t->model->graph->params; i++) {
        if (!copy[i].data) continue;
        const tn_tensor from = gradients ? tn_plan_gradient(t->plan, i)
                                         : t->model->graph->param[i].value;
        memcpy(copy[i].data, from.data,
               (size_t)tn_count(&from) * tn_dtype_size(from.dtype));
    }
}

void tn_trainer_look_begin(tn_trainer *t, int64_t step)
{
    t->look.now = 0;
    for (int32_t i = 0; t->look.wants && i < t->observers; i++) {
        const tn_instance *o = t->observer[i];
        if (tn_trainer_is_due(o->vtable, o->self, step)) t->look.now |= wants_of(o);
    }
    if (t->look.now & TN_WANTS_BEFORE)
        copy_all(t, t->look.copy + t->model->graph->params, false);
}

void tn_trainer_look_gradients(tn_trainer *t)
{
    if (t->look.now & TN_WANTS_GRADIENTS) copy_all(t, t->look.copy, true);
}

/* ---- showing -------------------------------------------------------------------------- */

/* Of the last batch of the step just made. */
static int64_t samples_of(const tn_trainer *t)
{
    const int64_t size = tn_feed_batch_size(t->feed);
    const int64_t rest = t->place.samples -
                         (tn_feed_batches(t->feed, TN_TRAIN) - 1) * size;
    const bool last = t->place.in_epoch == t->place.steps_per_epoch;
    return last && rest < size ? rest : size;
}

static void show_outputs(tn_trainer *t, tn_event *event)
{
    const tn_graph *g = t->model->graph;
    const int64_t samples = samples_of(t);
    for (int32_t i = g->inputs; i < g->nodes; i++)
        t->look.value[i] = tn_tensor_over(
            &g->node[i].spec.out, samples, g->real,
            (void *)(uintptr_t)tn_plan_output(t->look.plan, i));
    event->outputs = g->nodes - g->inputs;
    event->output = t->look.output;
}

static const tn_tensor *shown(const tn_tensor *copy, bool wanted)
{
    return wanted && copy->data ? copy : NULL;
}

void tn_trainer_show(tn_trainer *t, bool step, tn_event *event)
{
    const int32_t params = t->model->graph->params, seen = step ? t->look.now : 0;
    event->params = params, event->param = t->look.param;
    for (int32_t i = 0; i < params; i++) {
        tn_seen_param *p = &t->look.param[i];
        p->gradient = shown(&t->look.copy[i], seen & TN_WANTS_GRADIENTS);
        p->before = shown(&t->look.copy[params + i], seen & TN_WANTS_BEFORE);
    }
    if (seen & TN_WANTS_OUTPUTS) show_outputs(t, event);
}
