/* graph.c - a graph's life: see graph.h. */
#include "core/graph_build.h"

#include <stdio.h>

static tn_status add_input(tn_graph *g, const tn_shape *input, tn_error *e)
{
    int64_t size;
    char text[128];
    if (!tn_shape_size(input, &size)) {
        tn_shape_text(input, text, sizeof text);
        return tn_error_set(e, TN_ESHAPE, "the input's shape %s is not possible", text);
    }
    tn_status status = tn_graph_room(g, (void **)&g->node, 0, sizeof *g->node, e);
    if (status) return status;
    snprintf(g->node[0].name, sizeof g->node[0].name, "input");
    g->node[0].spec.out = *input;
    g->nodes = 1;
    return TN_OK;
}

static const tn_cfg *model_of(const tn_cfg *root, tn_error *e)
{
    const tn_cfg *model = tn_cfg_get(root, "model");
    if (model && model->type == TN_CFG_LIST && model->count) return model;
    tn_cfg_error(model ? model : root, e, TN_EINVAL,
                 "model: expected a list of layers, e.g. [{dense: 10}]");
    return NULL;
}

tn_status tn_graph_new(tn_env *env, const tn_cfg *root, const tn_shape *input,
                       int32_t real, uint64_t seed, tn_graph **out, tn_error *e)
{
    *out = NULL;
    const tn_cfg *model = model_of(root, e);
    if (!model) return TN_EINVAL;
    tn_graph *g = tn_memory_get(&env->memory, sizeof *g, e);
    if (!g) return TN_ENOMEM;
    g->env = env, g->real = real, g->seed = seed;
    int32_t last;
    tn_status status = add_input(g, input, e);
    if (!status) status = tn_graph_add_list(g, model, "", 0, 0, &last, e);
    if (!status) status = tn_graph_fill(g, root, e);
    if (status)
        tn_graph_free(g);
    else
        *out = g;
    return status;
}

static bool first_use(const tn_graph *g, const tn_instance *regularizer, int32_t param)
{
    for (int32_t i = 0; i < param; i++)
        if (g->param[i].regularizer == regularizer) return false;
    return true;
}

void tn_graph_free(tn_graph *g)
{
    if (!g) return;
    tn_memory *m = &g->env->memory;
    for (int32_t i = 0; i < g->params; i++) {
        tn_instance_free(g->param[i].made_init);
        tn_memory_put(m, g->param[i].value.data);
    }
    for (int32_t i = 0; i < g->states; i++) tn_memory_put(m, g->state[i].value.data);
    for (int32_t i = 0; i < g->nodes; i++) {
        tn_instance_free(g->node[i].layer);
        tn_memory_put(m, g->node[i].input);
        tn_memory_put(m, (void *)(uintptr_t)g->node[i].spec.in);
    }
    tn_instance_free(g->init);
    tn_instance_free(g->regularizer);
    tn_memory_put(m, g->param);
    tn_memory_put(m, g->state);
    tn_memory_put(m, g->node);
    tn_memory_put(m, g);
}

void tn_graph_tick(tn_graph *g, const tn_clock *clock)
{
    for (int32_t i = 1; i < g->nodes; i++) tn_instance_tick(g->node[i].layer, clock);
    for (int32_t i = 0; i < g->params; i++) {
        tn_instance *r = g->param[i].regularizer;
        if (r && first_use(g, r, i)) tn_instance_tick(r, clock);
    }
}

void tn_graph_epoch(tn_graph *g, const tn_clock *clock)
{
    for (int32_t i = 1; i < g->nodes; i++) tn_instance_epoch(g->node[i].layer, clock);
    for (int32_t i = 0; i < g->params; i++) {
        tn_instance *r = g->param[i].regularizer;
        if (r && first_use(g, r, i)) tn_instance_epoch(r, clock);
    }
}

void tn_graph_walk(tn_graph *g, void (*visit)(void *, tn_instance *), void *data)
{
    for (int32_t i = 1; i < g->nodes; i++)
        tn_instance_walk(g->node[i].layer, visit, data);
    for (int32_t i = 0; i < g->params; i++) {
        tn_instance *r = g->param[i].regularizer;
        if (r && first_use(g, r, i)) tn_instance_walk(r, visit, data);
    }
}

const tn_shape *tn_graph_output(const tn_graph *g)
{
    return &g->node[g->nodes - 1].spec.out;
}

tn_status tn_graph_room(tn_graph *g, void **array, int32_t count, size_t size,
                        tn_error *e)
{
    const bool full = count == 0 || (count & (count - 1)) == 0;
    if (!full) return TN_OK;
    const size_t room = count ? 2 * (size_t)count : 1;
    void *grown = *array ? tn_memory_grow(&g->env->memory, *array, room * size, e)
                         : tn_memory_array(&g->env->memory, room, size, e);
    if (!grown) return TN_ENOMEM;
    *array = grown;
    return TN_OK;
}
