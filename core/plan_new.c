/* plan_new.c - makes plans: see plan_state.h. */
#include "core/plan_state.h"

enum { SLAB_BYTES = 1 << 20 /* bytes */ };

const tn_real_ops *tn_real_ops_of(int32_t real)
{
    return real ? &tn_real_ops_f64 : &tn_real_ops_f32;
}

/* ---- memory --------------------------------------------------------------------------- */

static void *take(tn_plan *p, int64_t count, size_t size, tn_error *e)
{
    return tn_arena_get(&p->arena, (size_t)count, size, e);
}

/* A batch of `samples` items of `count` values of `size` bytes. */
static void *take_batch(tn_plan *p, int64_t samples, int64_t count, size_t size,
                        tn_error *e)
{
    int64_t n;
    if (tn_size_mul(count, samples, &n)) return take(p, n, size, e);
    tn_error_set(e, TN_ENOMEM, "a batch of %lld samples is too large",
                 (long long)samples);
    return NULL;
}

static tn_status take_sums(tn_plan *p, int32_t over, const tn_space *space,
                           int64_t groups, int32_t sums, int32_t stats, tn_sums *out,
                           tn_error *e)
{
    if (!sums) return TN_OK;
    out->partial = take(p, tn_sum_room(over, space, groups, sums), sizeof(double), e);
    if (!out->partial) return TN_ENOMEM;
    for (int32_t q = 0; q < stats; q++)
        if (!(out->stat[q] = take(p, groups, p->real_size, e))) return TN_ENOMEM;
    return TN_OK;
}

static tn_status take_partials(tn_plan *p, tn_unit *u, const tn_space *space, tn_error *e)
{
    int64_t own = 0;
    for (int32_t i = 0; i < u->params; i++) own += u->param[i].size;
    if (!p->training || !own) return TN_OK;
    u->gparam_partial = take_batch(p, tn_space_chunks(space), own, p->real_size, e);
    return u->gparam_partial ? TN_OK : TN_ENOMEM;
}

/* What the kernels of a unit need beside inputs and output. */
static tn_status take_kernel(tn_plan *p, tn_unit *u, const tn_layer_facts *f,
                             int64_t samples, tn_error *e)
{
    const tn_shape *in = &u->spec->in[0];
    const int64_t per = tn_rows_per_sample(in), width = tn_shape_width(in);
    const int64_t groups = tn_groups(f->over, samples * per, width, per);
    const tn_space space = tn_unit_space(f, in, samples);
    if (f->kernel == TN_WHOLE) {
        if (u->spec->cache)
            u->cache = take_batch(p, samples, (int64_t)u->spec->cache, 1, e);
        return u->cache || !u->spec->cache ? TN_OK : TN_ENOMEM;
    }
    tn_status status = take_sums(p, f->over, &space, groups, f->sums, f->stats, &u->sums,
                                 e);
    if (!status && p->training)
        status = take_sums(p, f->over, &space, groups, f->back_sums, f->back_stats,
                           &u->back_sums, e);
    if (!status) status = take_partials(p, u, &space, e);
    if (status || f->kernel != TN_WINDOW) return status;
    const int32_t threads = p->ops->threads(p->backend);
    u->window_scratch = take_batch(p, threads, width, p->real_size, e);
    return u->window_scratch ? TN_OK : TN_ENOMEM;
}

/* ---- making --------------------------------------------------------------------------- */

static tn_own own_of(const tn_tensor *value, const tn_shape *shape, int32_t along)
{
    return (tn_own){
        .along = along, .size = tn_count(value), .shape = shape, .value = value->data};
}

/* States of layers with per-column statistics are per column, if they have one value each. */
static int32_t state_along(const tn_unit *u, const tn_layer_facts *f,
                           const tn_tensor *value)
{
    const bool fits = tn_count(value) == tn_shape_width(&u->spec->in[0]);
    return (f->flags & TN_COLUMNS) && fits ? TN_PER_COLUMN : TN_ENTIRE;
}

/* Gives a unit `params` parameters and `states` states of the graph, from these numbers on. */
static void bind_own(const tn_plan *p, tn_unit *u, const tn_layer_facts *f,
                     int32_t first_param, int32_t params, int32_t first_state,
                     int32_t states)
{
    u->params = params, u->states = states;
    for (int32_t i = 0; i < params; i++) {
        const tn_graph_param *q = &p->graph->param[first_param + i];
        const tn_plan_weight *w = p->weight[first_param + i];
        u->param[i] = own_of(&q->value, &q->spec.shape, q->spec.along);
        if (w) u->param[i].value = w->value;
        if (!p->training) continue;
        u->param[i].gradient = w ? w->gradient : p->gradient[first_param + i];
    }
    for (int32_t i = 0; i < states; i++) {
        const tn_graph_state *s = &p->graph->state[first_state + i];
        u->state[i] = own_of(&s->value, NULL, state_along(u, f, &s->value));
    }
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
                     .key = key};
}

/* The parametrization of parameter i, if it has one that matters here. */
static tn_status add_weight(tn_plan *p, int32_t i, tn_error *e)
{
    const tn_graph_param *q = &p->graph->param[i];
    if (!q->parametrization) return TN_OK;
    const tn_layer_facts f = p->ops->facts(q->parametrization->vtable);
    if ((f.flags & TN_VIEW) || ((f.flags & TN_IDLE) && !p->training)) return TN_OK;
    if (p->training && !f.differentiable)
        return tn_cfg_error(q->parametrization->where, e, TN_ENOTSUP,
                            "%s has no backward, so %s cannot be trained",
                            q->parametrization->entry->name, q->name);
    const int64_t n = tn_count(&q->value);
    tn_plan_weight *w = p->weight[i] = take(p, 1, sizeof *w, e);
    if (!w || !(w->value = take(p, n, p->real_size, e))) return TN_ENOMEM;
    if (p->training && !(w->gradient = take(p, n, p->real_size, e))) return TN_ENOMEM;
    w->facts = f;
    w->spec = q->parametrized;
    w->spec.in = &q->raw;
    w->unit = make_unit(p, q->parametrization, &w->spec, tn_plan_key(p, i, 2));
    w->unit.x[0] = q->value.data, w->unit.y = w->value;
    w->unit.gy = w->gradient, w->unit.gx[0] = p->training ? p->gradient[i] : NULL;
    bind_own(p, &w->unit, &f, q->first_own, q->own, q->first_own_state, q->own_states);
    return take_kernel(p, &w->unit, &f, 1, e);
}

/* Does a node behind `before`, or the loss, use this one's values? */
static bool used_behind(const tn_plan *p, int32_t home, int32_t before)
{
    if (p->node[p->graph->nodes - 1].home == home) return true;
    for (int32_t i = before + 1; i < p->graph->nodes; i++)
        for (int32_t k = 0; k < p->graph->node[i].inputs; k++)
            if (p->node[p->graph->node[i].input[k]].home == home) return true;
    return false;
}

/* Does anything beside this input give to the same gradient? Then it may have to add. */
static bool shares_gradient(const tn_plan *p, int32_t number, int32_t k)
{
    const tn_graph_node *from = &p->graph->node[number];
    const int32_t home = p->node[from->input[k]].home;
    for (int32_t j = 0; j < from->inputs; j++)
        if (j != k && p->node[from->input[j]].home == home) return true;
    return used_behind(p, home, number);
}

static tn_status bind_inputs(tn_plan *p, int32_t number, tn_error *e)
{
    const tn_graph_node *from = &p->graph->node[number];
    tn_unit *u = &p->node[number].unit;
    for (int32_t k = 0; k < from->inputs; k++) {
        const tn_plan_node *in = &p->node[from->input[k]];
        const tn_plan_node *home = &p->node[in->home];
        u->x[k] = home->value;
        if (!p->training || !home->wants) continue;
        u->gx[k] = home->gradient;
        if (p->node[number].facts.kernel == TN_WINDOW || !shares_gradient(p, number, k))
            continue; /* windows add by themselves */
        u->gx_spare[k] = take_batch(p, p->max_samples, in->size, p->real_size, e);
        if (!u->gx_spare[k]) return TN_ENOMEM;
    }
    return TN_OK;
}

static bool wants_gradient(const tn_plan *p, int32_t number)
{
    const tn_graph_node *from = &p->graph->node[number];
    bool wants = from->params > 0;
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
    if (from->layer) {
        n->facts = p->ops->facts(from->layer->vtable);
        n->unit = make_unit(p, from->layer, &from->spec, tn_plan_key(p, number, 1));
        n->wants = wants_gradient(p, number);
        const bool identity = (n->facts.flags & TN_IDLE) && !p->training;
        if ((n->facts.flags & TN_VIEW) || identity)
            n->home = p->node[from->input[0]].home;
        bind_own(p, &n->unit, &n->facts, from->first_param, from->params,
                 from->first_state, from->states);
    }
    if (n->wants && p->training && !n->facts.differentiable)
        return tn_cfg_error(from->layer->where, e, TN_ENOTSUP,
                            "%s has no backward, so nothing before it can be trained",
                            from->layer->entry->name);
    if (n->home != number) return TN_OK;
    n->value = take_batch(p, p->max_samples, n->size, p->real_size, e);
    if (!n->value) return TN_ENOMEM;
    if (n->wants && p->training)
        n->gradient = take_batch(p, p->max_samples, n->size, p->real_size, e);
    if (n->wants && p->training && !n->gradient) return TN_ENOMEM;
    n->unit.y = n->value, n->unit.gy = n->gradient;
    return from->layer ? take_kernel(p, &n->unit, &n->facts, p->max_samples, e) : TN_OK;
}

/* One block of values for each parameter. */
static tn_status take_per_param(tn_plan *p, void ***out, tn_error *e)
{
    const tn_graph *g = p->graph;
    if (!(*out = take(p, g->params + 1, sizeof(void *), e))) return TN_ENOMEM;
    for (int32_t i = 0; i < g->params; i++)
        if (!((*out)[i] = take(p, tn_count(&g->param[i].value), p->real_size, e)))
            return TN_ENOMEM;
    return TN_OK;
}

static tn_status take_params(tn_plan *p, bool accumulates, tn_error *e)
{
    const int32_t params = p->graph->params;
    if (!(p->weight = take(p, params + 1, sizeof *p->weight, e))) return TN_ENOMEM;
    tn_status status = p->training ? take_per_param(p, &p->gradient, e) : TN_OK;
    if (!status && accumulates) status = take_per_param(p, &p->total, e);
    for (int32_t i = 0; !status && i < params; i++) status = add_weight(p, i, e);
    return status;
}

tn_status tn_plan_new(tn_graph *g, int64_t max_samples, bool training, bool accumulates,
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
                   .max_samples = max_samples,
                   .training = training,
                   .real_size = g->real ? 8 : 4,
                   .arena = {&g->env->memory, SLAB_BYTES, 64, NULL}};
    p->node = take(p, g->nodes, sizeof *p->node, e);
    if (!p->node) status = TN_ENOMEM;
    if (!status) status = take_params(p, accumulates, e);
    for (int32_t i = 0; !status && i < g->nodes; i++) status = add_node(p, i, e);
    for (int32_t i = 1; !status && i < g->nodes; i++) status = bind_inputs(p, i, e);
    const int64_t rows = tn_rows_per_sample(tn_graph_output(g));
    if (!status && !(p->row_values = take(p, 2 * rows * max_samples, sizeof(double), e)))
        status = TN_ENOMEM;
    if (status)
        tn_plan_free(p);
    else
        *out = p;
    return status;
}

void tn_plan_free(tn_plan *p)
{
    if (!p) return;
    tn_memory *m = &p->graph->env->memory;
    tn_arena_clear(&p->arena);
    tn_memory_put(m, p);
}
