/* graph_param.c - what a graph's parameters are given once they are declared (graph_declare.c):
 * parametrizations, initializers and regularizers, then their first values. `init: auto` asks the
 * metadata: the activation that follows says which initializer it prefers, else the layer itself
 * does. */
#include "core/graph_build.h"

#include <stdio.h>
#include <string.h>

/* ---- parametrizations ------------------------------------------------------------------ */

/* The weight as (out, the rest), which is what a parametrization sees as one sample. */
static tn_shape raw_shape(const tn_tensor *value)
{
    const int64_t rows = value->rank > 1 ? value->dim[0] : 1;
    return (tn_shape){.rank = 2, .dim = {rows, tn_count(value) / rows}};
}

static tn_status parametrize(tn_graph *g, int32_t param, tn_error *e)
{
    const tn_instance *way = g->node[g->param[param].node].layer->host.parametrization;
    if (!way || g->param[param].spec.role != TN_WEIGHT || g->param[param].owner >= 0)
        return TN_OK;
    const tn_layer_facts facts = tn_real_ops_of(g->real)->facts(way->vtable);
    const tn_shape raw = raw_shape(&g->param[param].value);
    tn_node spec = {.inputs = 1, .in = &raw, .out = raw, .flags = facts.flags};
    g->param[param].first_own = g->params;
    g->param[param].first_own_state = g->states;
    tn_setup setup = {g, g->param[param].node, param};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, g->env, way, g->real, e);
    calling.setup = &setup;
    tn_status status = facts.infer ? facts.infer(way->self, call, &spec) : TN_OK;
    if (tn_call_end(&calling, status))
        return tn_error_in(e, "parametrization of %s", g->param[param].name), status;
    if (!tn_shape_same(&spec.out, &raw))
        return tn_cfg_error(way->where, e, TN_ESHAPE, "%s changes the shape of %s",
                            way->entry->name, g->param[param].name);
    status = tn_graph_check_shapes(
        way, &facts, &spec, g->param + g->param[param].first_own, g->param[param].own, e);
    if (status) return status;
    g->param[param].parametrization = way;
    g->param[param].raw = raw;
    g->param[param].parametrized = spec;
    return TN_OK;
}

/* ---- initializers -------------------------------------------------------------------- */

static int32_t consumer_of(const tn_graph *g, int32_t node)
{
    for (int32_t i = node + 1; i < g->nodes; i++)
        for (int32_t k = 0; k < g->node[i].inputs; k++)
            if (g->node[i].input[k] == node) return i;
    return -1;
}

static bool has_weights(const tn_graph *g, int32_t node)
{
    const tn_graph_node *n = &g->node[node];
    for (int32_t i = 0; i < n->params; i++)
        if (g->param[n->first_param + i].spec.role == TN_WEIGHT) return true;
    return false;
}

/* The activation behind a node: the first with a gain, before any other weights. */
static const tn_instance *activation_after(const tn_graph *g, int32_t node)
{
    for (int32_t i = consumer_of(g, node); i > 0 && !has_weights(g, i);
         i = consumer_of(g, i))
        if (g->node[i].layer->entry->gain > 0) return g->node[i].layer;
    return NULL;
}

/* Its own, which its options decide, else that of all of its kind. */
static bool own_gain(const tn_graph *g, const tn_instance *activation, double *gain)
{
    const tn_layer_facts facts = tn_real_ops_of(g->real)->facts(activation->vtable);
    *gain = facts.gain ? facts.gain(activation->self) : activation->entry->gain;
    return facts.gain != NULL;
}

static tn_status choose_automatically(tn_graph *g, tn_graph_param *p, tn_error *e)
{
    const tn_entry *own = g->node[p->node].layer->entry;
    const tn_instance *activation = activation_after(g, p->node);
    const tn_entry *after = activation ? activation->entry : NULL;
    const char *name = after && after->initializer ? after->initializer
                                                   : own->initializer;
    if (!name)
        return tn_cfg_error(
            g->node[p->node].layer->where, e, TN_EINVAL,
            "%s has no initializer: neither %s nor what follows prefers one; "
            "set init",
            p->name, own->name);
    const tn_status status = tn_instance_named(g->env, "initializer", name, NULL, g->real,
                                               &p->made_init, e);
    if (status) return status;
    p->init = &p->made_init->ref;
    double gain;
    if (after && after->initializer && own_gain(g, activation, &gain))
        snprintf(p->init_text, sizeof p->init_text, "%s (auto: %s, gain %.4g)", name,
                 after->name, gain);
    else
        snprintf(p->init_text, sizeof p->init_text, "%s (auto: %s)", name,
                 after && after->initializer ? after->name : own->name);
    return TN_OK;
}

/* The node's `init`, else the option of the layer's own, else the model's `init`. */
static tn_status choose_initializer(tn_graph *g, tn_graph_param *p, tn_error *e)
{
    const tn_instance *layer = g->node[p->node].layer, *init = NULL;
    const bool weight = p->spec.role == TN_WEIGHT && p->owner < 0;
    const bool said = weight && layer->host.said[TN_SAID_INIT];
    if (said)
        init = layer->host.init;
    else if (weight && !p->spec.initializer)
        init = g->init;
    p->init = init ? &init->ref : said ? NULL : p->spec.initializer;
    if (!p->init && weight) return choose_automatically(g, p, e);
    if (p->init)
        snprintf(p->init_text, sizeof p->init_text, "%s", p->init->name);
    else
        snprintf(p->init_text, sizeof p->init_text, "%g", p->spec.fill);
    return TN_OK;
}

uint64_t tn_graph_hash(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

/* A stream of its own for every parameter, by name: other layers do not disturb it. */
static tn_key key_of(const tn_graph *g, const char *name)
{
    const tn_key seed = {{(uint32_t)g->seed, (uint32_t)(g->seed >> 32)}};
    return tn_key_derive(seed, tn_graph_hash(name), 0);
}

tn_param_info tn_graph_param_info(const tn_graph *g, int32_t param)
{
    const tn_graph_param *p = &g->param[param];
    const tn_instance *after = activation_after(g, p->node);
    const char *wanted = after ? after->entry->initializer : NULL;
    double gain = 1;
    if (after) own_gain(g, after, &gain);
    return (tn_param_info){.name = p->name,
                           .role = p->spec.role,
                           .fan_in = p->spec.fan_in,
                           .fan_out = p->spec.fan_out,
                           .parts = p->spec.parts ? p->spec.parts : 1,
                           .gain = gain,
                           .key = key_of(g, p->name),
                           .preferred = p->init && wanted &&
                                        !strcmp(wanted, p->init->name)};
}

/* ---- the model's defaults ------------------------------------------------------------- */

static bool is_text(const tn_cfg *c, const char *text)
{
    return c && c->type == TN_CFG_SCALAR && !strcmp(c->text, text);
}

static tn_status make_defaults(tn_graph *g, const tn_cfg *root, tn_error *e)
{
    const tn_cfg *init = tn_cfg_get(root, "init"), *reg = tn_cfg_get(root, "regularizer");
    tn_status status = TN_OK;
    if (init && !is_text(init, "auto"))
        status = tn_instance_make(g->env, "initializer", init, g->real, &g->init, e);
    if (!status && reg && !is_text(reg, "none"))
        status = tn_instance_make_list(g->env, "regularizer", reg, g->real, 0,
                                       &g->regularizer, e);
    return status;
}

static void choose_regularizer(tn_graph *g, tn_graph_param *p)
{
    const tn_instance *layer = g->node[p->node].layer;
    if (p->spec.role == TN_WEIGHT && p->owner < 0)
        p->regularizer = layer->host.said[TN_SAID_REGULARIZER] ? layer->host.regularizer
                                                               : g->regularizer;
    size_t used = 0;
    for (const tn_instance *r = p->regularizer; r && used < sizeof p->regularizer_text;
         r = r->next)
        used += (size_t)snprintf(p->regularizer_text + used,
                                 sizeof p->regularizer_text - used, "%s%s",
                                 used ? ", " : "", r->entry->name);
}

tn_status tn_graph_equip(tn_graph *g, const tn_cfg *root, tn_error *e)
{
    tn_status status = make_defaults(g, root, e);
    const int32_t of_layers = g->params;
    for (int32_t i = 0; !status && i < of_layers; i++) status = parametrize(g, i, e);
    for (int32_t i = 0; !status && i < g->params; i++) {
        choose_regularizer(g, &g->param[i]);
        status = choose_initializer(g, &g->param[i], e);
    }
    return status ? status : tn_graph_read_rules(g, root, e);
}

/* ---- drawing --------------------------------------------------------------------------- */

static void fill_parts(tn_graph_param *p)
{
    const int64_t parts = p->spec.parts ? p->spec.parts : 1;
    const int64_t n = tn_count(&p->value) / parts;
    for (int64_t k = 0; k < parts; k++)
        tn_graph_fill(&p->value, k * n, n, p->spec.fill + p->spec.more[k]);
}

/* Where it is said how the parameter begins. */
static const tn_cfg *place_of_init(const tn_graph *g, const tn_graph_param *p)
{
    const tn_instance *layer = g->node[p->node].layer, *own = layer->host.init;
    if (own && p->init == &own->ref) return own->where;
    return g->init && p->init == &g->init->ref ? g->init->where : layer->where;
}

tn_status tn_graph_blame_init(const tn_graph *g, int32_t param, tn_status status,
                              tn_error *e)
{
    if (!status) return TN_OK;
    tn_error_in(e, "initializer of %s", g->param[param].name);
    tn_cfg_in(place_of_init(g, &g->param[param]), e);
    return status;
}

static tn_status draw(tn_graph *g, int32_t param, tn_error *e)
{
    tn_graph_param *p = &g->param[param];
    if (p->given) return TN_OK;
    const tn_param_info info = tn_graph_param_info(g, param);
    if (!p->init) {
        fill_parts(p);
        return TN_OK;
    }
    const tn_initializer *init = p->init->vtable;
    tn_calling calling;
    tn_call *call = tn_call_refer(&calling, g->env, p->init, g->real, e);
    const tn_status status = tn_call_end(
        &calling, init->fill(p->init->self, call, &info, &p->value));
    return tn_graph_blame_init(g, param, status, e);
}

/* What the parametrization of parameter i has, once there is a raw weight. */
static tn_status start(tn_graph *g, int32_t i, tn_error *e)
{
    const tn_graph_param *p = &g->param[i];
    tn_tensor *param[TN_MAX_OWN] = {0}, *state[TN_MAX_OWN] = {0};
    tn_tensor raw = tn_tensor_over(&p->raw, -1, g->real, p->value.data);
    if (!p->parametrization) return TN_OK;
    const tn_layer_facts f = tn_real_ops_of(g->real)->facts(p->parametrization->vtable);
    if (!f.start) return TN_OK;
    for (int32_t k = 0; k < p->own; k++)
        if (!g->param[p->first_own + k].given)
            param[k] = &g->param[p->first_own + k].value;
    for (int32_t k = 0; k < p->own_states; k++)
        if (!g->state[p->first_own_state + k].given)
            state[k] = &g->state[p->first_own_state + k].value;
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, g->env, p->parametrization, g->real, e);
    const tn_key key = tn_key_derive(key_of(g, p->name), 1, 0);
    const tn_status status = tn_call_end(
        &calling, f.start(p->parametrization->self, call, key, &raw, param, state));
    if (!status) return TN_OK;
    tn_error_in(e, "parametrization of %s", p->name);
    tn_cfg_in(p->parametrization->where, e);
    return status;
}

tn_status tn_graph_draw(tn_graph *g, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < g->params; i++) status = draw(g, i, e);
    for (int32_t i = 0; !status && i < g->params; i++) status = start(g, i, e);
    return status;
}
