/* leaky_relu.c - layer/leaky_relu: against PyTorch, gradients, ends, gain, what it refuses. */
#include "tests/support/activation.h"

static const activation leaky = {"leaky_relu", {"{}", "0.3", "0", "{slope: 1}"}};

Test(leaky_relu, as_in_pytorch)
{
    check_torch("layers", "leaky_relu");
}

Test(leaky_relu, gradients)
{
    activation_slots(&leaky);
    activation_in_nets(&leaky, false);
}

Test(leaky_relu, both_sides_and_the_ends)
{
    const activation_point point[] = {{3, 3, 1},
                                      {-3, -0.6, 0.2},
                                      {0, 0, 0.2},
                                      {-0.0, -0.0, 0.2},
                                      {1e300, 1e300, 1},
                                      {-1e300, -2e299, 0.2},
                                      {INFINITY, INFINITY, 1},
                                      {-INFINITY, -INFINITY, 0.2},
                                      {NAN, NAN, 0}};
    activation_points("leaky_relu", "0.2", 9, point, 1e-15);
}

Test(leaky_relu, splits_and_threads)
{
    activation_splits(&leaky);
    activation_threads(&leaky);
}

/* He et al., ICCV 2015, eq. 15: half the power comes through, and slope^2 of the other half. */
Test(leaky_relu, P5_G1_he_with_the_gain_of_its_slope)
{
    activation_states("leaky_relu", sqrt(2 / (1 + 1e-4)), "he", 1);
    activation_chooses("[{dense: 3}, {leaky_relu: 0.2}]",
                       "he (auto: leaky_relu, gain 1.387)");
    cr_assert_float_eq(activation_gain("leaky_relu", "0.2"), sqrt(2 / 1.04), 1e-6);
}

/* P5-N34: std .0447 for 1000 inputs at slope 0; a slope of 1 needs LeCun's .0316. */
Test(leaky_relu, P5_N34_weights_are_drawn_with_it)
{
    const char *const models[] = {"model: [{dense: 500}, {leaky_relu: 0}]",
                                  "model: [{dense: 500}, {leaky_relu: 1}]",
                                  "model: [{dense: 500}, tanh]\ninit: he"};
    const double deviations[] = {0.044721, 0.031623, 0.044721};
    const tn_shape input = {1, {1000}};
    for (int32_t k = 0; k < 3; k++) {
        tn_error e = {0};
        tn_graph *g;
        double square = 0;
        tn_config *c = tn_config_parse(check_env(), models[k], "t.yaml", NULL, 0, &e);
        cr_assert_not_null(c, "%s", e.text);
        cr_assert_eq(tn_graph_new(check_env(), c->root, &input, 1, 7, INT64_MAX, &g, &e),
                     TN_OK, "%s", e.text);
        const double *w = g->param[0].value.data;
        for (int32_t i = 0; i < 500000; i++) square += w[i] * w[i] / 500000;
        cr_assert_float_eq(sqrt(square), deviations[k], 0.005 * deviations[k]);
        tn_graph_free(g);
        tn_config_free(c);
    }
}

Test(leaky_relu, what_it_refuses)
{
    check_refuses("[{leaky_relu: -0.1}]", check_shape(1, 2, 0, 0), "slope");
    check_refuses("[{leaky_relu: {alpha: 0.1}}]", check_shape(1, 2, 0, 0), "alpha");
}
