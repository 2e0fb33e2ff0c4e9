/* plan_new.c - makes plans: see plan_state.h. */
#include "core/plan_state.h"

const tn_real_ops *tn_real_ops_of(int32_t real)
{
    return real ? &tn_real_ops_f64 : &tn_real_ops_f32;
}

/* ---- memory --------------------------------------------------------------------------- */

void *tn_plan_take(tn_plan *p, int64_t count, size_t size, tn_error *e)
{
    tn_memory *m = &p->graph->env->memory;
    const bool full = p->blocks == 0 || (p->blocks & (p->blocks - 1)) == 0;
    if (full) {
        const size_t room = (p->blocks ? 2 * (size_t)p->blocks : 1) * sizeof *p->block;
        void *grown = p->block ? tn_memory_grow(m, p->block, room, e)
                               : tn_memory_get(m, room, e);
        if (!grown) return NULL;
        p->block = grown;
    }
    void *block = tn_memory_array(m, (size_t)count, size, e);
    if (block) p->block[p->blocks++] = block, p->bytes += (size_t)count * size;
    return block;
}

static bool batch_size(const tn_plan *p, int64_t per_sample, int64_t *n)
{
    return tn_size_mul(per_sample, p->max_samples, n);
}

/* A whole batch of `per_sample` values. */
static void *take_batch(tn_plan *p, int64_t per_sample, tn_error *e)
{
    int64_t n;
    if (batch_size(p, per_sample, &n)) return tn_plan_take(p, n, p->real_size, e);
    tn_error_set(e, TN_ENOMEM, "a batch of %lld samples is too large",
                 (long long)p->max_samples);
    return NULL;
}

static tn_status take_sums(tn_plan *p, const tn_unit *u, int64_t samples, int32_t over,
                           int32_t sums, int32_t stats, tn_sums *out, tn_error *e)
{
    if (!sums) return TN_OK;
    const tn_shape *in = &u->spec->in[0];
    const int64_t per = tn_rows_per_sample(in), rows = samples * per;
    const int64_t width = tn_shape_width(in), groups = tn_groups(over, rows, width, per);
    const bool apart = over == TN_OVER_ROWS || over == TN_OVER_SAMPLE;
    const int64_t chunks = apart ? 1 : tn_chunks(rows, width);
    out->partial = tn_plan_take(p, chunks * sums * groups, sizeof(double), e);
    if (!out->partial) return TN_ENOMEM;
    for (int32_t q = 0; q < stats; q++)
        if (!(out->stat[q] = tn_plan_take(p, groups, p->real_size, e))) return TN_ENOMEM;
    return TN_OK;
}

/* What the kernels of a unit need beside inputs and output. */
static tn_status take_kernel(tn_plan *p, tn_unit *u, const tn_layer_facts *f,
                             int64_t samples, tn_error *e)
{
    const tn_shape *in = &u->spec->in[0];
    const int64_t rows = samples * tn_rows_per_sample(in), width = tn_shape_width(in);
    int64_t own = 0;
    tn_status status = take_sums(p, u, samples, f->over, f->sums, f->stats, &u->sums, e);
    if (!status && p->training)
        status = take_sums(p, u, samples, f->back_over, f->back_sums, f->back_stats,
                           &u->back_sums, e);
    if (status) return status;
    for (int32_t i = 0; i < u->params; i++) own += u->param[i].size;
    if (p->training && own && f->kernel != TN_WHOLE) {
        u->gparam_partial = tn_plan_take(p, tn_chunks(rows, width) * own, p->real_size,
                                         e);
        if (!u->gparam_partial) return TN_ENOMEM;
    }
    if (u->spec->cache && !(u->cache = tn_plan_take(p, 1, u->spec->cache, e)))
        return TN_ENOMEM;
    if (f->kernel == TN_WINDOW) {
        const int32_t threads = p->ops->threads(p->backend);
        u->window_scratch = tn_plan_take(p, threads * width, p->real_size, e);
        if (!u->window_scratch) return TN_ENOMEM;
    }
    return TN_OK;
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
        const tn_plan_weight *w = &p->weight[first_param + i];
        u->param[i] = own_of(&q->value, &q->spec.shape, q->spec.along);
        if (w->used) u->param[i].value = w->value;
        if (!p->training) continue;
        u->param[i].gradient = w->used ? w->gradient : p->gradient[first_param + i];
    }
    for (int32_t i = 0; i < states; i++) {
        const tn_graph_state *s = &p->graph->state[first_state + i];
        u->state[i] = own_of(&s->value, NULL, state_along(u, f, &s->value));
    }
}

static tn_unit make_unit(const tn_plan *p, const tn_instance *layer, const tn_node *spec,
                         uint64_t number, uint64_t stream)
{
    const uint64_t seed = p->graph->seed;
    const tn_key key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return (tn_unit){.layer = layer,
                     .backend = p->backend,
                     .env = p->graph->env,
                     .real = p->graph->real,
                     .spec = spec,
                     .key = tn_key_derive(key, number, stream)};
}

/* The parametrization of parameter i, if it has one that matters here. */
static tn_status add_weight(tn_plan *p, int32_t i, tn_error *e)
{
    const tn_graph_param *q = &p->graph->param[i];
    tn_plan_weight *w = &p->weight[i];
    if (!q->parametrization) return TN_OK;
    const tn_layer_facts f = p->ops->facts(q->parametrization->vtable);
    if ((f.flags & TN_VIEW) || ((f.flags & TN_IDLE) && !p->training)) return TN_OK;
    const int64_t n = tn_count(&q->value);
    if (!(w->value = tn_plan_take(p, n, p->real_size, e))) return TN_ENOMEM;
    if (p->training && !(w->gradient = tn_plan_take(p, n, p->real_size, e)))
        return TN_ENOMEM;
    w->spec = q->parametrized;
    w->spec.in = &q->raw;
    w->unit = make_unit(p, q->parametrization, &w->spec, (uint64_t)i, 2);
    w->unit.x[0] = q->value.data, w->unit.y = w->value;
    w->unit.gy = w->gradient, w->unit.gx[0] = p->training ? p->gradient[i] : NULL;
    bind_own(p, &w->unit, &f, q->first_own, q->own, q->first_own_state, q->own_states);
    w->used = true;
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
        if (shares_gradient(p, number, k) &&
            !(u->gx_spare[k] = take_batch(p, in->size, e)))
            return TN_ENOMEM;
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
        n->unit = make_unit(p, from->layer, &from->spec, (uint64_t)number, 1);
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
    if (!(n->value = take_batch(p, n->size, e))) return TN_ENOMEM;
    if (n->wants && p->training && !(n->gradient = take_batch(p, n->size, e)))
        return TN_ENOMEM;
    n->unit.y = n->value, n->unit.gy = n->gradient;
    return from->layer ? take_kernel(p, &n->unit, &n->facts, p->max_samples, e) : TN_OK;
}

static tn_status take_params(tn_plan *p, tn_error *e)
{
    const tn_graph *g = p->graph;
    p->weight = tn_plan_take(p, g->params + 1, sizeof *p->weight, e);
    p->gradient = tn_plan_take(p, g->params + 1, sizeof(void *), e);
    p->total = tn_plan_take(p, g->params + 1, sizeof(void *), e);
    if (!p->weight || !p->gradient || !p->total) return TN_ENOMEM;
    for (int32_t i = 0; p->training && i < g->params; i++) {
        p->gradient[i] = tn_plan_take(p, tn_count(&g->param[i].value), p->real_size, e);
        if (!p->gradient[i]) return TN_ENOMEM;
    }
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < g->params; i++) status = add_weight(p, i, e);
    return status;
}

tn_status tn_plan_new(tn_graph *g, int64_t max_samples, bool training, tn_plan **out,
                      tn_error *e)
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
                   .real_size = g->real ? 8 : 4};
    p->node = tn_plan_take(p, g->nodes, sizeof *p->node, e);
    if (!p->node) status = TN_ENOMEM;
    if (!status) status = take_params(p, e);
    for (int32_t i = 0; !status && i < g->nodes; i++) status = add_node(p, i, e);
    for (int32_t i = 1; !status && i < g->nodes; i++) status = bind_inputs(p, i, e);
    const int64_t rows = tn_rows_per_sample(tn_graph_output(g));
    if (!status &&
        !(p->row_values = tn_plan_take(p, 2 * rows * max_samples, sizeof(double), e)))
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
    for (int32_t i = 0; i < p->blocks; i++) tn_memory_put(m, p->block[i]);
    tn_memory_put(m, p->block);
    tn_memory_put(m, p);
}

size_t tn_plan_bytes(const tn_plan *p)
{
    return p->bytes;
}
