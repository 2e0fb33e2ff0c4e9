/* graph_node.c - adds nodes to a graph: names, inputs, shape inference, blocks. */
#include "core/graph_build.h"

#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_NODES 10000

/* ---- names and inputs ---------------------------------------------------------------- */

/* prefix + name of a layer or block; a given one must be new. */
static tn_status full_name(const tn_graph *g, const tn_instance *layer,
                           const char *prefix, char name[TN_NODE_NAME], tn_error *e)
{
    const char *given = layer->host.name;
    const char *base = given ? given : layer->entry->name;
    const int length = snprintf(name, TN_NODE_NAME, "%s%s", prefix, base);
    if (length < 0 || length >= TN_NODE_NAME - (int)strlen("_10000"))
        return tn_cfg_error(layer->where, e, TN_EINVAL, "the name '%s%s' is too long",
                            prefix, base);
    if (given && tn_graph_find(g, name) >= 0)
        return tn_cfg_error(layer->where, e, TN_EINVAL,
                            "two layers are called '%s'; names must differ", name);
    return TN_OK;
}

/* The full name, or with _2, _3 ... behind it. */
static tn_status choose_name(tn_graph *g, const tn_instance *layer, const char *prefix,
                             char name[TN_NODE_NAME], tn_error *e)
{
    char stem[TN_NODE_NAME];
    const tn_status status = full_name(g, layer, prefix, stem, e);
    return status ? status : tn_graph_take_name(g, stem, "", g->nodes, name, e);
}

static tn_status find_input(const tn_graph *g, const tn_cfg *where, const char *prefix,
                            int32_t *input, tn_error *e)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s", prefix, where->text ? where->text : "");
    *input = tn_graph_find(g, name);
    if (*input < 0 && where->text) *input = tn_graph_find(g, where->text);
    if (*input >= 0) return TN_OK;
    const char *near = where->text ? tn_graph_nearest(g, name) : NULL;
    if (!near && where->text) near = tn_graph_nearest(g, where->text);
    if (where->text && tn_inputs_read_by_losses(where->text))
        return tn_cfg_error(where, e, TN_EINVAL,
                            "inputs: no layer '%s' before this one; a field of that name "
                            "is for losses, unless the section input: lists it",
                            where->text);
    return tn_cfg_error(where, e, TN_EINVAL,
                        "inputs: no layer '%s' before this one%s%s%s",
                        where->text ? where->text : "", near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
}

/* The first of a model with several inputs. */
static tn_status must_choose(const tn_graph *g, const tn_instance *layer, tn_error *e)
{
    char names[TN_MOST_INPUTS * 40];
    const tn_inputs in = tn_graph_inputs(g);
    return tn_cfg_error(layer->where, e, TN_EINVAL,
                        "the model has the inputs %s; say which ones %s reads, e.g. "
                        "inputs: %s",
                        tn_inputs_names(&in, names, sizeof names), layer->entry->name,
                        in.of[0].name);
}

static tn_status find_inputs(const tn_graph *g, const tn_instance *layer,
                             const char *prefix, int32_t before,
                             int32_t input[TN_MAX_INPUTS], int32_t *count, tn_error *e)
{
    const tn_cfg *names = layer->host.inputs;
    *count = 1, input[0] = before;
    if (!names) return before < 0 ? must_choose(g, layer, e) : TN_OK;
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
static tn_status add_origins(const tn_graph *g, const tn_graph_node *node,
                             tn_status status, tn_error *e)
{
    if (!e || status != TN_ESHAPE) return status;
    for (int32_t i = 0; i < node->inputs; i++) {
        const tn_graph_node *from = &g->node[node->input[i]];
        const tn_cfg *where = from->layer ? from->layer->where : NULL;
        char shape[128], place[200] = "", text[sizeof e->text];
        tn_shape_text(&from->spec.out, shape, sizeof shape);
        snprintf(text, sizeof text, "%s", e->text);
        if (where) tn_cfg_place(where, place, sizeof place);
        tn_error_set(e, status, "%s; input %s comes from '%s'%s%s%s", text, shape,
                     from->name, where ? " (" : "", place, where ? ")" : "");
    }
    return status;
}

static tn_status infer(tn_graph *g, int32_t number, tn_error *e)
{
    tn_graph_node *node = &g->node[number];
    const tn_instance *layer = node->layer;
    const tn_layer_facts facts = tn_real_ops_of(g->real)->facts(layer->vtable);
    const int32_t most = facts.max_inputs < TN_MAX_INPUTS ? facts.max_inputs
                                                          : TN_MAX_INPUTS;
    if (node->inputs > most)
        return tn_cfg_error(layer->where, e, TN_EINVAL, "%s takes %d input%s, got %d",
                            layer->entry->name, most, most > 1 ? "s at most" : "",
                            node->inputs);
    tn_setup setup = {g, number, -1};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, g->env, layer, g->real, e);
    calling.setup = &setup;
    tn_node spec = node->spec; /* declarations may move the graph's arrays, not this */
    spec.flags = facts.flags;
    tn_status status = facts.infer ? facts.infer(layer->self, call, &spec) : TN_OK;
    node = &g->node[number];
    node->spec = spec;
    const uint32_t inferred = TN_BY_PRODUCT | TN_WEIGHT_LAST | TN_GIN_APART | TN_IDLE |
                              TN_RANDOM;
    node->spec.flags = (facts.flags & ~inferred) | (spec.flags & inferred);
    if (tn_call_end(&calling, status))
        tn_cfg_error(layer->where, e, status, "%s: %s", layer->entry->name,
                     e ? e->text : "");
    else
        status = tn_graph_check_shapes(layer, &facts, &node->spec,
                                       g->param + node->first_param, node->params, e);
    return add_origins(g, node, status, e);
}

/* Adds a node that owns `layer` from here on, even when it fails. */
static tn_status add_layer(tn_graph *g, tn_instance *layer, const char *prefix,
                           const int32_t *input, int32_t inputs, int32_t *number,
                           tn_error *e)
{
    tn_graph_node node = {.layer = layer, .inputs = inputs};
    tn_memory *m = &g->env->memory;
    tn_status status = TN_OK;
    if (g->nodes >= MAX_NODES)
        status = tn_cfg_error(layer->where, e, TN_EINVAL, "more than %d layers",
                              MAX_NODES);
    if (!status) status = choose_name(g, layer, prefix, node.name, e);
    if (!status) status = tn_graph_room(g, (void **)&g->node, g->nodes, sizeof node, e);
    tn_shape *in = status ? NULL : tn_memory_array(m, (size_t)inputs, sizeof *in, e);
    node.input = in ? tn_memory_array(m, (size_t)inputs, sizeof *node.input, e) : NULL;
    if (!node.input) {
        tn_memory_put(m, in);
        tn_instance_free(layer);
        return status ? status : TN_ENOMEM;
    }
    memcpy(node.input, input, sizeof *input * (size_t)inputs);
    for (int32_t i = 0; i < inputs; i++) {
        in[i] = g->node[input[i]].spec.out;
        g->node[input[i]].read = true;
    }
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
    tn_around around;
    tn_error error; /* of the first node that could not be added */
} builder;

static tn_status add_instance(tn_graph *g, tn_instance *layer, const tn_around *around,
                              const int32_t *input, int32_t inputs, int32_t *last,
                              tn_error *e);

static tn_status check_numbers(builder *b, int32_t inputs, const int32_t *input)
{
    const tn_cfg *where = b->around.block->where;
    const char *name = b->around.block->entry->name;
    if (inputs < 1 || inputs > TN_MAX_INPUTS)
        return tn_cfg_error(where, &b->error, TN_EINVAL,
                            "%s gives a node %d inputs; 1 to %d are allowed", name,
                            inputs, TN_MAX_INPUTS);
    for (int32_t i = 0; i < inputs; i++)
        if (input[i] < 0 || input[i] >= b->graph->nodes)
            return tn_cfg_error(where, &b->error, TN_EINVAL,
                                "%s names node %d; there are 0 to %d", name, input[i],
                                b->graph->nodes - 1);
    return TN_OK;
}

static int32_t build_node(tn_builder *face, tn_call *call, const char *name,
                          const char *options, int32_t inputs, const int32_t *input)
{
    builder *b = (builder *)face;
    tn_instance *layer;
    int32_t last = -1;
    if (b->error.status || check_numbers(b, inputs, input)) return -1;
    if (tn_instance_named(b->graph->env, "layer", name, options, b->graph->real, &layer,
                          &b->error))
        return -1;
    layer->where = b->around.block->where;
    const tn_status status = add_instance(b->graph, layer, &b->around, input, inputs,
                                          &last, &b->error);
    return status ? -1 : last;
}

static int32_t build_graph(tn_builder *face, tn_call *call, tn_graph_ref graph,
                           int32_t input)
{
    builder *b = (builder *)face;
    int32_t last;
    if (b->error.status || check_numbers(b, 1, &input)) return -1;
    const tn_status status = tn_graph_add_list(b->graph, graph->list, &b->around, input,
                                               &last, &b->error);
    return status ? -1 : last;
}

static const tn_shape *shape_of(tn_builder *face, int32_t node)
{
    const builder *b = (const builder *)face;
    return node < 0 || node >= b->graph->nodes ? NULL : &b->graph->node[node].spec.out;
}

/* Blocks leave no node of their own; "residual.", "residual_2.", ... tell them apart. */
static tn_status choose_prefix(tn_graph *g, const tn_instance *block, const char *outer,
                               char prefix[TN_NODE_NAME], tn_error *e)
{
    char stem[TN_NODE_NAME], full[TN_NODE_NAME];
    const char *given = block->host.name;
    const tn_status status = given ? full_name(g, block, outer, full, e) : TN_OK;
    if (status) return status;
    snprintf(stem, sizeof stem, "%.24s%.24s", outer, given ? given : block->entry->name);
    return tn_graph_take_name(g, stem, ".", -1, prefix, e);
}

/* From here on the block's name stands for its output. */
static tn_status name_output(tn_graph *g, const tn_instance *block, const char *outer,
                             const char *prefix, int32_t output, tn_error *e)
{
    char name[TN_NODE_NAME], taken[TN_NODE_NAME];
    tn_status status = TN_OK;
    if (block->host.name)
        status = full_name(g, block, outer, name, e);
    else
        snprintf(name, sizeof name, "%.*s", (int)strlen(prefix) - 1, prefix);
    return status ? status : tn_graph_take_name(g, name, "", output, taken, e);
}

static tn_status expand(builder *b, const int32_t *input, int32_t inputs, int32_t *last,
                        tn_error *e)
{
    const tn_instance *block = b->around.block;
    const tn_block *vtable = block->vtable;
    tn_error own; /* what the block says itself; its nodes write to b->error */
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, b->graph->env, block, b->graph->real, &own);
    *last = -1;
    tn_status status = vtable->expand(block->self, call, &b->face, inputs, input, last);
    if (b->error.status && !own.status) {
        if (e) *e = b->error;
        return b->error.status;
    }
    if (!status && own.status) status = own.status;
    if (tn_call_end(&calling, status))
        return tn_cfg_error(block->where, e, status, "%s: %s", block->entry->name,
                            own.text);
    if (*last >= 0 && *last < b->graph->nodes) return TN_OK;
    return tn_cfg_error(block->where, e, TN_EINVAL, "%s gave no output",
                        block->entry->name);
}

/* The graph keeps the block: its nodes point into the config text that it has read. */
static tn_status add_block(tn_graph *g, tn_instance *block, const tn_around *around,
                           const int32_t *input, int32_t inputs, int32_t *last,
                           tn_error *e)
{
    char prefix[TN_NODE_NAME];
    tn_status status = tn_graph_room(g, (void **)&g->block, g->blocks, sizeof *g->block,
                                     e);
    if (status) {
        tn_instance_free(block);
        return status;
    }
    g->block[g->blocks++] = block;
    if (around->depth >= MAX_DEPTH)
        return tn_cfg_error(block->where, e, TN_EINVAL,
                            "blocks are nested more than %d deep", MAX_DEPTH);
    status = choose_prefix(g, block, around->prefix, prefix, e);
    if (status) return status;
    builder b = {.face = {build_node, build_graph, shape_of},
                 .graph = g,
                 .around = {block, prefix, around->depth + 1}};
    status = expand(&b, input, inputs, last, e);
    return status ? status : name_output(g, block, around->prefix, prefix, *last, e);
}

/* ---- either ---------------------------------------------------------------------------- */

static bool have_weights(const tn_graph *g, int32_t first_param)
{
    for (int32_t i = first_param; i < g->params; i++)
        if (g->param[i].spec.role == TN_WEIGHT) return true;
    return false;
}

/* Nobody means to give what has no effect. `given`: what the config gives the layer itself. */
static tn_status check_given(const tn_graph *g, const tn_cfg *const given[TN_SAID],
                             const char *name, int32_t first_param, tn_error *e)
{
    static const char *const option[TN_SAID] = {"init", "regularizer", "parametrization"};
    for (int32_t k = 0; k < TN_SAID; k++)
        if (given[k] && !have_weights(g, first_param))
            return tn_cfg_error(given[k], e, TN_EINVAL,
                                "%s: option '%s' is for weights, and here are none; give "
                                "it to a layer that has weights",
                                name, option[k]);
    return TN_OK;
}

static void find_given(const tn_instance *layer, const tn_cfg *given[TN_SAID])
{
    const tn_instance *const made[TN_SAID] = {layer->host.init, layer->host.regularizer,
                                              layer->host.parametrization};
    for (int32_t k = 0; k < TN_SAID; k++) given[k] = made[k] ? layer->host.said[k] : NULL;
}

/* The graph owns `layer` from here on, even when this fails. */
static tn_status add_instance(tn_graph *g, tn_instance *layer, const tn_around *around,
                              const int32_t *input, int32_t inputs, int32_t *last,
                              tn_error *e)
{
    const char *name = layer->entry->name;
    const tn_cfg *given[TN_SAID];
    const int32_t first_param = g->params;
    find_given(layer, given);
    tn_status status = around->block ? tn_instance_inherit(layer, around->block, e)
                                     : TN_OK;
    if (status) {
        tn_instance_free(layer);
        return status;
    }
    if (!strcmp(layer->entry->kind, "block"))
        status = add_block(g, layer, around, input, inputs, last, e);
    else
        status = add_layer(g, layer, around->prefix, input, inputs, last, e);
    return status ? status : check_given(g, given, name, first_param, e);
}

tn_status tn_graph_add_list(tn_graph *g, const tn_cfg *list, const tn_around *around,
                            int32_t input, int32_t *last, tn_error *e)
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
        status = find_inputs(g, layer, around->prefix, *last, from, &count, e);
        if (status) {
            tn_instance_free(layer);
            return status;
        }
        status = add_instance(g, layer, around, from, count, last, e);
        if (status) return status;
    }
    return TN_OK;
}
