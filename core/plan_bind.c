/* plan_bind.c - what memory a plan's nodes need, in the spans that plan_span.c says, and where they find
 * it once it is laid out. */
#include "core/plan_state.h"

/* ---- kernels -------------------------------------------------------------------------- */

static tn_status want_sums(tn_plan *p, int32_t over, const tn_space *space,
                           int64_t groups, int32_t sums, int32_t stats, tn_span span,
                           tn_sums *out, tn_error *e)
{
    if (!sums) return TN_OK;
    for (int32_t q = 0; q < stats; q++)
        if (!(out->stat[q] = tn_plan_take(p, groups, p->real_size, e))) return TN_ENOMEM;
    return tn_plan_want(p, 1, tn_sum_room(over, space, groups, sums), sizeof(double),
                        span, (void **)&out->partial, e);
}

static tn_status want_partials(tn_plan *p, tn_unit *u, const tn_space *space,
                               tn_span span, tn_error *e)
{
    int64_t own = 0;
    for (int32_t i = 0; i < u->params; i++) own += u->param[i].size;
    if (!p->options.training || !own) return TN_OK;
    return tn_plan_want(p, tn_space_chunks(space), own, p->real_size, span,
                        &u->gparam_partial, e);
}

/* Of what a whole layer remembers, a kernel that runs forward, and backward. */
static tn_status want_cache(tn_plan *p, tn_unit *u, int64_t samples, tn_span span,
                            tn_error *e)
{
    if (u->facts.kernel != TN_WHOLE || !u->spec->cache) return TN_OK;
    return tn_plan_want(p, samples, (int64_t)u->spec->cache, 1, span, &u->cache, e);
}

/* Of what it leaves for commit, which comes when the pass is over. */
static tn_status take_held(tn_plan *p, tn_unit *u, int64_t samples, tn_error *e)
{
    int64_t bytes;
    const bool wanted = p->options.training || p->options.carries;
    if (!u->spec->held || !wanted || p->options.measures) return TN_OK;
    if (!tn_size_mul(samples, (int64_t)u->spec->held, &bytes))
        return tn_error_set(e, TN_ENOMEM, "%lld samples are too many",
                            (long long)samples);
    u->held = tn_plan_take(p, bytes, 1, e);
    return u->held ? TN_OK : TN_ENOMEM;
}

/* Of what it needs for one call only. */
static tn_status want_scratch(tn_plan *p, tn_unit *u, tn_span span, void **scratch,
                              tn_error *e)
{
    if (u->facts.kernel != TN_WHOLE || !u->spec->scratch) return TN_OK;
    return tn_plan_want(p, 1, (int64_t)u->spec->scratch, 1, span, scratch, e);
}

static int64_t groups_of(const tn_unit *u, int64_t samples)
{
    return tn_groups(u->facts.over, samples * u->rows_per_sample, u->width,
                     u->rows_per_sample);
}

static tn_status want_forward(tn_plan *p, tn_unit *u, int64_t samples, tn_span span,
                              tn_error *e)
{
    const tn_layer_facts *f = &u->facts;
    const tn_space space = tn_unit_space(u, samples);
    if (f->kernel == TN_WHOLE) {
        const tn_status held = take_held(p, u, samples, e);
        return held ? held : want_scratch(p, u, span, &u->scratch, e);
    }
    const tn_status status = want_sums(p, f->over, &space, groups_of(u, samples), f->sums,
                                       f->stats, span, &u->sums, e);
    if (status || f->kernel != TN_WINDOW) return status;
    u->window_scratch = tn_plan_take(p, p->ops->threads(p->backend) * u->width,
                                     p->real_size, e);
    return u->window_scratch ? TN_OK : TN_ENOMEM;
}

static tn_status want_backward(tn_plan *p, tn_unit *u, int64_t samples, tn_span span,
                               tn_error *e)
{
    const tn_layer_facts *f = &u->facts;
    const tn_space space = tn_unit_space(u, samples);
    if (!p->options.training) return TN_OK;
    if (f->kernel == TN_WHOLE) return want_scratch(p, u, span, &u->back_scratch, e);
    const tn_status status = want_sums(p, f->over, &space, groups_of(u, samples),
                                       f->back_sums, f->back_stats, span, &u->back_sums,
                                       e);
    return status ? status : want_partials(p, u, &space, span, e);
}

tn_status tn_plan_want_kernel(tn_plan *p, tn_unit *u, int64_t samples, tn_span span,
                              tn_error *e)
{
    tn_status status = want_cache(p, u, samples, span, e);
    if (!status) status = want_forward(p, u, samples, span, e);
    return status ? status : want_backward(p, u, samples, span, e);
}

/* ---- nodes ---------------------------------------------------------------------------- */

/* Windows and products add by themselves. */
static bool needs_spare(const tn_plan *p, int32_t number, int32_t k)
{
    const tn_layer_facts *f = &p->node[number].unit.facts;
    return p->node[number].unit.gx_add[k] && f->kernel != TN_WINDOW &&
           !tn_gives_by_product(f) &&
           tn_plan_has_gradient(p, tn_plan_source(p, number, k));
}

/* Counters for the larger of its results, output and gradients of inputs. */
static tn_status take_cells(tn_plan *p, int32_t number, tn_error *e)
{
    const tn_node *spec = &p->graph->node[number].spec;
    const tn_group *run = &p->forward[p->node[number].forward].run;
    int64_t most = 0;
    if (!tn_runs_by_product(&p->node[number].unit.facts)) return TN_OK;
    for (int32_t k = -1; k < spec->inputs; k++) {
        const tn_shape *shape = k < 0 ? &spec->out : &spec->in[k];
        const int64_t rows = p->options.samples * tn_rows_per_sample(shape);
        const int64_t together = k < 0 ? tn_rows_together(run->unit[run->count - 1]) : 1;
        const tn_cells c = tn_cells_of(rows, tn_shape_width(shape), together);
        if (c.down * c.across > most) most = c.down * c.across;
    }
    p->node[number].unit.cell = tn_plan_take(p, most, sizeof(tn_cell), e);
    return p->node[number].unit.cell ? TN_OK : TN_ENOMEM;
}

static tn_status want_values(tn_plan *p, int32_t number, tn_error *e)
{
    tn_plan_node *n = &p->node[number];
    const int64_t samples = p->options.samples;
    tn_again *again = &n->again;
    tn_status status = TN_OK;
    if (n->value_at == number)
        status = tn_plan_want(p, n->samples, n->size, p->real_size, n->value_span,
                              &n->value, e);
    if (!status && again->when >= 0 && again->value_at == number)
        status = tn_plan_want(p, samples, n->size, p->real_size, again->value_span,
                              &again->value, e);
    return status;
}

/* Its gradient, and what its backward pass needs. */
static tn_status want_gradient(tn_plan *p, int32_t number, tn_error *e)
{
    tn_plan_node *n = &p->node[number];
    const int64_t samples = p->options.samples;
    const tn_span backward = tn_span_at(n->backward);
    tn_status status = TN_OK;
    if (n->gradient_at == number)
        status = tn_plan_want(p, samples, n->size, p->real_size, n->gradient_span,
                              &n->gradient, e);
    for (int32_t k = 0; !status && k < p->graph->node[number].inputs; k++)
        if (needs_spare(p, number, k))
            status = tn_plan_want(p, samples, p->node[tn_plan_source(p, number, k)].size,
                                  p->real_size, backward, &n->late->gx_spare[k], e);
    return status ? status : want_backward(p, n->late, samples, backward, e);
}

/* The late unit, where it is another, has the statistics and scratch of the first one. */
static tn_status want_node(tn_plan *p, int32_t number, tn_error *e)
{
    tn_plan_node *n = &p->node[number];
    const int64_t samples = p->options.samples;
    const bool twice = n->again.when >= 0, gradient = tn_plan_has_gradient(p, number);
    const int32_t end = gradient ? n->backward : n->forward;
    tn_status status = want_values(p, number, e);
    if (!status)
        status = want_cache(
            p, &n->unit, samples,
            tn_plan_widen(p, (tn_span){n->forward, twice ? n->forward : end}), e);
    if (!status) status = want_forward(p, &n->unit, samples, tn_span_at(n->forward), e);
    if (!status) status = take_cells(p, number, e);
    if (status) return status;
    if (n->late != &n->unit) *n->late = n->unit, n->late->known = twice;
    if (twice)
        status = want_cache(p, n->late, samples,
                            (tn_span){n->again.when, gradient ? end : n->again.when}, e);
    if (twice && !status)
        status = want_scratch(p, n->late, tn_span_at(n->again.when), &n->late->scratch,
                              e);
    return status || !gradient ? status : want_gradient(p, number, e);
}

/* What shares memory finds it. */
static void find_shared(tn_plan *p)
{
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        tn_plan_node *n = &p->node[i];
        if (!tn_plan_lives(p, i)) continue;
        n->value = p->node[n->value_at].value;
        n->gradient = p->node[n->gradient_at].gradient;
        n->again.value = p->node[n->again.value_at].again.value;
        n->unit.y = n->late->y = n->value;
        if (n->again.when >= 0) n->late->y = n->again.value;
        n->late->gy = n->gradient;
    }
}

static void bind_input(tn_plan *p, tn_unit *u, int32_t k, int32_t source, bool again)
{
    if (tn_plan_is_input(p, source))
        p->reader[p->readers++] = (tn_plan_reader){&u->x[k], source};
    u->x[k] = again ? p->node[source].again.value : p->node[source].value;
}

static void bind_inputs(tn_plan *p, int32_t number)
{
    tn_plan_node *n = &p->node[number];
    for (int32_t k = 0; k < p->graph->node[number].inputs; k++) {
        const int32_t source = tn_plan_source(p, number, k);
        bind_input(p, &n->unit, k, source, false);
        if (n->late != &n->unit)
            bind_input(p, n->late, k, source, tn_plan_reads_again(p, number, k));
        if (tn_plan_has_gradient(p, number)) n->late->gx[k] = p->node[source].gradient;
    }
}

static tn_status take_readers(tn_plan *p, tn_error *e)
{
    int64_t readers = 1;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        readers += 2 * p->graph->node[i].inputs;
    p->reader = tn_plan_take(p, readers, sizeof *p->reader, e);
    return p->reader ? TN_OK : TN_ENOMEM;
}

tn_status tn_plan_bind(tn_plan *p, tn_error *e)
{
    const int64_t rows = tn_rows_per_sample(tn_graph_output(p->graph));
    tn_plan_make_spans(p);
    tn_status status = take_readers(p, e);
    for (int32_t i = p->graph->inputs; !status && i < p->graph->nodes; i++)
        if (tn_plan_lives(p, i)) status = want_node(p, i, e);
    if (!status)
        status = tn_plan_want(p, p->options.samples, 2 * rows, sizeof(double),
                              tn_span_at(p->forwards), (void **)&p->row_values, e);
    if (!status) status = tn_plan_lay_out(p, e);
    if (status) return status;
    find_shared(p);
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        if (tn_plan_lives(p, i)) bind_inputs(p, i);
    return tn_plan_make_tensors(p, e);
}
