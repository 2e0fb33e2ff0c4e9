/* plan_new.c - makes plans: see plan_state.h. */
#include "core/plan_state.h"

enum { SLAB_BYTES = 1 << 20 /* bytes */ };

const tn_real_ops *tn_real_ops_of(int32_t real)
{
    return real ? &tn_real_ops_f64 : &tn_real_ops_f32;
}

/* ---- making --------------------------------------------------------------------------- */

static tn_own own_of(const tn_tensor *value, const tn_shape *shape, int32_t along)
{
    return (tn_own){
        .along = along, .size = tn_count(value), .shape = shape, .value = value->data};
}

/* States of layers with per-column statistics are per column, if they have one value each. */
static int32_t state_along(const tn_unit *u, const tn_tensor *value)
{
    const bool fits = tn_count(value) == u->width;
    return (u->facts.flags & TN_COLUMNS) && fits ? TN_PER_COLUMN : TN_ENTIRE;
}

/* What the layer says of itself, and infer of this node. */
static tn_layer_facts facts_of(const tn_plan *p, const tn_instance *layer,
                               const tn_node *spec)
{
    tn_layer_facts f = p->ops->facts(layer->vtable);
    f.flags = spec->flags;
    return f;
}

/* Whether the gradient of parameter i is wanted. */
static bool is_trained(const tn_plan *p, int32_t number)
{
    return p->options.training && !p->graph->param[number].rule.frozen;
}

/* The same of what the layer uses in its place: what it is made of counts. */
static bool is_used_trained(const tn_plan *p, int32_t number)
{
    const tn_graph_param *q = &p->graph->param[number];
    bool trained = is_trained(p, number);
    for (int32_t k = 0; !trained && k < q->own; k++)
        trained = is_trained(p, q->first_own + k);
    return trained;
}

/* Whether a sink can have the gradient: its layer makes it last, by one product, and it is that of
 * the weight itself. */
static bool yields(const tn_plan *p, int32_t number)
{
    const tn_graph_param *q = &p->graph->param[number];
    const tn_graph_node *node = &p->graph->node[q->node];
    const tn_layer_facts f = facts_of(p, node->layer, &node->spec);
    return is_trained(p, number) && !p->options.accumulates && q->owner < 0 &&
           !q->parametrization && q->spec.role == TN_WEIGHT && tn_gives_by_product(&f) &&
           (f.flags & TN_WEIGHT_LAST);
}

/* Gives a unit `params` parameters and `states` states of the graph, from these numbers on. */
static void bind_own(const tn_plan *p, tn_unit *u, int32_t first_param, int32_t params,
                     int32_t first_state, int32_t states)
{
    u->params = params, u->states = states;
    for (int32_t i = 0; i < params; i++) {
        const tn_graph_param *q = &p->graph->param[first_param + i];
        const tn_plan_weight *w = p->weight[first_param + i];
        u->param[i] = own_of(&q->value, &q->spec.shape, q->spec.along);
        if (w) u->param[i].value = w->value;
        if (!p->options.training && !p->options.keeps && !p->options.draws &&
            q->spec.role == TN_WEIGHT)
            u->param[i].packed = &p->graph->param[first_param + i].packed;
        if (!p->options.training) continue;
        u->param[i].gradient = w ? w->gradient : p->gradient[first_param + i];
        u->param[i].number = first_param + i;
        u->param[i].yields = yields(p, first_param + i);
    }
    for (int32_t i = 0; i < states; i++) {
        const tn_graph_state *s = &p->graph->state[first_state + i];
        u->state[i] = own_of(&s->value, NULL, state_along(u, &s->value));
    }
}

bool tn_plan_idles(const tn_plan *p, uint32_t flags)
{
    const bool draws = p->options.draws && (flags & TN_RANDOM);
    return (flags & TN_IDLE) && !p->options.training && !draws;
}

tn_key tn_plan_key(const tn_plan *p, int32_t number, uint64_t stream)
{
    const uint64_t seed = p->graph->seed;
    const tn_key key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return tn_key_derive(key, (uint64_t)number, stream);
}

static tn_unit make_unit(const tn_plan *p, const tn_instance *layer, const tn_node *spec,
                         tn_key key)
{
    return (tn_unit){.layer = layer,
                     .backend = p->backend,
                     .env = p->graph->env,
                     .real = p->graph->real,
                     .spec = spec,
                     .facts = facts_of(p, layer, spec),
                     .width = tn_shape_width(&spec->in[0]),
                     .rows_per_sample = tn_rows_per_sample(&spec->in[0]),
                     .key = key};
}

/* The parametrization of parameter i, if it has one that matters here. */
static tn_status add_weight(tn_plan *p, int32_t i, tn_error *e)
{
    const tn_graph_param *q = &p->graph->param[i];
    if (!q->parametrization) return TN_OK;
    const tn_layer_facts f = p->ops->facts(q->parametrization->vtable);
    if ((f.flags & TN_VIEW) || tn_plan_idles(p, f.flags)) return TN_OK;
    if (p->options.training && !f.differentiable)
        return tn_cfg_error(q->parametrization->where, e, TN_ENOTSUP,
                            "%s has no backward, so %s cannot be trained",
                            q->parametrization->entry->name, q->name);
    const int64_t n = tn_count(&q->value);
    tn_plan_weight *w = p->weight[i] = tn_plan_take(p, 1, sizeof *w, e);
    if (!w || !(w->value = tn_plan_take(p, n, p->real_size, e))) return TN_ENOMEM;
    if (is_used_trained(p, i) && !(w->gradient = tn_plan_take(p, n, p->real_size, e)))
        return TN_ENOMEM;
    if (p->total && w->gradient && !(w->total = tn_plan_take(p, n, p->real_size, e)))
        return TN_ENOMEM;
    w->spec = q->parametrized;
    w->spec.in = &q->raw;
    w->unit = make_unit(p, q->parametrization, &w->spec, tn_plan_key(p, i, 2));
    w->unit.x[0] = q->value.data, w->unit.y = w->value;
    w->unit.gy = w->gradient, w->unit.gx[0] = p->options.training ? p->gradient[i] : NULL;
    bind_own(p, &w->unit, q->first_own, q->own, q->first_own_state, q->own_states);
    const tn_span always = {0, INT32_MAX};
    return tn_plan_want_kernel(p, &w->unit, 1, always, e);
}

static bool wants_gradient(const tn_plan *p, int32_t number)
{
    const tn_graph_node *from = &p->graph->node[number];
    bool wants = false;
    for (int32_t k = 0; k < from->params; k++)
        wants = wants || is_used_trained(p, from->first_param + k);
    for (int32_t k = 0; k < from->inputs; k++)
        wants = wants || p->node[from->input[k]].wants;
    return wants;
}

static tn_status add_node(tn_plan *p, int32_t number, tn_error *e)
{
    const tn_graph_node *from = &p->graph->node[number];
    tn_plan_node *n = &p->node[number];
    n->size = tn_shape_count(&from->spec.out);
    n->home = number;
    n->again.when = -1;
    n->late = &n->unit;
    if (from->layer) {
        n->unit = make_unit(p, from->layer, &from->spec, tn_plan_key(p, number, 1));
        n->wants = wants_gradient(p, number);
        const uint32_t flags = n->unit.facts.flags;
        if ((flags & TN_VIEW) || tn_plan_idles(p, flags))
            n->home = p->node[from->input[0]].home;
        bind_own(p, &n->unit, from->first_param, from->params, from->first_state,
                 from->states);
    }
    if (n->wants && p->options.training && !n->unit.facts.differentiable)
        return tn_cfg_error(from->layer->where, e, TN_ENOTSUP,
                            "%s has no backward, so nothing before it can be trained",
                            from->layer->entry->name);
    return TN_OK;
}

int32_t tn_plan_source(const tn_plan *p, int32_t node, int32_t k)
{
    return p->node[p->graph->node[node].input[k]].home;
}

int32_t tn_plan_last(const tn_plan *p)
{
    return p->node[p->graph->nodes - 1].home;
}

static tn_status take_gradient(tn_plan *p, int32_t i, tn_error *e)
{
    const int64_t n = tn_count(&p->graph->param[i].value);
    p->gradient[i] = tn_plan_take(p, n, p->real_size, e);
    p->size.gradients += (size_t)n * p->real_size;
    return p->gradient[i] ? TN_OK : TN_ENOMEM;
}

static tn_status take_gradients(tn_plan *p, tn_error *e)
{
    const tn_graph *g = p->graph;
    const bool *unstored = p->options.unstored;
    tn_status status = TN_OK;
    p->gradient = tn_plan_take(p, g->params + 1, sizeof(void *), e);
    if (!p->gradient) return TN_ENOMEM;
    for (int32_t i = 0; !status && i < g->params && !p->options.measures; i++)
        if (is_trained(p, i) && (!unstored || !unstored[i] || !yields(p, i)))
            status = take_gradient(p, i, e);
    return status;
}

static tn_status take_totals(tn_plan *p, tn_error *e)
{
    const tn_graph *g = p->graph;
    if (!(p->total = tn_plan_take(p, g->params + 1, sizeof(void *), e))) return TN_ENOMEM;
    for (int32_t i = 0; i < g->params && !p->options.measures; i++)
        if (p->gradient[i] && !(p->total[i] = tn_plan_take(
                                    p, tn_count(&g->param[i].value), p->real_size, e)))
            return TN_ENOMEM;
    return TN_OK;
}

static tn_status take_params(tn_plan *p, bool accumulates, tn_error *e)
{
    const int32_t params = p->graph->params;
    if (!(p->weight = tn_plan_take(p, params + 1, sizeof *p->weight, e)))
        return TN_ENOMEM;
    tn_status status = p->options.training ? take_gradients(p, e) : TN_OK;
    if (!status && accumulates) status = take_totals(p, e);
    for (int32_t i = 0; !status && i < params; i++) status = add_weight(p, i, e);
    return status;
}

/* A sink that takes all of a gradient spares its memory. */
static bool spared(const tn_pass *pass, int32_t param)
{
    const tn_sink *sink = pass->sink ? &pass->sink[param] : NULL;
    return sink && sink->wrote && !sink->stores;
}

tn_status tn_plan_store(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    for (int32_t i = 0; i < p->graph->params; i++) {
        if (p->gradient[i] || !yields(p, i) || spared(pass, i)) continue;
        const int32_t node = p->graph->param[i].node;
        tn_unit *unit = p->node[node].late;
        const int32_t own = i - p->graph->node[node].first_param;
        const tn_status status = take_gradient(p, i, e);
        if (status) return status;
        unit->param[own].gradient = unit->whole->io.gparam[own]->data = p->gradient[i];
    }
    return TN_OK;
}

/* ---- making --------------------------------------------------------------------------- */

static tn_status make(tn_plan *p, tn_error *e)
{
    const tn_graph *g = p->graph;
    p->node = tn_plan_take(p, g->nodes, sizeof *p->node, e);
    tn_status status = p->node ? take_params(p, p->options.accumulates, e) : TN_ENOMEM;
    for (int32_t i = 0; !status && i < g->nodes; i++) status = add_node(p, i, e);
    if (!status) status = tn_plan_fold(p, e);
    if (!status) status = tn_plan_make_groups(p, e);
    if (!status && p->room) status = tn_plan_make_replays(p, e);
    if (!status) tn_plan_make_stretches(p);
    return status ? status : tn_plan_bind(p, e);
}

tn_status tn_plan_make_within(tn_graph *g, const tn_plan_options *options, int64_t room,
                              tn_plan **out, tn_error *e)
{
    *out = NULL;
    const tn_instance *backend;
    tn_status status = tn_env_backend(g->env, g->real, &backend, e);
    if (status) return status;
    tn_plan *p = tn_memory_get(&g->env->memory, sizeof *p, e);
    if (!p) return TN_ENOMEM;
    *p = (tn_plan){.graph = g,
                   .backend = backend,
                   .ops = tn_real_ops_of(g->real),
                   .options = *options,
                   .real_size = g->real ? 8 : 4,
                   .room = room,
                   .arena = {&g->env->memory, SLAB_BYTES, 64, NULL}};
    status = make(p, e);
    if (status)
        tn_plan_free(p);
    else
        *out = p;
    return status;
}

tn_status tn_plan_make(tn_graph *g, const tn_plan_options *options, tn_plan **out,
                       tn_error *e)
{
    const bool low = options->low && options->training && !options->keeps;
    int64_t room = 0;
    *out = NULL;
    const tn_status status = low ? tn_plan_choose_room(g, options, &room, e) : TN_OK;
    return status ? status : tn_plan_make_within(g, options, room, out, e);
}

tn_status tn_plan_new(tn_graph *g, int64_t max_samples, bool training, bool accumulates,
                      tn_plan **out, tn_error *e)
{
    const tn_plan_options options = {
        .samples = max_samples, .training = training, .accumulates = accumulates};
    return tn_plan_make(g, &options, out, e);
}

void tn_plan_free(tn_plan *p)
{
    if (!p) return;
    tn_memory *m = &p->graph->env->memory;
    tn_arena_clear(&p->arena);
    tn_memory_put(m, p->piece);
    tn_memory_put(m, p);
}
