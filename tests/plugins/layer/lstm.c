/* lstm.c - layer/lstm: against PyTorch 1.13, gradients, threads and backends, first values, what is
 * refused. */
#include "tests/support/recurrent.h"

Test(lstm, matches_torch)
{
    recurrent_matches_torch("lstm", "lstm", "");
}

Test(lstm, gradients)
{
    recurrent_gradients("lstm", "", 1);
}

Test(lstm, gradients_through_many_steps)
{
    recurrent_long_gradients("lstm");
}

Test(lstm, is_reproducible)
{
    recurrent_is_reproducible("lstm");
}

Test(lstm, refuses)
{
    recurrent_refuses("lstm");
}

static void free_graph(void *graph)
{
    tn_graph_free(graph);
}

static void free_config(void *config)
{
    tn_config_free(config);
}

/* With the first values that its layer asks for. */
static const tn_graph *made(const char *model)
{
    tn_config *config;
    const tn_shape shape = check_shape(2, 3, 5, 0);
    tn_graph *graph = open_graph(check_env(), model, &shape, 1, &config);
    check_keep(config, free_config);
    check_keep(graph, free_graph);
    return graph;
}

Test(lstm, forget_gates_begin_open)
{
    const char *const model[] = {"[{lstm: 2}]",
                                 "[{lstm: {units: 2, forget_bias: -0.5}}]"};
    const double open[] = {1, -0.5};
    for (int i = 0; i < 2; i++) {
        const tn_graph *g = made(model[i]);
        const double *bias = g->param[2].value.data;
        for (int j = 0; j < 8; j++) cr_assert_eq(bias[j], j / 2 == 1 ? open[i] : 0);
    }
}

/* Fans are those of one gate; each gate's recurrent weights are orthogonal. */
Test(lstm, says_role_and_fans)
{
    const tn_graph *g = made("[{lstm: {units: 2, direction: bidirectional}}]");
    cr_assert_eq(g->params, 6);
    cr_assert_str_eq(g->param[4].name, "lstm.recurrent_weight_reverse");
    for (int i = 0; i < 6; i++) {
        const tn_param_spec *s = &g->param[i].spec;
        cr_assert_eq(s->role, i % 3 == 2 ? TN_BIAS : TN_WEIGHT);
        cr_assert_eq(s->fan_out, 2);
        cr_assert_eq(s->fan_in, i % 3 == 1 ? 2 : 5);
        cr_assert_eq(g->param[i].value.dim[0], 8);
    }
    const double *r = g->param[1].value.data;
    for (int gate = 0; gate < 4; gate++, r += 4) {
        cr_assert_float_eq(r[0] * r[0] + r[1] * r[1], 1, 1e-14);
        cr_assert_float_eq(r[0] * r[2] + r[1] * r[3], 0, 1e-14);
    }
    cr_assert(memcmp(r - 4, r - 8, 4 * sizeof *r));
}

Test(lstm, learns)
{
    check_learns("[{lstm: {units: 12, return_sequences: true}}, {gru: 10}, {dense: 2}]",
                 "mse", 0, check_shape(2, 7, 3, 0), 6, 400, 0.3, 0.05);
}
