/* plan.c - runs plans: see plan_state.h. Chains of nodes run in order. */
#include "core/plan_state.h"
#include "core/subnormal.h"

#include <string.h>

/* ---- running -------------------------------------------------------------------------- */

const void *tn_plan_output(const tn_plan *p, int32_t node)
{
    const int32_t home = p->node[node].home;
    return tn_plan_is_input(p, home) ? p->input[home] : p->node[home].value;
}

static tn_status in_layer(const tn_plan *p, int32_t number, tn_status status, tn_error *e)
{
    const tn_graph_node *node = &p->graph->node[number];
    if (!status) return TN_OK;
    tn_error_in(e, "layer '%s'", node->name);
    tn_cfg_in(node->layer->where, e);
    return status;
}

/* A group has run that began then. */
static void note(tn_plan *p, int32_t group, double began)
{
    if (!p->spent) return;
    tn_watch_end(&p->spent[group], began);
    p->spent[group].operations += (double)p->operations;
    p->operations = 0;
}

/* A weight is one sample. */
static tn_pass weight_pass(const tn_pass *pass)
{
    return (tn_pass){.samples = 1,
                     .step = pass->step,
                     .training = pass->training,
                     .draws = pass->draws};
}

static tn_status in_weight(const tn_plan *p, int32_t number, tn_status status,
                           tn_error *e)
{
    if (status) tn_error_in(e, "parametrization of %s", p->graph->param[number].name);
    return status;
}

/* Outside training a weight is made once, as long as nobody may have changed it and it is not
 * drawn. */
static bool is_there(const tn_plan *p, const tn_plan_weight *w, const tn_pass *pass)
{
    const tn_graph *g = p->graph;
    if (pass->training) return pass->further;
    if (pass->draws && (w->unit.facts.flags & TN_RANDOM)) return false;
    return w->of == atomic_load(&g->version) && !atomic_load(&g->handed_out);
}

/* Parametrized weights, from the raw ones. */
static tn_status make_weights(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    const tn_pass one = weight_pass(pass);
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < p->graph->params; i++) {
        tn_plan_weight *w = p->weight[i];
        if (!w || is_there(p, w, pass)) continue;
        tn_unit *unit = &w->unit;
        const tn_group group = {&unit, 1};
        status = in_weight(p, i, p->ops->forward(&group, &one, false, e), e);
        w->of = pass->training || status ? 0 : atomic_load(&p->graph->version);
    }
    return status;
}

/* Gradients of raw weights, from those of the weights in use. */
static tn_status run_weights_back(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    const unsigned mode = tn_subnormal_flush();
    const tn_pass one = weight_pass(pass);
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < p->graph->params; i++) {
        if (!p->weight[i] || !p->weight[i]->gradient) continue;
        tn_unit *unit = &p->weight[i]->unit;
        const tn_group group = {&unit, 1};
        status = in_weight(p, i, p->ops->backward(&group, &one, false, e), e);
    }
    tn_subnormal_back(mode);
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

static tn_status run_group(tn_plan *p, int32_t i, const tn_pass *pass, tn_error *e)
{
    const tn_plan_group *g = &p->forward[i];
    const double began = tn_watch_begin(p->spent);
    const tn_status status = p->ops->forward(&g->run, pass, !p->options.apart, e);
    note(p, i, began);
    return in_layer(p, g->head, status, e);
}

static tn_status run_stretch(tn_plan *p, const tn_stretch *s, const tn_pass *pass,
                             tn_error *e)
{
    tn_pass part = *pass;
    tn_status status = TN_OK;
    int64_t done = 0;
    for (; !status && done < pass->samples; done += part.samples) {
        const int64_t left = pass->samples - done;
        if (done) tn_plan_move(p, s, part.samples);
        part.row = pass->row + done;
        part.samples = left < s->portion ? left : s->portion;
        for (int32_t i = 0; !status && i < s->count; i++)
            status = run_group(p, s->first + i, &part, e);
    }
    if (done > part.samples) tn_plan_move(p, s, part.samples - done);
    return status;
}

static tn_status run_forward(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    const unsigned mode = tn_subnormal_flush();
    tn_status status = make_weights(p, pass, e);
    for (int32_t i = 0; !status && i < p->forwards; i += p->forward[i].stretch.count)
        status = run_stretch(p, &p->forward[i].stretch, pass, e);
    tn_subnormal_back(mode);
    return status;
}

tn_status tn_plan_run(tn_plan *p, const tn_pass *pass, const void *const *x,
                      const void **y, tn_error *e)
{
    tn_status status = check_pass(p, pass, e);
    if (status) return status;
    for (int32_t i = 0; i < p->graph->inputs; i++) p->input[i] = x[i];
    for (int32_t i = 0; i < p->readers; i++) *p->reader[i].where = x[p->reader[i].input];
    status = run_forward(p, pass, e);
    if (!status && y) *y = tn_plan_output(p, p->graph->nodes - 1);
    return status;
}

tn_status tn_plan_loss(tn_plan *p, const tn_pass *pass, const tn_instance *loss,
                       const tn_field *field, const tn_field *given, double scale,
                       bool gradient, double *value, double *weight, tn_error *e)
{
    const double began = tn_watch_begin(p->spent);
    const unsigned mode = tn_subnormal_flush();
    const tn_status status = p->ops->loss(
        loss, tn_graph_output(p->graph), pass, tn_plan_key(p, p->graph->nodes, 1),
        tn_plan_output(p, p->graph->nodes - 1), field, given, scale, p->row_values,
        gradient ? p->node[tn_plan_last(p)].gradient : NULL, value, weight, e);
    tn_subnormal_back(mode);
    note(p, p->forwards, began);
    return status;
}

void tn_plan_metric(const tn_plan *p, const tn_pass *pass, const tn_instance *metric,
                    const tn_field *field, double *sums, double *kept)
{
    p->ops->metric(metric, tn_graph_output(p->graph), pass,
                   tn_plan_output(p, p->graph->nodes - 1), field, sums, kept);
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
    tn_subnormal_back(mode);
    return status;
}

/* The gradient of parameter i as the layers make it: of a weight in use; NULL of what a
 * parametrization has. */
static void *made(const tn_plan *p, int32_t i, void **total)
{
    const tn_graph *g = p->graph;
    tn_plan_weight *w = p->weight[i];
    if (g->param[i].owner >= 0 && p->weight[g->param[i].owner]) return NULL;
    *total = w ? w->total : p->total[i];
    return w ? w->gradient : p->gradient[i];
}

/* Adds up what layers make of several batches; parametrizations then see the sum. */
static tn_status add_backward(tn_plan *p, const tn_pass *pass, tn_error *e)
{
    const tn_graph *g = p->graph;
    void *total;
    for (int32_t i = 0; i < g->params; i++) {
        const void *gradient = made(p, i, &total);
        if (gradient)
            memcpy(total, gradient, (size_t)tn_count(&g->param[i].value) * p->real_size);
    }
    const tn_status status = run_backward(p, pass, e);
    for (int32_t i = 0; !status && i < g->params; i++) {
        void *gradient = made(p, i, &total);
        if (gradient)
            p->ops->add(p->backend, gradient, total, tn_count(&g->param[i].value));
    }
    return status;
}

tn_status tn_plan_backward(tn_plan *p, const tn_pass *pass, bool add, tn_error *e)
{
    if (!p->options.training)
        return tn_error_set(e, TN_EINVAL, "this plan is for inference only");
    if (add && !p->total)
        return tn_error_set(e, TN_EINVAL, "this plan does not add up gradients");
    tn_status status = tn_plan_store(p, pass, e);
    if (!status) status = add ? add_backward(p, pass, e) : run_backward(p, pass, e);
    return status ? status : run_weights_back(p, pass, e);
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
        if (p->weight[i] && !pass->further && commits(&p->weight[i]->unit, which))
            p->ops->commit(&p->weight[i]->unit, &one);
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        if (commits(&p->node[i].unit, which) && p->node[i].home == i)
            p->ops->commit(&p->node[i].unit, pass);
    /* No weight is made of what is carried. */
    if (which & TN_COMMIT_STATISTICS) tn_graph_changed(p->graph);
}

int32_t tn_plan_first_bad(const tn_plan *p, const tn_pass *pass)
{
    tn_plan *again;
    int32_t bad = -1;
    const tn_plan_options options = {.samples = pass->samples,
                                     .training = p->options.training,
                                     .carries = p->options.carries,
                                     .keeps = true};
    if (tn_plan_make(p->graph, &options, &again, NULL)) return -2;
    if (tn_plan_run(again, pass, p->input, NULL, NULL)) bad = -2;
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
