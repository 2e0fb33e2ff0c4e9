/* graph.c - a graph's life: see graph.h. */
#include "core/graph_build.h"

#include <string.h>

#include "core/real/unit.h"

static tn_status add_input(tn_graph *g, const tn_input_spec *in, tn_error *e)
{
    int64_t size;
    char text[128];
    if (in->shape.rank > TN_MAX_SAMPLE_RANK || !tn_shape_size(&in->shape, &size)) {
        tn_shape_text(&in->shape, text, sizeof text);
        return tn_error_set(e, TN_ESHAPE,
                            "the shape %s of the input '%s' is not possible", text,
                            in->name);
    }
    tn_graph_node node = {.spec.out = in->shape};
    tn_status status = tn_graph_take_name(g, in->name, "", g->nodes, node.name, e);
    if (!status) status = tn_graph_room(g, (void **)&g->node, g->nodes, sizeof node, e);
    if (status) return status;
    g->node[g->nodes++] = node;
    g->inputs++;
    return TN_OK;
}

static tn_status add_inputs(tn_graph *g, const tn_inputs *in, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < in->count; i++)
        status = add_input(g, &in->of[i], e);
    return status;
}

tn_status tn_graph_check_read(const tn_graph *g, const tn_cfg *root, tn_error *e)
{
    for (int32_t i = 0; i + 1 < g->nodes; i++) {
        const tn_graph_node *n = &g->node[i];
        if (n->read) continue;
        if (n->layer)
            return tn_cfg_error(n->layer->where, e, TN_EINVAL,
                                "layer '%s' is read by no layer; name it in the inputs: "
                                "of one, or leave it out",
                                n->name);
        return tn_cfg_error(tn_cfg_get(root, "model"), e, TN_EINVAL,
                            "no layer reads the input '%s'; name it in the inputs: of "
                            "one, or list only the others under input:",
                            n->name);
    }
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

static void list(tn_graph *g, tn_instance *instance)
{
    for (; instance; instance = instance->next) g->instance[g->instances++] = instance;
}

static size_t length_of(const tn_instance *list)
{
    size_t n = 0;
    for (; list; list = list->next) n++;
    return n;
}

/* Each belongs to one layer or to the model, so none comes twice. */
static tn_status list_instances(tn_graph *g, tn_error *e)
{
    size_t room = 2 * (size_t)g->nodes + length_of(g->regularizer);
    for (int32_t i = g->inputs; i < g->nodes; i++)
        room += length_of(g->node[i].layer->host.regularizer);
    g->instance = tn_memory_array(&g->env->memory, room, sizeof(tn_instance *), e);
    if (!g->instance) return TN_ENOMEM;
    for (int32_t i = g->inputs; i < g->nodes; i++) {
        tn_instance *layer = g->node[i].layer;
        list(g, layer);
        list(g, layer->host.parametrization);
        list(g, layer->host.regularizer);
    }
    list(g, g->regularizer);
    return TN_OK;
}

/* Where there are several inputs, the first layer has to say which it reads. */
static tn_status add_model(tn_graph *g, const tn_cfg *model, tn_error *e)
{
    const tn_around nothing = {.prefix = ""};
    int32_t last;
    return tn_graph_add_list(g, model, &nothing, g->inputs > 1 ? -1 : 0, &last, e);
}

tn_status tn_graph_build(tn_env *env, const tn_cfg *root, const tn_inputs *in,
                         int32_t real, uint64_t seed, int64_t most, tn_graph **out,
                         tn_error *e)
{
    *out = NULL;
    const tn_cfg *model = model_of(root, e);
    if (!model) return TN_EINVAL;
    tn_graph *g = tn_memory_get(&env->memory, sizeof *g, e);
    if (!g) return TN_ENOMEM;
    g->env = env, g->real = real, g->seed = seed, g->budget = most;
    pthread_mutex_init(&g->packing, NULL);
    tn_graph_changed(g); /* version 0 is none */
    tn_status status = add_inputs(g, in, e);
    if (!status) status = add_model(g, model, e);
    if (!status) status = tn_graph_equip(g, root, e);
    if (!status) status = list_instances(g, e);
    for (int32_t i = 0; i < g->params; i++) g->param[i].packed.graph = g;
    if (status)
        tn_graph_free(g);
    else
        *out = g;
    return status;
}

tn_status tn_graph_new(tn_env *env, const tn_cfg *root, const tn_shape *input,
                       int32_t real, uint64_t seed, int64_t most, tn_graph **out,
                       tn_error *e)
{
    const tn_inputs in = tn_inputs_one(input);
    tn_status status = tn_graph_build(env, root, &in, real, seed, most, out, e);
    if (!status) status = tn_graph_check_read(*out, root, e);
    if (!status) status = tn_graph_draw(*out, e);
    if (!status) return TN_OK;
    tn_graph_free(*out);
    *out = NULL;
    return status;
}

void tn_graph_free(tn_graph *g)
{
    if (!g) return;
    tn_memory *m = &g->env->memory;
    for (int32_t i = 0; i < g->params; i++) {
        tn_instance_free(g->param[i].made_init);
        tn_memory_put(m, g->param[i].value.data);
        tn_memory_put(m, g->param[i].packed.at);
    }
    for (int32_t i = 0; i < g->states; i++) tn_memory_put(m, g->state[i].value.data);
    for (int32_t i = 0; i < g->nodes; i++) {
        tn_instance_free(g->node[i].layer);
        tn_memory_put(m, g->node[i].input);
        tn_memory_put(m, (void *)(uintptr_t)g->node[i].spec.in);
    }
    for (int32_t i = 0; i < g->blocks; i++) tn_instance_free(g->block[i]);
    tn_instance_free(g->init);
    tn_instance_free(g->regularizer);
    tn_memory_put(m, g->block);
    tn_memory_put(m, g->instance);
    tn_memory_put(m, g->name);
    tn_memory_put(m, g->param);
    tn_memory_put(m, g->state);
    tn_memory_put(m, g->node);
    pthread_mutex_destroy(&g->packing);
    tn_memory_put(m, g);
}

void tn_graph_changed(tn_graph *g)
{
    atomic_fetch_add(&g->version, 1);
}

void tn_graph_tick(tn_graph *g, const tn_clock *clock)
{
    for (int32_t i = 0; i < g->instances; i++) tn_instance_tick(g->instance[i], clock);
    tn_graph_changed(g);
}

void tn_graph_epoch(tn_graph *g, const tn_clock *clock, const tn_event *event)
{
    for (int32_t i = 0; i < g->instances; i++)
        tn_instance_epoch(g->instance[i], clock, event);
}

void tn_graph_walk(tn_graph *g, void (*visit)(void *, tn_instance *), void *data)
{
    for (int32_t i = 0; i < g->instances; i++)
        tn_instance_walk(g->instance[i], visit, data);
}

tn_status tn_graph_check_batch(const tn_graph *g, int64_t samples, tn_error *e)
{
    for (int32_t i = g->inputs; i < g->nodes; i++) {
        const tn_graph_node *n = &g->node[i];
        if (!(n->spec.flags & TN_TWO_ROWS) ||
            samples * tn_rows_per_sample(&n->spec.in[0]) > 1)
            continue;
        return tn_cfg_error(
            n->layer->where, e, TN_EINVAL,
            "layer '%s': a training batch of one sample gives it one value "
            "of each feature, which has no variance; make batches larger, "
            "or leave out a last one that is not full: drop_last: true",
            n->name);
    }
    return TN_OK;
}

tn_inputs tn_graph_inputs(const tn_graph *g)
{
    tn_inputs in = {.count = g->inputs};
    for (int32_t i = 0; i < g->inputs; i++) {
        memcpy(in.of[i].name, g->node[i].name, sizeof in.of[i].name - 1);
        in.of[i].shape = g->node[i].spec.out;
    }
    return in;
}

tn_status tn_graph_has_one(const tn_graph *g, const char *call, tn_error *e)
{
    char names[TN_MOST_INPUTS * 40];
    const tn_inputs in = tn_graph_inputs(g);
    if (in.count == 1) return TN_OK;
    return tn_error_set(e, TN_EINVAL,
                        "the model has %d inputs (%s); %s_inputs takes an array for each",
                        in.count, tn_inputs_names(&in, names, sizeof names), call);
}

const tn_shape *tn_graph_output(const tn_graph *g)
{
    return &g->node[g->nodes - 1].spec.out;
}

static bool is_view(const tn_graph *g, const tn_graph_node *n)
{
    return n->layer && tn_real_ops_of(g->real)->facts(n->layer->vtable).flags & TN_VIEW;
}

const tn_graph_node *tn_graph_origin(const tn_graph *g)
{
    const tn_graph_node *n = &g->node[g->nodes - 1];
    while (is_view(g, n)) n = &g->node[n->input[0]];
    return n;
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
