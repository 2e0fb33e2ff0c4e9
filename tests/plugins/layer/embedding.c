/* embedding.c - layer/embedding: rows of its table, sums of gradients, against PyTorch, numbers that
 * are refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

static check_net *example(const char *model)
{
    static const double x[] = {2, 0, 2, 1, 1, 4};
    check_net *net = check_net_new(model, NULL, 0, check_shape(1, 3, 0, 0), 2, 1, 1);
    memcpy(net->x, x, sizeof x);
    return net;
}

#define TABLE "[{embedding: {vocabulary: 5, units: 2}}]"

Test(embedding, looks_rows_up)
{
    check_net *net = example(TABLE);
    const double *w = net->graph->param[0].value.data, *y = check_net_output(net);
    const int row[] = {2, 0, 2, 1, 1, 4};
    const tn_shape *out = tn_graph_output(net->graph);
    cr_assert(out->rank == 2 && out->dim[0] == 3 && out->dim[1] == 2);
    for (int i = 0; i < 12; i++) cr_assert_eq(y[i], w[2 * row[i / 2] + i % 2]);
}

Test(embedding, adds_the_gradients_of_a_row)
{
    check_net *net = example(TABLE);
    const double gy[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    memcpy((void *)(uintptr_t)net->target.real, gy, sizeof gy);
    check_net_loss(net, true);
    const double want[] = {3, 4, 7 + 9, 8 + 10, 1 + 5, 2 + 6, 0, 0, 11, 12};
    check_near(tn_plan_gradient(net->plan, 0).data, want, 10, 1e-15, "gradient");
}

Test(embedding, as_in_pytorch)
{
    check_torch("layers", "embedding");
}

/* Behind toy_ids, which makes whole numbers of what is drawn. */
Test(embedding, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[200];
        const int64_t numbers = check_draw(seed, 0, 1, 9);
        snprintf(model, sizeof model,
                 "[{toy_ids: %d}, {embedding: {vocabulary: %d, units: %d}}, tanh, %s]",
                 (int)numbers, (int)(numbers + check_draw(seed, 1, 0, 2)),
                 (int)check_draw(seed, 2, 1, 5), seed % 3 ? "{dense: 2}" : "{rnn: 3}");
        check_gradients(model, NULL, 0, check_shape(1, check_draw(seed, 3, 1, 7), 0, 0),
                        check_draw(seed, 4, 1, 4), seed % 2);
    }
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    const int64_t numbers = check_draw(seed, 0, 1, 30);
    snprintf(layers, CHECK_LAYERS,
             "{toy_ids: %d}, {embedding: {vocabulary: %d, units: %d}}", (int)numbers,
             (int)(numbers + check_draw(seed, 1, 0, 2)), (int)check_draw(seed, 2, 1, 40));
    return check_draw_shape(seed, 1, 1, 20);
}

Test(embedding, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(embedding, independence)
{
    check_independence("[{toy_ids: 30}, {embedding: {vocabulary: 30, units: 40}}, tanh, "
                       "{dense: 3}]",
                       check_shape(1, 25, 0, 0), 20);
}

Test(embedding, is_initialized_by_unit_normal_numbers)
{
    const check_net *net = example(TABLE);
    cr_assert_str_eq(net->graph->param[0].init->name, "normal");
    cr_assert_eq(net->graph->param[0].spec.fan_in, 1);
}

Test(embedding, refuses_other_numbers)
{
    const double bad[] = {-1, 5, 1.5, NAN, 1e30};
    for (int i = 0; i < 5; i++) {
        check_net *net = example(TABLE);
        tn_error e = {0};
        ((double *)net->x)[4] = bad[i];
        cr_assert_eq(tn_plan_forward(net->plan, &net->pass, net->x, NULL, &e), TN_EINVAL);
        cr_assert(strstr(e.text, "input 1 of sample 1") && strstr(e.text, "0 to 4"), "%s",
                  e.text);
    }
}

Test(embedding, refuses_other_shapes_and_options)
{
    check_refuses(TABLE, check_shape(2, 3, 1, 0), "(steps)");
    check_refuses("[{embedding: {units: 2}}]", check_shape(1, 3, 0, 0), "vocabulary");
    check_refuses("[{embedding: {vocabulary: 2000000000, units: 2000000000}}]",
                  check_shape(1, 3, 0, 0), "not possible");
}
