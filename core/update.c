/* update.c - steps of an updater: see update_state.h. */
#include "core/subnormal.h"
#include "core/update_state.h"

#include <stdio.h>

/* ---- stepping ------------------------------------------------------------------------- */

int32_t tn_updater_passes(const tn_updater *u)
{
    return u->passes;
}

double tn_updater_rate(const tn_updater *u)
{
    return u->chain[0]->now[u->chain[0]->host.lr_dial];
}

void tn_updater_tick(tn_updater *u, const tn_clock *clock)
{
    tn_instance_tick(u->optimizer, clock);
    for (int32_t i = 0; i < u->gradients; i++) tn_instance_tick(u->gradient[i], clock);
    tn_updater_tick_own(u, clock);
    tn_graph_tick(u->graph, clock);
}

void tn_updater_epoch(tn_updater *u, const tn_clock *clock, const tn_event *event)
{
    tn_instance_epoch(u->optimizer, clock, event);
    for (int32_t i = 0; i < u->gradients; i++)
        tn_instance_epoch(u->gradient[i], clock, event);
    for (int32_t i = 0; i < u->owns; i++)
        tn_instance_epoch(u->own[i].dial.schedule, clock, event);
    tn_graph_epoch(u->graph, clock, event);
}

double tn_updater_penalty(tn_updater *u)
{
    double sum = 0;
    for (int32_t i = 0; i < u->parts; i++)
        if (u->part[i].regularizer) sum += u->table->penalty(&u->bench, &u->part[i]);
    return sum;
}

static void bind_gradients(tn_updater *u, const tn_plan *plan)
{
    for (int32_t i = 0; i < u->parts; i++)
        u->part[i].g = tn_plan_gradient(plan, u->part[i].number).data;
}

/* A wrapper goes by the rate of what it wraps. */
static tn_chain chain_of(const tn_updater *u, int64_t step)
{
    return (tn_chain){u->chain, u->first_slot, u->length, tn_updater_rate(u), step};
}

void tn_updater_between(tn_updater *u, tn_plan *plan, int64_t step, int32_t pass)
{
    const tn_chain chain = chain_of(u, step);
    bind_gradients(u, plan);
    tn_graph_changed(u->graph);
    const unsigned mode = tn_subnormal_flush();
    u->table->between(&u->bench, &chain, pass, u->part, u->parts);
    tn_subnormal_back(mode);
}

void tn_updater_take_from(tn_updater *u, int64_t least, int32_t slots)
{
    const tn_chain chain = {u->chain, u->first_slot, u->length, 0, 0};
    for (int32_t i = 0; i < u->parts; i++) {
        const tn_part *part = &u->part[i];
        u->takes[part->number] = u->passes == 1 && u->slots <= slots && part->rows > 1 &&
                                 part->rows * part->width >= least &&
                                 u->table->streams(&u->bench, &chain, part);
    }
}

const bool *tn_updater_takes(const tn_updater *u)
{
    return u->takes;
}

/* A step that has sinks counts before its first gradient. */
static void count(tn_updater *u, const tn_chain *chain)
{
    if (u->counted != chain->step) u->table->count(chain);
    u->counted = chain->step;
}

tn_sink *tn_updater_sinks(tn_updater *u, int64_t step, bool update)
{
    const tn_chain chain = chain_of(u, step);
    bool any = false;
    if (update) count(u, &chain);
    for (int32_t i = 0; i < u->parts && u->passes == 1; i++) {
        tn_part *part = &u->part[i];
        tn_sink *sink = &u->sink[part->number];
        const bool whole = update && u->takes[part->number];
        *sink = (tn_sink){0};
        if (!whole && !part->blocks.room) continue;
        u->table->sink(&u->bench, &chain, part, whole, sink);
        any = true;
    }
    if (update) tn_graph_changed(u->graph);
    u->armed = any;
    return any ? u->sink : NULL;
}

void tn_updater_changed(tn_updater *u)
{
    for (int32_t i = 0; i < u->parts; i++) u->part[i].blocks.summed = false;
}

static void take_counts(tn_updater *u)
{
    for (int32_t i = 0; i < u->gradients; i++) {
        tn_counter *counter = u->bench.transform[i].counter;
        double *numbers = u->gradient[i]->numbers;
        if (!counter) continue;
        for (int32_t k = 0; k < TN_COUNTERS; k++)
            numbers[TN_COUNT_CHANGED] += (double)atomic_exchange(&counter[k].changed, 0);
        numbers[TN_COUNT_SEEN] += u->elements;
    }
}

tn_status tn_updater_apply(tn_updater *u, tn_plan *plan, int64_t step, tn_error *e)
{
    const tn_chain chain = chain_of(u, step);
    const tn_sink *sink = u->armed ? u->sink : NULL;
    bind_gradients(u, plan);
    tn_graph_changed(u->graph);
    count(u, &chain);
    u->armed = false;
    const unsigned mode = tn_subnormal_flush();
    const tn_status status = u->table->update(&u->bench, &chain, u->part, sink, u->parts,
                                              e);
    tn_subnormal_back(mode);
    take_counts(u);
    return status;
}

/* ---- what transforms cut ---------------------------------------------------------------- */

int32_t tn_updater_counting(const tn_updater *u)
{
    int32_t n = 0;
    for (int32_t i = 0; i < u->gradients; i++) n += u->bench.transform[i].counter != NULL;
    return n;
}

static const tn_instance *counting(const tn_updater *u, int32_t number)
{
    int32_t i = 0;
    while (!u->bench.transform[i].counter || number-- > 0) i++;
    return u->gradient[i];
}

const char *tn_updater_cutter(const tn_updater *u, int32_t i)
{
    return counting(u, i)->entry->name;
}

double tn_updater_cut(const tn_updater *u, int32_t i)
{
    const double *numbers = counting(u, i)->numbers;
    return numbers[TN_COUNT_SEEN] > 0 ? numbers[TN_COUNT_CHANGED] / numbers[TN_COUNT_SEEN]
                                      : 0;
}

void tn_updater_clear_counts(tn_updater *u)
{
    for (int32_t i = 0; i < tn_updater_counting(u); i++) {
        double *numbers = counting(u, i)->numbers;
        numbers[TN_COUNT_CHANGED] = numbers[TN_COUNT_SEEN] = 0;
    }
}

/* ---- views ----------------------------------------------------------------------------- */

static void swap(void *a, void *b, size_t size)
{
    unsigned char *x = a, *y = b;
    for (size_t i = 0; i < size; i++) {
        const unsigned char t = x[i];
        x[i] = y[i], y[i] = t;
    }
}

void tn_updater_view(tn_updater *u, bool evaluate)
{
    if (!u->shown || u->viewing == evaluate) return;
    const tn_chain chain = chain_of(u, 0);
    for (int32_t i = 0; i < u->parts; i++) {
        const tn_tensor *value = &u->graph->param[u->part[i].number].value;
        if (evaluate)
            u->table->view(&u->bench, &chain, u->viewer, &u->part[i], u->shown[i]);
        swap(value->data, u->shown[i],
             (size_t)tn_count(value) * tn_dtype_size(value->dtype));
    }
    u->viewing = evaluate;
    tn_graph_changed(u->graph);
}

/* ---- what checkpoints keep ------------------------------------------------------------- */

bool tn_updater_slot(const tn_updater *u, int32_t i, char name[192], tn_tensor *t)
{
    if (!u->slots || i >= u->slots * u->parts) return false;
    const tn_graph_param *p = &u->graph->param[u->part[i / u->slots].number];
    snprintf(name, 192, "slot.%d.%s", i % u->slots, p->name);
    *t = p->value;
    t->data = u->slot[i];
    return true;
}

void tn_updater_walk(tn_updater *u, void (*visit)(void *, tn_instance *), void *data)
{
    tn_instance_walk(u->optimizer, visit, data);
    for (int32_t i = 0; i < u->gradients; i++)
        tn_instance_walk(u->gradient[i], visit, data);
    tn_graph_walk(u->graph, visit, data);
    for (int32_t i = 0; i < u->owns; i++)
        tn_instance_walk(u->own[i].dial.schedule, visit, data);
}
