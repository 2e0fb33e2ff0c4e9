/* prelu.c - layer/prelu: against PyTorch, gradients, ends, its slopes, what it refuses. */
#include "tests/support/activation.h"

static const activation prelu = {
    "prelu",
    {"{}", "{per_channel: true}", "{slope: -0.5}", "{slope: 0.1, per_channel: true}"}};

Test(prelu, as_in_pytorch)
{
    check_torch("layers", "prelu");
}

Test(prelu, gradients)
{
    activation_slots(&prelu);
    activation_in_nets(&prelu, false);
}

Test(prelu, both_sides_and_the_ends)
{
    check_layer *l = check_layer_new("prelu", "{}", check_shape(1, 1, 0, 0), 6, 1);
    const double x[] = {3, -3, 0, INFINITY, -INFINITY, NAN};
    const double y[] = {3, -0.75, 0, INFINITY, -INFINITY, NAN};
    for (int32_t i = 0; i < 6; i++) l->x[0][i] = x[i];
    l->param[0].value[0] = 0.25;
    check_forward(l, true, 0);
    for (int32_t i = 0; i < 6; i++)
        cr_assert(l->y[i] == y[i] || (isnan(l->y[i]) && isnan(y[i])), "%g: %g", x[i],
                  l->y[i]);
}

Test(prelu, one_slope_or_one_for_each_feature)
{
    check_net *net = check_net_new("[{prelu: {name: a, per_channel: true}}, prelu]", NULL,
                                   0, check_shape(3, 2, 3, 5), 1, 1, 1);
    cr_assert_eq(tn_count(&net->graph->param[0].value), 5);
    cr_assert_eq(tn_count(&net->graph->param[1].value), 1);
    cr_assert_str_eq(net->graph->param[0].init_text, "0.25");
    cr_assert_eq(net->graph->param[0].spec.role, TN_NORM, "slopes are not decayed");
}

Test(prelu, splits_and_threads)
{
    activation_splits(&prelu);
    activation_threads(&prelu);
}

/* He et al., ICCV 2015, eq. 15, at the first value of the slope. */
Test(prelu, P5_G1_he_with_the_gain_of_its_slope)
{
    activation_states("prelu", sqrt(2 / 1.0625), "he", 1);
    activation_chooses("[{dense: 3}, prelu]", "he (auto: prelu, gain 1.372)");
}

Test(prelu, learns_a_slope)
{
    check_learns("[{dense: 8}, {prelu: {per_channel: true}}, {dense: 2}]", "mse", 0,
                 check_shape(1, 3, 0, 0), 8, 60, 0.2, 0.7);
}

Test(prelu, what_it_refuses)
{
    check_refuses("[{prelu: {slope: a}}]", check_shape(1, 2, 0, 0), "slope");
    check_refuses("[{prelu: {per_channel: 2}}]", check_shape(1, 2, 0, 0), "per_channel");
}
