/* plan.c - runs plans: see plan_state.h. Nodes run in order, and in reverse on the way back. */
#include "core/plan_state.h"

#include <string.h>

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
        status = back ? p->ops->backward(&p->weight[i]->unit, &one, e)
                      : p->ops->forward(&p->weight[i]->unit, &one, e);
        if (status) tn_error_in(e, "parametrization of %s", p->graph->param[i].name);
    }
    return status;
}

tn_status tn_plan_forward(tn_plan *p, const tn_pass *pass, const void *x, const void **y,
                          tn_error *e)
{
    if (pass->samples < 1 || pass->samples > p->max_samples)
        return tn_error_set(e, TN_EINVAL,
                            "a batch of %lld samples, but this plan takes 1 to %lld",
                            (long long)pass->samples, (long long)p->max_samples);
    memcpy(p->node[0].value, x, (size_t)(pass->samples * p->node[0].size) * p->real_size);
    tn_status status = run_weights(p, pass, false, e);
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
    return p->ops->loss(loss, tn_graph_output(p->graph), pass,
                        tn_plan_key(p, p->graph->nodes, 1), home->value, field, scale,
                        p->row_values, gradient ? home->gradient : NULL, value, weight,
                        e);
}

void tn_plan_metric(const tn_plan *p, const tn_pass *pass, const tn_instance *metric,
                    const tn_field *field, double *sums)
{
    p->ops->metric(metric, tn_graph_output(p->graph), pass,
                   tn_plan_output(p, p->graph->nodes - 1), field, sums);
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
    return status ? status : run_weights(p, pass, true, e);
}

tn_status tn_plan_backward(tn_plan *p, const tn_pass *pass, bool add, tn_error *e)
{
    if (!p->training)
        return tn_error_set(e, TN_EINVAL, "this plan is for inference only");
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

void tn_plan_commit(tn_plan *p, const tn_pass *pass)
{
    const tn_pass one = weight_pass(pass);
    for (int32_t i = 0; i < p->graph->params; i++)
        if (p->weight[i] && p->weight[i]->facts.commits)
            p->ops->commit(&p->weight[i]->unit, &one);
    for (int32_t i = 1; i < p->graph->nodes; i++)
        if (p->node[i].facts.commits && p->node[i].home == i)
            p->ops->commit(&p->node[i].unit, pass);
}

int32_t tn_plan_first_bad(const tn_plan *p, const tn_pass *pass)
{
    for (int32_t i = 0; i < p->graph->nodes; i++)
        if (!p->ops->finite(tn_plan_output(p, i), pass->samples * p->node[i].size))
            return i;
    return -1;
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
    tn_real_ops_of(c->real)->column_sums(c->plan, m->data, matrix.rows, matrix.cols,
                                         out->data);
    return TN_OK;
}
