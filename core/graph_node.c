/* graph_node.c - adds nodes to a graph: names, inputs, shape inference, blocks. */
#include "core/graph_build.h"

#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_NODES 10000
#define PREFIX 72

/* ---- names and inputs ---------------------------------------------------------------- */

static int32_t find_node(const tn_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->nodes; i++)
        if (!strcmp(g->node[i].name, name)) return i;
    return -1;
}

/* prefix + name, or with _2, _3 ... behind it. */
static tn_status choose_name(const tn_graph *g, const tn_instance *layer,
                             const char *prefix, char name[64], tn_error *e)
{
    const char *given = layer->host.name;
    const char *base = given ? given : layer->entry->name;
    const int length = snprintf(name, 64, "%s%s", prefix, base);
    if (length < 0 || length >= 64 - (int)strlen("_10000"))
        return tn_cfg_error(layer->where, e, TN_EINVAL, "the name '%s%s' is too long",
                            prefix, base);
    if (find_node(g, name) < 0) return TN_OK;
    if (given)
        return tn_cfg_error(layer->where, e, TN_EINVAL,
                            "two layers are called '%s'; names must differ", name);
    for (int32_t i = 2; find_node(g, name) >= 0; i++)
        snprintf(name + length, 64 - (size_t)length, "_%d", i);
    return TN_OK;
}

static tn_status find_input(const tn_graph *g, const tn_cfg *where, const char *prefix,
                            int32_t *input, tn_error *e)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s", prefix, where->text ? where->text : "");
    *input = find_node(g, name);
    if (*input < 0 && where->text) *input = find_node(g, where->text);
    if (*input >= 0) return TN_OK;
    const char *names[MAX_NODES];
    for (int32_t i = 0; i < g->nodes; i++) names[i] = g->node[i].name;
    const char *near = where->text ? tn_nearest(where->text, names, g->nodes) : NULL;
    return tn_cfg_error(where, e, TN_EINVAL,
                        "inputs: no layer '%s' before this one%s%s%s",
                        where->text ? where->text : "", near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
}

static tn_status find_inputs(const tn_graph *g, const tn_instance *layer,
                             const char *prefix, int32_t before,
                             int32_t input[TN_MAX_INPUTS], int32_t *count, tn_error *e)
{
    const tn_cfg *names = layer->host.inputs;
    *count = 1, input[0] = before;
    if (!names) return TN_OK;
    if (names->type == TN_CFG_SCALAR) return find_input(g, names, prefix, &input[0], e);
    if (names->type != TN_CFG_LIST || !names->count || names->count > TN_MAX_INPUTS)
        return tn_cfg_error(names, e, TN_EINVAL,
                            "inputs: expected 1 to %d names of layers", TN_MAX_INPUTS);
    tn_status status = TN_OK;
    *count = names->count;
    for (int32_t i = 0; !status && i < names->count; i++)
        status = find_input(g, names->item[i], prefix, &input[i], e);
    return status;
}

/* ---- one layer ------------------------------------------------------------------------ */

/* "the input (784) comes from 'flatten' (net.yaml:9)" behind an error about shapes. */
static tn_status add_origins(const tn_graph *g, const tn_graph_node *node, tn_error *e)
{
    if (!e || e->status != TN_ESHAPE) return e ? e->status : TN_ESHAPE;
    for (int32_t i = 0; i < node->inputs; i++) {
        const tn_graph_node *from = &g->node[node->input[i]];
        const tn_cfg *where = from->layer ? from->layer->where : NULL;
        char shape[128], text[sizeof e->text];
        tn_shape_text(&from->spec.out, shape, sizeof shape);
        snprintf(text, sizeof text, "%s", e->text);
        if (where)
            tn_error_set(e, e->status, "%s; input %s comes from '%s' (%s:%d)", text,
                         shape, from->name, where->file, where->line);
        else
            tn_error_set(e, e->status, "%s; input %s comes from '%s'", text, shape,
                         from->name);
    }
    return e->status;
}

static tn_status infer(tn_graph *g, int32_t number, tn_error *e)
{
    tn_graph_node *node = &g->node[number];
    const tn_instance *layer = node->layer;
    const tn_layer_facts facts = tn_real_ops_of(g->real)->facts(layer->vtable);
    if (node->inputs > facts.max_inputs)
        return tn_cfg_error(layer->where, e, TN_EINVAL, "%s takes %d input%s, got %d",
                            layer->entry->name, facts.max_inputs,
                            facts.max_inputs > 1 ? "s at most" : "", node->inputs);
    tn_setup setup = {g, number, -1};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, g->env, layer, g->real, e);
    calling.setup = &setup;
    tn_node spec = node->spec; /* declarations may move the graph's arrays, not this */
    const tn_status status = facts.infer ? facts.infer(layer->self, call, &spec) : TN_OK;
    node = &g->node[number];
    node->spec = spec;
    if (status) {
        if (layer->where)
            tn_cfg_error(layer->where, e, status, "%s: %s", layer->entry->name,
                         e ? e->text : "");
        return add_origins(g, node, e);
    }
    int64_t size;
    char text[128];
    if (tn_shape_size(&spec.out, &size)) return TN_OK;
    tn_shape_text(&spec.out, text, sizeof text);
    return tn_cfg_error(layer->where, e, TN_ESHAPE,
                        "%s: the output's shape %s is not possible", layer->entry->name,
                        text);
}

/* Adds a node that owns `layer` from here on, even when it fails. */
static tn_status add_layer(tn_graph *g, tn_instance *layer, const char *prefix,
                           const int32_t *input, int32_t inputs, int32_t *number,
                           tn_error *e)
{
    tn_graph_node node = {.layer = layer, .inputs = inputs};
    tn_memory *m = &g->env->memory;
    tn_status status = choose_name(g, layer, prefix, node.name, e);
    if (!status && g->nodes >= MAX_NODES)
        status = tn_cfg_error(layer->where, e, TN_EINVAL, "more than %d layers",
                              MAX_NODES);
    if (!status) status = tn_graph_room(g, (void **)&g->node, g->nodes, sizeof node, e);
    tn_shape *in = status ? NULL : tn_memory_array(m, (size_t)inputs, sizeof *in, e);
    node.input = in ? tn_memory_array(m, (size_t)inputs, sizeof *node.input, e) : NULL;
    if (!node.input) {
        tn_memory_put(m, in);
        tn_instance_free(layer);
        return status ? status : TN_ENOMEM;
    }
    memcpy(node.input, input, sizeof *input * (size_t)inputs);
    for (int32_t i = 0; i < inputs; i++) in[i] = g->node[input[i]].spec.out;
    node.spec.inputs = inputs, node.spec.in = in, node.spec.out = in[0];
    node.first_param = g->params, node.first_state = g->states;
    *number = g->nodes++;
    g->node[*number] = node;
    return infer(g, *number, e);
}

/* ---- blocks --------------------------------------------------------------------------- */

/* The builder that a block's expand works through. */
typedef struct builder {
    tn_builder face; /* must be first */
    tn_graph *graph;
    char prefix[PREFIX];
    int32_t depth;
    const tn_instance *block;
    tn_error *error;
} builder;

static tn_status add_instance(tn_graph *g, tn_instance *layer, const char *prefix,
                              const int32_t *input, int32_t inputs, int32_t depth,
                              int32_t *last, tn_error *e);

static int32_t build_node(tn_builder *face, tn_call *call, const char *name,
                          const char *options, int32_t inputs, const int32_t *input)
{
    builder *b = (builder *)face;
    tn_instance *layer;
    int32_t last = -1;
    for (int32_t i = 0; i < inputs; i++)
        if (input[i] < 0 || input[i] >= b->graph->nodes) return -1;
    if (tn_instance_named(b->graph->env, "layer", name, options, b->graph->real, &layer,
                          b->error))
        return -1;
    layer->where = b->block->where;
    return add_instance(b->graph, layer, b->prefix, input, inputs, b->depth, &last,
                        b->error)
               ? -1
               : last;
}

static int32_t build_graph(tn_builder *face, tn_call *call, tn_graph_ref graph,
                           int32_t input)
{
    builder *b = (builder *)face;
    int32_t last;
    if (input < 0) return -1;
    return tn_graph_add_list(b->graph, graph->list, b->prefix, input, b->depth, &last,
                             b->error)
               ? -1
               : last;
}

static const tn_shape *shape_of(tn_builder *face, int32_t node)
{
    const builder *b = (const builder *)face;
    return node < 0 || node >= b->graph->nodes ? NULL : &b->graph->node[node].spec.out;
}

/* Blocks leave no node of their own; "residual.", "residual_2.", ... tell them apart. */
static void choose_prefix(const tn_graph *g, const tn_instance *block, const char *outer,
                          char prefix[PREFIX])
{
    const char *base = block->host.name ? block->host.name : block->entry->name;
    snprintf(prefix, PREFIX, "%.24s%.24s.", outer, base);
    for (int32_t i = 2, node = 0; node < g->nodes; node++) {
        if (strncmp(g->node[node].name, prefix, strlen(prefix))) continue;
        snprintf(prefix, PREFIX, "%.24s%.24s_%d.", outer, base, i++);
        node = 0;
    }
}

static tn_status add_block(tn_graph *g, tn_instance *block, const char *prefix,
                           const int32_t *input, int32_t inputs, int32_t depth,
                           int32_t *last, tn_error *e)
{
    const tn_block *vtable = block->vtable;
    builder b = {{build_node, build_graph, shape_of}, g, "", depth + 1, block, e};
    if (depth >= MAX_DEPTH)
        return tn_cfg_error(block->where, e, TN_EINVAL,
                            "blocks are nested more than %d deep", MAX_DEPTH);
    choose_prefix(g, block, prefix, b.prefix);
    tn_calling calling;
    tn_error own = {
        .status = TN_OK}; /* what the block says itself; its nodes write to e */
    tn_call *call = tn_call_make(&calling, g->env, block, g->real, &own);
    tn_status status = vtable->expand(block->self, call, &b.face, inputs, input, last);
    if (status && own.status)
        return tn_cfg_error(block->where, e, own.status, "%s: %s", block->entry->name,
                            own.text);
    if (!status && (*last < 0 || *last >= g->nodes))
        status = e && e->status ? e->status
                                : tn_cfg_error(block->where, e, TN_EINVAL,
                                               "%s gave no output", block->entry->name);
    return status;
}

static tn_status add_instance(tn_graph *g, tn_instance *layer, const char *prefix,
                              const int32_t *input, int32_t inputs, int32_t depth,
                              int32_t *last, tn_error *e)
{
    if (strcmp(layer->entry->kind, "block"))
        return add_layer(g, layer, prefix, input, inputs, last, e);
    const tn_status status = add_block(g, layer, prefix, input, inputs, depth, last, e);
    tn_instance_free(layer);
    return status;
}

tn_status tn_graph_add_list(tn_graph *g, const tn_cfg *list, const char *prefix,
                            int32_t input, int32_t depth, int32_t *last, tn_error *e)
{
    *last = input;
    if (list->type != TN_CFG_LIST)
        return tn_cfg_error(list, e, TN_EINVAL, "expected a list of layers");
    for (int32_t i = 0; i < list->count; i++) {
        tn_instance *layer;
        int32_t from[TN_MAX_INPUTS], count;
        tn_status status = tn_instance_make(g->env, "layer", list->item[i], g->real,
                                            &layer, e);
        if (status) return status;
        status = find_inputs(g, layer, prefix, *last, from, &count, e);
        if (status) {
            tn_instance_free(layer);
            return status;
        }
        status = add_instance(g, layer, prefix, from, count, depth, last, e);
        if (status) return status;
    }
    return TN_OK;
}
