/* gelu.c - layer/gelu: against PyTorch, gradients, ends, gain, what it refuses. */
#include "tests/support/activation.h"

static const activation gelu = {"gelu", {"{}", "tanh", "{approximate: none}"}};

Test(gelu, as_in_pytorch)
{
    check_torch("layers", "gelu");
}

Test(gelu, gradients)
{
    activation_slots(&gelu);
    activation_in_nets(&gelu, false);
}

static activation_point exactly(double x)
{
    const double share = erfc(-x / sqrt(2)) / 2;
    return (activation_point){x, x * share, share + x * exp(-x * x / 2) / sqrt(2 * M_PI)};
}

/* 1 + erf(-10 / sqrt 2) is 0 in double: the left tail has its digits from erfc. */
Test(gelu, digits_far_left_and_the_ends)
{
    const activation_point point[] = {exactly(1),        exactly(-1),
                                      exactly(-10),      exactly(-5),
                                      exactly(1e-20),    {0, 0, 0.5},
                                      {-0.0, -0.0, 0.5}, {1e300, 1e300, 1},
                                      {-1e300, 0, 0},    {INFINITY, INFINITY, 1},
                                      {-INFINITY, 0, 0}, {NAN, NAN, 0}};
    activation_points("gelu", "none", 12, point, 1e-13);
    activation_points("gelu", "tanh", 7, point + 5, 1e-13);
    activation_float_points("gelu", "{}", 2, point + 4);
    activation_float_points("gelu", "{}", 7, point + 5);
    activation_float_points("gelu", "tanh", 7, point + 5);
}

Test(gelu, the_formula_with_tanh_is_near)
{
    check_layer *a = check_layer_new("gelu", "none", check_shape(1, 1, 0, 0), 1200, 1),
                *b = check_layer_new("gelu", "tanh", check_shape(1, 1, 0, 0), 1200, 1);
    for (int32_t i = 0; i < 1200; i++) a->x[0][i] = b->x[0][i] = (i - 600) / 100.0;
    check_forward(a, true, 0);
    check_forward(b, true, 0);
    check_near(a->y, b->y, 1200, 5e-4, "y");
}

Test(gelu, splits_and_threads)
{
    activation_splits(&gelu);
    activation_threads(&gelu);
}

Test(gelu, he_with_a_gain_of_its_own)
{
    activation_states("gelu", activation_gain("gelu", "{}"), "he", 0);
    activation_chooses("[{dense: 3}, gelu]", "he (auto: gelu)");
}

Test(gelu, what_it_refuses)
{
    check_refuses("[{gelu: sigmoid}]", check_shape(1, 2, 0, 0), "none");
}
