/* elu.c - layer/elu: against PyTorch, gradients, ends, gain, what it refuses. */
#include "tests/support/activation.h"

static const activation elu = {"elu", {"{}", "1.7", "0", "{alpha: 0.3}"}};

Test(elu, as_in_pytorch)
{
    check_torch("layers", "elu");
}

Test(elu, gradients)
{
    activation_slots(&elu);
    activation_in_nets(&elu, false);
}

/* Close to zero exp(x) - 1 would have no digits left. */
Test(elu, digits_close_to_zero_and_the_ends)
{
    const activation_point point[] = {
        {3, 3, 1},           {-1, 2 * expm1(-1), 2 * exp(-1)},
        {-1e-20, -2e-20, 2}, {-0.0, -0.0, 2},
        {0, 0, 2},           {-1e300, -2, 0},
        {1e300, 1e300, 1},   {INFINITY, INFINITY, 1},
        {-INFINITY, -2, 0},  {NAN, NAN, 0}};
    activation_points("elu", "2", 10, point, 1e-15);
    activation_float_points("elu", "2", 10, point);
}

Test(elu, splits_and_threads)
{
    activation_splits(&elu);
    activation_threads(&elu);
}

Test(elu, P5_G1_he_with_a_gain_of_its_own)
{
    activation_states("elu", 1.24519830070070655, "he", 1);
    activation_chooses("[{dense: 3}, elu]", "he (auto: elu, gain 1.245)");
    activation_chooses("[{dense: 3}, {elu: 0}]", "he (auto: elu, gain 1.414)");
    cr_assert_float_eq(activation_gain("elu", "{}"), 1.24519830070070655, 1e-6);
}

Test(elu, what_it_refuses)
{
    check_refuses("[{elu: -1}]", check_shape(1, 2, 0, 0), "alpha");
}
