/* mish.c - layer/mish: against PyTorch, gradients, ends, gain. */
#include "tests/support/activation.h"

static const activation mish = {"mish", {"{}"}};

Test(mish, as_in_pytorch)
{
    check_torch("layers", "mish");
}

Test(mish, gradients)
{
    activation_slots(&mish);
    activation_in_nets(&mish, false);
}

static activation_point exactly(double x)
{
    const double w = tanh(log1p(exp(x)));
    return (activation_point){x, x * w, w + x * (1 - w * w) / (1 + exp(-x))};
}

Test(mish, the_ends)
{
    const activation_point point[] = {exactly(2),        exactly(-2),
                                      exactly(-0.25),    exactly(-30),
                                      exactly(8),        {0, 0, 0.6},
                                      {-0.0, -0.0, 0.6}, {1e300, 1e300, 1},
                                      {-1e300, 0, 0},    {INFINITY, INFINITY, 1},
                                      {-INFINITY, 0, 0}, {NAN, NAN, 0}};
    activation_points("mish", NULL, 12, point, 1e-13);
    activation_float_points("mish", "{}", 12, point);
}

Test(mish, splits_and_threads)
{
    activation_splits(&mish);
    activation_threads(&mish);
}

Test(mish, he_with_a_gain_of_its_own)
{
    activation_states("mish", activation_gain("mish", NULL), "he", 0);
    activation_chooses("[{dense: 3}, mish]", "he (auto: mish)");
}

Test(mish, has_no_options)
{
    check_refuses("[{mish: 1}]", check_shape(1, 2, 0, 0), "mish");
}
