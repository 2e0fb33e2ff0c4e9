/* drop_connect.c - parametrization/drop_connect: its law, one mask for each update, the weight as it is
 * outside training, gradients, threads. */
#include "tests/support/masking.h"
#include "tests/support/parametrized.h"

#define HALF "[{dense: {units: 1024, bias: false, parametrization: {drop_connect: 0.5}}}]"

/* Weights in use at a step, of raw ones: what a layer makes of the identity. */
static const double *weights_at(const char *model, uint64_t step)
{
    check_net *net = check_net_new(model, NULL, 0, check_shape(1, 1024, 0, 0), 1024, 1,
                                   1);
    double *x = net->x, *v = net->graph->param[0].value.data;
    memset(x, 0, sizeof *x * MASK_MANY);
    for (int i = 0; i < 1024; i++) x[i * 1025] = 1;
    for (int i = 0; i < MASK_MANY; i++) v[i] = 1;
    net->pass.step = step;
    return check_net_output(net);
}

Test(drop_connect, obeys_its_law)
{
    const double *a = weights_at(HALF, 0), *b = weights_at(HALF, 1);
    mask_has_two_points(a, MASK_MANY, 0.5, 2, 0);
    mask_is_apart(a, b, MASK_MANY, "two updates");
    mask_is_apart(a, a + 1, MASK_MANY - 1, "neighbours");
    mask_is_apart(a, a + 1024, MASK_MANY - 1024, "two columns");
}

/* Of two layers at one step. */
Test(drop_connect, layers_have_masks_of_their_own)
{
    check_net *net = check_net_new(
        "[{parallel: {branches: [[{dense: {units: 300, parametrization: drop_connect}}], "
        "[{dense: {units: 300, parametrization: drop_connect}}]], join: concat}}]",
        NULL, 0, check_shape(1, 200, 0, 0), 2, 1, 1);
    check_net_loss(net, true);
    double *mask[2];
    for (int k = 0; k < 2; k++) {
        const double *g = tn_plan_gradient(net->plan, 2 * k).data;
        mask[k] = check_room(60000, sizeof(double));
        for (int i = 0; i < 60000; i++) mask[k][i] = g[i] != 0;
    }
    mask_is_apart(mask[0], mask[1], 60000, "two layers");
}

/* All samples of a batch, and all batches of an update, share a mask; gradients have it too. */
Test(drop_connect, an_update_has_one_mask)
{
    check_net *net = check_net_new(
        "[{dense: {units: 5, bias: false, parametrization: {drop_connect: 0.4}}}]", NULL,
        0, check_shape(1, 7, 0, 0), 3, 1, 1);
    const double *v = net->graph->param[0].value.data, *x = net->x;
    for (int k = 0; k < 2; k++) {
        net->pass.row = 3 * k, net->pass.further = k;
        check_net_loss(net, true);
        const double *g = tn_plan_gradient(net->plan, 0).data;
        double want[15] = {0};
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 5; j++)
                for (int n = 0; n < 7; n++)
                    want[5 * i + j] += g[7 * j + n] != 0
                                           ? x[7 * i + n] * v[7 * j + n] / 0.6
                                           : 0;
        check_near(check_net_output(net), want, 15, 1e-14, "y");
    }
}

Test(drop_connect, outside_training_the_weight_is_the_raw_one)
{
    const tn_shape in = check_shape(1, 7, 0, 0);
    check_net *net = check_net_new("[{dense: {units: 5, parametrization: drop_connect}}]",
                                   NULL, 0, in, 3, 1, 1),
              *plain = check_net_new("[{dense: 5}]", NULL, 0, in, 3, 1, 1);
    net->pass.training = false;
    cr_assert_arr_eq(check_net_output(net), check_net_output(plain), 15 * sizeof(double));
}

Test(drop_connect, gradients)
{
    check_random_parametrized("{drop_connect: 0.3}", true);
    check_random_parametrized("{drop_connect: 0.6}", true);
}

Test(drop_connect, threads)
{
    const char *model = "[{dense: {units: 200, parametrization: drop_connect}}, tanh, "
                        "{dense: {units: 30, parametrization: {drop_connect: 0.2}}}]";
    check_threads(model, check_shape(1, 150, 0, 0), 20);
    check_samples(model, check_shape(1, 15, 0, 0), 5);
}

Test(drop_connect, refuses)
{
    check_refuses("[{dense: {units: 2, parametrization: {drop_connect: 1}}}]",
                  check_shape(1, 3, 0, 0), "outside [0, 1)");
}
