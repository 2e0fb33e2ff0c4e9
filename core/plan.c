/* plan.c - runs plans: see plan_state.h. Chains of nodes run in order. */
#include "core/plan_state.h"
#include "core/subnormal.h"

#include <string.h>

/* ---- running -------------------------------------------------------------------------- */

const void *tn_plan_output(const tn_plan *p, int32_t node)
{
    const int32_t home = p->node[node].home;
    return home ? p->node[home].value : p->input;
}

static tn_status in_layer(const tn_plan *p, int32_t number, tn_status status, tn_error *e)
{
    if (status) tn_error_in(e, "layer '%s'", p->graph->node[number].name);
    return status;
}

/* A group has run that began then. */
static void note(tn_plan *p, int32_t group, double began)
{
    if (!p->spent) return;
    tn_watch_end(&p->spent[group], began);
    p->spent[group].operations += p->operations;
    p->operations = 0;
}

/* A weight is one sample. */
static tn_pass weight_pass(const tn_pass *pass)
{
    return (tn_pass){.samples = 1, .step = pass->step, .training = pass->training};
}

/* Parametrized weights, from the raw ones. */
static tn_status run_weights(tn_plan *p, const tn_pass *pass, bool back, tn_error *e)
{
    const tn_pass one = weight_pass(pass);
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < p->graph->params; i++) {
        if (!p->weight[i]) continue;
        tn_unit *unit = &p->weight[i]->unit;
        const tn_group group = {&unit, 1};
        status = back ? p->ops->backward(&group, &one, false, e)
                      : p->ops->forward(&group, &one, false, e);
        if (status) tn_error_in(e, "parametrization of %s", p->graph->param[i].name);
    }
    return status;
}

static tn_status check_pass(const tn_plan *p, const tn_pass *pass, tn_error *e)
{
    if (pass->training && !p->options.training)
        return tn_error_set(e, TN_EINVAL, "this plan is for inference only");
    if (pass->samples >= 1 && pass->samples <= p->options.samples) return TN_OK;
    return tn_error_set(e, TN_EINVAL,
                        "a batch of %lld samples, but this plan takes 1 to %lld",
                        (long long)pass->samples, (long long)p->options.samples);
}

static tn_status run_forward(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    const unsigned mode = tn_subnormal_flush();
    tn_status status = run_weights(p, pass, false, e);
    for (int32_t i = 0; !status && i < p->forwards; i++) {
        const tn_plan_group *g = &p->forward[i];
        const double began = tn_watch_begin(p->spent);
        status = in_layer(p, g->head,
                          p->ops->forward(&g->run, pass, !p->options.apart, e), e);
        note(p, i, began);
    }
    tn_subnormal_back(mode);
    return status;
}

tn_status tn_plan_forward(tn_plan *p, const tn_pass *pass, const void *x, const void **y,
                          tn_error *e)
{
    tn_status status = check_pass(p, pass, e);
    if (status) return status;
    p->input = x;
    for (int32_t i = 0; i < p->readers; i++) *p->reader[i] = x;
    status = run_forward(p, pass, e);
    if (!status && y) *y = tn_plan_output(p, p->graph->nodes - 1);
    return status;
}

tn_status tn_plan_loss(tn_plan *p, const tn_pass *pass, const tn_instance *loss,
                       const tn_field *field, double scale, bool gradient, double *value,
                       double *weight, tn_error *e)
{
    const double began = tn_watch_begin(p->spent);
    const unsigned mode = tn_subnormal_flush();
    const tn_status status = p->ops->loss(
        loss, tn_graph_output(p->graph), pass, tn_plan_key(p, p->graph->nodes, 1),
        tn_plan_output(p, p->graph->nodes - 1), field, scale, p->row_values,
        gradient ? p->node[tn_plan_last(p)].gradient : NULL, value, weight, e);
    tn_subnormal_back(mode);
    note(p, p->forwards, began);
    return status;
}

void tn_plan_metric(const tn_plan *p, const tn_pass *pass, const tn_instance *metric,
                    const tn_field *field, double *sums)
{
    p->ops->metric(metric, tn_graph_output(p->graph), pass,
                   tn_plan_output(p, p->graph->nodes - 1), field, sums);
}

/* One of the backward pass, which may run forward again. */
static tn_status run_late(tn_plan *p, const tn_plan_group *g, const tn_pass *pass,
                          tn_error *e)
{
    const tn_plan_node *n = &p->node[g->head];
    const bool fused = !p->options.apart;
    if (g->again)
        return in_layer(p, g->head, p->ops->forward(&g->run, pass, fused, e), e);
    if (n->orphan)
        memset(n->gradient, 0, (size_t)(pass->samples * n->size) * p->real_size);
    return in_layer(p, g->head, p->ops->backward(&g->run, pass, fused, e), e);
}

static tn_status run_backward(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    const unsigned mode = tn_subnormal_flush();
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < p->backwards; i++) {
        const double began = tn_watch_begin(p->spent);
        status = run_late(p, &p->backward[i], pass, e);
        note(p, p->forwards + 1 + i, began);
    }
    if (!status) status = run_weights(p, pass, true, e);
    tn_subnormal_back(mode);
    return status;
}

tn_status tn_plan_backward(tn_plan *p, const tn_pass *pass, bool add, tn_error *e)
{
    if (!p->options.training)
        return tn_error_set(e, TN_EINVAL, "this plan is for inference only");
    const tn_status stored = tn_plan_store(p, pass, e);
    if (stored) return stored;
    if (!add) return run_backward(p, pass, e);
    if (!p->total)
        return tn_error_set(e, TN_EINVAL, "this plan does not add up gradients");
    const tn_graph *g = p->graph;
    for (int32_t i = 0; i < g->params; i++)
        memcpy(p->total[i], p->gradient[i],
               (size_t)tn_count(&g->param[i].value) * p->real_size);
    const tn_status status = run_backward(p, pass, e);
    for (int32_t i = 0; !status && i < g->params; i++)
        p->ops->add(p->backend, p->gradient[i], p->total[i],
                    tn_count(&g->param[i].value));
    return status;
}

tn_tensor tn_plan_gradient(const tn_plan *p, int32_t param)
{
    tn_tensor t = p->graph->param[param].value;
    t.data = p->gradient[param];
    return t;
}

static bool commits(const tn_unit *u, int which)
{
    const bool carries = u->facts.flags & TN_CARRIES;
    return u->facts.commits &&
           (which & (carries ? TN_COMMIT_CARRIED : TN_COMMIT_STATISTICS));
}

void tn_plan_commit(tn_plan *p, const tn_pass *pass, int which)
{
    const tn_pass one = weight_pass(pass);
    for (int32_t i = 0; i < p->graph->params; i++)
        if (p->weight[i] && commits(&p->weight[i]->unit, which))
            p->ops->commit(&p->weight[i]->unit, &one);
    for (int32_t i = 1; i < p->graph->nodes; i++)
        if (commits(&p->node[i].unit, which) && p->node[i].home == i)
            p->ops->commit(&p->node[i].unit, pass);
    tn_graph_changed(p->graph);
}

int32_t tn_plan_first_bad(const tn_plan *p, const tn_pass *pass)
{
    tn_plan *again;
    int32_t bad = -1;
    const tn_plan_options options = {
        .samples = pass->samples, .training = p->options.training, .keeps = true};
    if (tn_plan_make(p->graph, &options, &again, NULL)) return -2;
    if (tn_plan_forward(again, pass, p->input, NULL, NULL)) bad = -2;
    for (int32_t i = 0; bad == -1 && i < p->graph->nodes; i++)
        if (!p->ops->finite(tn_plan_output(again, i), pass->samples * p->node[i].size))
            bad = i;
    tn_plan_free(again);
    return bad;
}

/* ---- what whole-class layers call ------------------------------------------------------ */

tn_status tn_plan_product(tn_calling *c, const tn_product *product)
{
    return tn_real_ops_of(c->real)->product(c->plan, c, product);
}

tn_status tn_plan_column_sums(tn_calling *c, const tn_tensor *m, tn_tensor *out)
{
    const tn_matrix matrix = tn_matrix_of(m);
    if (tn_count(out) != matrix.cols)
        return tn_error_set(c->error, TN_ESHAPE,
                            "column sums of %lld columns into %lld values",
                            (long long)matrix.cols, (long long)tn_count(out));
    if (!m->data || !out->data)
        return tn_error_set(
            c->error, TN_EINVAL,
            "column sums need a matrix in memory and a place to go to, not "
            "the gradient of a weight that a product makes");
    tn_real_ops_of(c->real)->column_sums(c->plan, m->data, matrix.rows, matrix.cols,
                                         out->data);
    return TN_OK;
}
