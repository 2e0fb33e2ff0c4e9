/* weight_norm.c - parametrization/weight_norm: lengths and directions, gradients, PyTorch's numbers,
 * where it begins, and that the weights in use are made once for each update and not at all at
 * inference. */
#include "tests/support/parametrized.h"

Test(weight_norm, pytorch)
{
    check_torch("parametrizations", "weight_norm");
}

/* Of a plain net whose weights are those in use. */
Test(weight_norm, weights_have_length_g)
{
    check_net *net = check_net_new("[{dense: {units: 4, parametrization: weight_norm}}]",
                                   NULL, 0, check_shape(1, 6, 0, 0), 3, 1, 3);
    const double *y = check_net_output(net), *x = net->x;
    const double *v = net->graph->param[check_net_param(net, "dense.weight")].value.data;
    const double *g =
        net->graph->param[check_net_param(net, "dense.weight.g")].value.data;
    const double *b = net->graph->param[check_net_param(net, "dense.bias")].value.data;
    for (int64_t i = 0; i < 3; i++)
        for (int64_t j = 0; j < 4; j++) {
            double length = 0, sum = 0;
            for (int64_t k = 0; k < 6; k++)
                length += v[j * 6 + k] * v[j * 6 + k], sum += v[j * 6 + k] * x[i * 6 + k];
            cr_assert_float_eq(y[i * 4 + j], g[j] * sum / sqrt(length) + b[j], 1e-14);
        }
}

static const tn_graph_param *param(const tn_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->params; i++)
        if (!strcmp(g->param[i].name, name)) return &g->param[i];
    cr_assert_fail("no %s", name);
    return NULL;
}

/* g is |v|: a net begins as one without. */
Test(weight_norm, begins_as_drawn)
{
    const tn_shape in = {.rank = 1, .dim = {6}};
    tn_error e = {0};
    for (int32_t real = 0; real < 2; real++) {
        tn_graph *graph;
        tn_config *config = tn_config_parse(
            check_env(), "model: [{dense: {units: 4, parametrization: weight_norm}}]",
            "test.yaml", NULL, 0, &e);
        cr_assert_eq(
            tn_graph_new(check_env(), config->root, &in, real, 7, INT64_MAX, &graph, &e),
            TN_OK, "%s", e.text);
        const void *v = param(graph, "dense.weight")->value.data;
        const void *g = param(graph, "dense.weight.g")->value.data;
        for (int64_t j = 0; j < 4; j++) {
            double sum = 0;
            for (int64_t k = j * 6; k < j * 6 + 6; k++) {
                const double x = real ? ((const double *)v)[k]
                                      : (double)((const float *)v)[k];
                sum += x * x;
            }
            const double length = real ? ((const double *)g)[j]
                                       : (double)((const float *)g)[j];
            cr_assert_float_eq(length, sqrt(sum), real ? 1e-15 : 1e-7);
        }
        tn_graph_free(graph);
        tn_config_free(config);
    }
}

/* Layers of random shapes, also with several weights, in either direction. */
Test(weight_norm, gradients)
{
    check_random_parametrized("weight_norm", true);
}

Test(weight_norm, independence)
{
    check_independence(
        "[{dense: {units: 200, parametrization: weight_norm}}, relu, {dense: "
        "{units: 30, parametrization: weight_norm}}]",
        check_shape(1, 300, 0, 0), 9);
}

Test(weight_norm, a_row_of_zeros_stays_zeros)
{
    check_net *net = check_net_new("[{dense: {units: 2, parametrization: weight_norm}}]",
                                   NULL, 0, check_shape(1, 3, 0, 0), 2, 1, 3);
    double *v = net->graph->param[check_net_param(net, "dense.weight")].value.data;
    const double *b = net->graph->param[check_net_param(net, "dense.bias")].value.data;
    v[0] = v[1] = v[2] = 0;
    const double *y = check_net_output(net);
    cr_assert(y[0] == b[0] && y[2] == b[0]);
    check_net_loss(net, true);
    const double *gv =
        tn_plan_gradient(net->plan, check_net_param(net, "dense.weight")).data;
    for (int i = 0; i < 6; i++) cr_assert(isfinite(gv[i]) && (i >= 3 || gv[i] == 0));
}
