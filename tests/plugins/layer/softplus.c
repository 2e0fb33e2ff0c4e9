/* softplus.c - layer/softplus: against PyTorch, gradients, ends, its threshold. */
#include "tests/support/activation.h"

static const activation softplus = {
    "softplus", {"{}", "3", "{beta: 0.5, threshold: 2}", "{beta: 3, threshold: 5}"}};

Test(softplus, as_in_pytorch)
{
    check_torch("layers", "softplus");
}

Test(softplus, gradients)
{
    activation_slots(&softplus);
    activation_in_nets(&softplus, false);
}

/* P1-N6: log 2 at 0. P5-N22: the derivative is the logistic function. */
Test(softplus, P1_N6_P5_N22_values_and_derivative)
{
    const double slope[] = {0.5, 0.7311, 0.8808, 0.9526, 0.9820, 0.9933};
    check_layer *l = check_layer_new("softplus", NULL, check_shape(1, 1, 0, 0), 6, 1);
    for (int32_t i = 0; i < 6; i++) l->x[0][i] = i, l->gy[i] = 1;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    cr_assert_float_eq(l->y[0], 0.693, 5e-4);
    check_near(l->gx[0], slope, 6, 5e-5, "slope");
}

Test(softplus, the_ends)
{
    const activation_point point[] = {{1, log1p(exp(1)), 1 / (1 + exp(-1))},
                                      {-40, exp(-40), exp(-40)},
                                      {-80, exp(-80), exp(-80)},
                                      {-0.0, log(2), 0.5},
                                      {20.5, 20.5, 1},
                                      {1e300, 1e300, 1},
                                      {-1e300, 0, 0},
                                      {INFINITY, INFINITY, 1},
                                      {-INFINITY, 0, 0},
                                      {NAN, NAN, 0}};
    activation_points("softplus", NULL, 10, point, 1e-15);
    activation_float_points("softplus", "{}", 10, point);
}

/* Right of it y is x, as in PyTorch; without one nothing overflows either. */
Test(softplus, a_threshold)
{
    const activation_point low[] = {{1, 1, 1},
                                    {0.4, log1p(exp(0.8)) / 2, 1 / (1 + exp(-0.8))}};
    const activation_point none[] = {{1000, 1000, 1},
                                     {25, 25 + log1p(exp(-25)), 1 / (1 + exp(-25))}};
    activation_points("softplus", "{beta: 2, threshold: 1}", 2, low, 1e-15);
    activation_points("softplus", "{threshold: 1e300}", 2, none, 1e-15);
}

Test(softplus, splits_and_threads)
{
    activation_splits(&softplus);
    activation_threads(&softplus);
}

Test(softplus, xavier)
{
    activation_states("softplus", activation_gain("softplus", NULL), "xavier", 0);
    activation_chooses("[{dense: 3}, softplus]", "xavier (auto: softplus)");
}

Test(softplus, what_it_refuses)
{
    check_refuses("[{softplus: 0}]", check_shape(1, 2, 0, 0), "beta");
    check_refuses("[{softplus: {threshold: high}}]", check_shape(1, 2, 0, 0),
                  "threshold");
}
