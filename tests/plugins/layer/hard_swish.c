/* hard_swish.c - layer/hard_swish: against PyTorch, gradients, ends, gain. */
#include "tests/support/activation.h"

static const activation hard_swish = {"hard_swish", {"{}"}};

Test(hard_swish, as_in_pytorch)
{
    check_torch("layers", "hard_swish");
}

Test(hard_swish, gradients)
{
    activation_slots(&hard_swish);
    activation_in_nets(&hard_swish, false);
}

/* -infinity times 0 would be NaN; the limit is 0. */
Test(hard_swish, the_curve_and_the_ends)
{
    const activation_point point[] = {{0, 0, 0.5},
                                      {-0.0, -0.0, 0.5},
                                      {1.5, 1.125, 1},
                                      {-1.5, -0.375, 0},
                                      {-2, -1 / 3.0, -1 / 6.0},
                                      {3, 3, 1},
                                      {-3, 0, 0},
                                      {1e300, 1e300, 1},
                                      {-1e300, 0, 0},
                                      {INFINITY, INFINITY, 1},
                                      {-INFINITY, 0, 0},
                                      {NAN, NAN, 0}};
    activation_points("hard_swish", NULL, 12, point, 1e-15);
    activation_float_points("hard_swish", "{}", 12, point);
}

Test(hard_swish, splits_and_threads)
{
    activation_splits(&hard_swish);
    activation_threads(&hard_swish);
}

Test(hard_swish, he_with_a_gain_of_its_own)
{
    activation_states("hard_swish", 1.73665721276654162, "he", 2);
    cr_assert_float_eq(activation_gain("hard_swish", NULL), 1.73665721276654162, 1e-6);
    activation_chooses("[{dense: 3}, hard_swish]", "he (auto: hard_swish)");
}

Test(hard_swish, has_no_options)
{
    check_refuses("[{hard_swish: 1}]", check_shape(1, 2, 0, 0), "hard_swish");
}
