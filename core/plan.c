/* plan.c - see plan.h. One unit per node, run in order; backward runs them in reverse.
 *
 * Invariant: everything a step touches is allocated by tn_plan_new. Views, and at inference
 * layers that are then the identity, have no memory of their own: node i's values live with
 * node home[i]. A gradient is set by the first consumer that gives one and added to by others. */
#include "core/graph_build.h"

#include <string.h>

typedef struct tn_plan_node {
    int32_t home;      /* node that holds the values: i itself, or an earlier one */
    bool wants;        /* a gradient: some parameter lies at or before this node */
    bool given;        /* in this backward: the gradient has a first part */
    void *value, *gradient, *spare;
    int64_t size;      /* of one sample */
    tn_layer_facts facts;
    tn_unit unit;
} tn_plan_node;

struct tn_plan {
    tn_graph *graph;
    const tn_instance *backend;
    const tn_real_ops *ops;
    int64_t max_samples;
    bool training;
    size_t real_size, bytes;
    tn_plan_node *node;
    void **gradient, **total; /* per parameter: of this pass; accumulated (made on first use) */
    double *row_values;       /* of the loss: two per row */
    void **block;
    int32_t blocks;
};

const tn_real_ops *tn_real_ops_of(int32_t real)
{
    return real ? &tn_real_ops_f64 : &tn_real_ops_f32;
}

/* ---- memory --------------------------------------------------------------------------- */

static void *take(tn_plan *p, int64_t count, size_t size, tn_error *e)
{
    tn_memory *m = &p->graph->env->memory;
    const bool full = p->blocks == 0 || (p->blocks & (p->blocks - 1)) == 0;
    if (full) {
        const size_t room = (p->blocks ? 2 * (size_t)p->blocks : 1) * sizeof *p->block;
        void *grown = p->block ? tn_memory_grow(m, p->block, room, e) : tn_memory_get(m, room, e);
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
    if (batch_size(p, per_sample, &n)) return take(p, n, p->real_size, e);
    tn_error_set(e, TN_ENOMEM, "a batch of %lld samples is too large", (long long)p->max_samples);
    return NULL;
}

static tn_status take_sums(tn_plan *p, const tn_plan_node *n, int32_t over, int32_t sums,
                           int32_t stats, tn_sums *out, tn_error *e)
{
    if (!sums) return TN_OK;
    const tn_shape *in = &n->unit.spec->in[0];
    const int64_t per = tn_rows_per_sample(in), rows = p->max_samples * per;
    const int64_t width = tn_shape_width(in), groups = tn_groups(over, rows, width, per);
    const bool apart = over == TN_OVER_ROWS || over == TN_OVER_SAMPLE;
    const int64_t chunks = apart ? 1 : tn_chunks(rows, width);
    out->partial = take(p, chunks * sums * groups, sizeof(double), e);
    if (!out->partial) return TN_ENOMEM;
    for (int32_t q = 0; q < stats; q++)
        if (!(out->stat[q] = take(p, groups, p->real_size, e))) return TN_ENOMEM;
    return TN_OK;
}

static tn_status take_kernel(tn_plan *p, tn_plan_node *n, tn_error *e)
{
    const tn_layer_facts *f = &n->facts;
    const tn_node *spec = n->unit.spec;
    tn_status status = take_sums(p, n, f->over, f->sums, f->stats, &n->unit.sums, e);
    if (!status && p->training)
        status = take_sums(p, n, f->back_over, f->back_sums, f->back_stats, &n->unit.back_sums, e);
    if (status) return status;
    int64_t own = 0;
    for (int32_t i = 0; i < n->unit.params; i++) own += n->unit.param[i].size;
    if (p->training && own && f->kernel != TN_WHOLE) {
        const tn_shape *in = &spec->in[0];
        const int64_t rows = p->max_samples * tn_rows_per_sample(in);
        const int64_t chunks = tn_chunks(rows, tn_shape_width(in));
        if (!(n->unit.gparam_partial = take(p, chunks * own, p->real_size, e))) return TN_ENOMEM;
    }
    if (spec->cache && !(n->unit.cache = take(p, 1, spec->cache, e))) return TN_ENOMEM;
    if (f->kernel == TN_WINDOW) {
        const int64_t channels = tn_shape_width(&spec->in[0]);
        n->unit.window_scratch = take(p, p->ops->threads(p->backend) * channels, p->real_size, e);
        if (!n->unit.window_scratch) return TN_ENOMEM;
    }
    return TN_OK;
}

/* ---- making --------------------------------------------------------------------------- */

static tn_own own_of(const tn_tensor *value, const tn_shape *shape, int32_t along)
{
    return (tn_own){.along = along, .size = tn_count(value), .shape = shape,
                    .value = value->data};
}

/* States of layers with per-column statistics are per column, if they have one value each. */
static int32_t state_along(const tn_plan_node *n, const tn_tensor *value)
{
    const bool fits = tn_count(value) == tn_shape_width(&n->unit.spec->in[0]);
    return (n->facts.flags & TN_COLUMNS) && fits ? TN_PER_COLUMN : TN_ENTIRE;
}

static void bind_own(tn_plan *p, int32_t number)
{
    const tn_graph_node *from = &p->graph->node[number];
    tn_plan_node *n = &p->node[number];
    n->unit.params = from->params, n->unit.states = from->states;
    for (int32_t i = 0; i < from->params; i++) {
        const tn_graph_param *q = &p->graph->param[from->first_param + i];
        n->unit.param[i] = own_of(&q->value, &q->spec.shape, q->spec.along);
    }
    for (int32_t i = 0; i < from->states; i++) {
        const tn_graph_state *s = &p->graph->state[from->first_state + i];
        n->unit.state[i] = own_of(&s->value, NULL, state_along(n, &s->value));
    }
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
        if (shares_gradient(p, number, k) && !(u->gx_spare[k] = take_batch(p, in->size, e)))
            return TN_ENOMEM;
    }
    return TN_OK;
}

static bool wants_gradient(const tn_plan *p, int32_t number)
{
    const tn_graph_node *from = &p->graph->node[number];
    bool wants = from->params > 0;
    for (int32_t k = 0; k < from->inputs; k++) wants = wants || p->node[from->input[k]].wants;
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
        n->unit = (tn_unit){.layer = from->layer, .backend = p->backend, .env = p->graph->env,
                            .real = p->graph->real, .spec = &from->spec};
        n->unit.key = tn_key_derive((tn_key){{(uint32_t)p->graph->seed,
                                              (uint32_t)(p->graph->seed >> 32)}},
                                    (uint64_t)number, 1);
        n->wants = wants_gradient(p, number);
        const bool identity = (n->facts.flags & TN_IDLE) && !p->training;
        if ((n->facts.flags & TN_VIEW) || identity) n->home = p->node[from->input[0]].home;
    }
    if (n->wants && p->training && !n->facts.differentiable)
        return tn_cfg_error(from->layer->where, e, TN_ENOTSUP,
                            "%s has no backward, so nothing before it can be trained",
                            from->layer->entry->name);
    bind_own(p, number);
    if (n->home != number) return TN_OK;
    if (!(n->value = take_batch(p, n->size, e))) return TN_ENOMEM;
    if (n->wants && p->training && !(n->gradient = take_batch(p, n->size, e))) return TN_ENOMEM;
    n->unit.y = n->value, n->unit.gy = n->gradient;
    return from->layer ? take_kernel(p, n, e) : TN_OK;
}

static tn_status take_gradients(tn_plan *p, tn_error *e)
{
    const tn_graph *g = p->graph;
    p->gradient = take(p, g->params + 1, sizeof(void *), e);
    p->total = take(p, g->params + 1, sizeof(void *), e);
    if (!p->gradient || !p->total) return TN_ENOMEM;
    for (int32_t i = 0; i < g->params; i++) {
        p->gradient[i] = take(p, tn_count(&g->param[i].value), p->real_size, e);
        if (!p->gradient[i]) return TN_ENOMEM;
        p->node[g->param[i].node].unit.param[g->param[i].index].gradient = p->gradient[i];
    }
    return TN_OK;
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
    *p = (tn_plan){.graph = g, .backend = backend, .ops = tn_real_ops_of(g->real),
                   .max_samples = max_samples, .training = training,
                   .real_size = g->real ? 8 : 4};
    p->node = take(p, g->nodes, sizeof *p->node, e);
    if (!p->node) status = TN_ENOMEM;
    for (int32_t i = 0; !status && i < g->nodes; i++) status = add_node(p, i, e);
    for (int32_t i = 1; !status && i < g->nodes; i++) status = bind_inputs(p, i, e);
    if (!status && training) status = take_gradients(p, e);
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
    for (int32_t i = 0; i < p->blocks; i++) tn_memory_put(m, p->block[i]);
    tn_memory_put(m, p->block);
    tn_memory_put(m, p);
}

size_t tn_plan_bytes(const tn_plan *p)
{
    return p->bytes;
}

/* ---- running -------------------------------------------------------------------------- */

const void *tn_plan_output(const tn_plan *p, int32_t node)
{
    return p->node[p->node[node].home].value;
}

static tn_status in_layer(const tn_plan *p, int32_t number, tn_status status, tn_error *e)
{
    if (status) tn_error_in(e, "layer '%s'", p->graph->node[number].name);
    return status;
}

tn_status tn_plan_forward(tn_plan *p, const tn_pass *pass, const void *x, const void **y,
                          tn_error *e)
{
    if (pass->samples < 1 || pass->samples > p->max_samples)
        return tn_error_set(e, TN_EINVAL, "a batch of %lld samples, but this plan takes 1 to %lld",
                            (long long)pass->samples, (long long)p->max_samples);
    memcpy(p->node[0].value, x, (size_t)(pass->samples * p->node[0].size) * p->real_size);
    tn_status status = TN_OK;
    for (int32_t i = 1; !status && i < p->graph->nodes; i++)
        if (p->node[i].home == i)
            status = in_layer(p, i, p->ops->forward(&p->node[i].unit, pass, e), e);
    if (!status && y) *y = tn_plan_output(p, p->graph->nodes - 1);
    return status;
}

tn_status tn_plan_loss(tn_plan *p, const tn_pass *pass, const tn_instance *loss,
                       const tn_field *field, double scale, bool gradient, double *value,
                       double *weight, tn_error *e)
{
    const int32_t last = p->graph->nodes - 1;
    const tn_plan_node *home = &p->node[p->node[last].home];
    return p->ops->loss(loss, tn_graph_output(p->graph), pass, home->value, field, scale,
                        p->row_values, gradient ? home->gradient : NULL, value, weight, e);
}

tn_status tn_plan_metric(tn_plan *p, const tn_pass *pass, const tn_instance *metric,
                         const tn_field *field, int64_t sum_count, double *sums, tn_error *e)
{
    p->ops->metric(metric, tn_graph_output(p->graph), pass,
                   tn_plan_output(p, p->graph->nodes - 1), field, sums);
    return TN_OK;
}

/* Decides for every input whether its gradient is set or added to. */
static void prepare_backward(tn_plan *p, int32_t number)
{
    const tn_graph_node *from = &p->graph->node[number];
    tn_unit *u = &p->node[number].unit;
    for (int32_t k = 0; k < from->inputs; k++) {
        tn_plan_node *home = &p->node[p->node[from->input[k]].home];
        if (!u->gx[k]) continue;
        u->gx_add[k] = home->given;
        home->given = true;
    }
}

static tn_status run_backward(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    const int32_t last = p->graph->nodes - 1;
    for (int32_t i = 0; i <= last; i++) p->node[i].given = false;
    p->node[p->node[last].home].given = true;
    tn_status status = TN_OK;
    for (int32_t i = last; !status && i > 0; i--) {
        tn_plan_node *n = &p->node[i];
        if (n->home != i || !n->wants) continue;
        if (!n->given) /* nothing behind it counts: its gradient is zero */
            memset(n->gradient, 0, (size_t)(pass->samples * n->size) * p->real_size);
        prepare_backward(p, i);
        status = in_layer(p, i, p->ops->backward(&n->unit, pass, e), e);
    }
    return status;
}

static tn_status make_totals(tn_plan *p, tn_error *e)
{
    for (int32_t i = 0; i < p->graph->params; i++) {
        if (p->total[i]) continue;
        p->total[i] = take(p, tn_count(&p->graph->param[i].value), p->real_size, e);
        if (!p->total[i]) return TN_ENOMEM;
    }
    return TN_OK;
}

tn_status tn_plan_backward(tn_plan *p, const tn_pass *pass, bool add, tn_error *e)
{
    if (!p->training) return tn_error_set(e, TN_EINVAL, "this plan is for inference only");
    if (!add) return run_backward(p, pass, e);
    tn_status status = make_totals(p, e);
    const tn_graph *g = p->graph;
    for (int32_t i = 0; !status && i < g->params; i++)
        memcpy(p->total[i], p->gradient[i],
               (size_t)tn_count(&g->param[i].value) * p->real_size);
    if (!status) status = run_backward(p, pass, e);
    for (int32_t i = 0; !status && i < g->params; i++)
        p->ops->add(p->backend, p->gradient[i], p->total[i], tn_count(&g->param[i].value));
    return status;
}

tn_tensor tn_plan_gradient(const tn_plan *p, int32_t param)
{
    tn_tensor t = p->graph->param[param].value;
    t.data = p->gradient[param];
    return t;
}

tn_status tn_plan_commit(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = 1; !status && i < p->graph->nodes; i++)
        if (p->node[i].facts.commits && p->node[i].home == i)
            status = p->ops->commit(&p->node[i].unit, pass, e);
    return status;
}

int32_t tn_plan_first_bad(const tn_plan *p, const tn_pass *pass)
{
    for (int32_t i = 0; i < p->graph->nodes; i++)
        if (!p->ops->finite(tn_plan_output(p, i), pass->samples * p->node[i].size)) return i;
    return -1;
}

/* ---- what whole-class layers call ------------------------------------------------------ */

tn_status tn_plan_product(tn_calling *c, const tn_product *product)
{
    if (!c->plan) return tn_error_set(c->error, TN_EINVAL, "products are for whole layers only");
    return tn_real_ops_of(c->real)->product(c->plan, c, product);
}

tn_status tn_plan_column_sums(tn_calling *c, const tn_tensor *m, tn_tensor *out)
{
    const tn_matrix matrix = tn_matrix_of(m);
    if (!c->plan) return tn_error_set(c->error, TN_EINVAL, "sums are for whole layers only");
    if (tn_count(out) != matrix.cols)
        return tn_error_set(c->error, TN_ESHAPE, "column sums of %lld columns into %lld values",
                            (long long)matrix.cols, (long long)tn_count(out));
    return tn_real_ops_of(c->real)->column_sums(&matrix, out->data);
}
