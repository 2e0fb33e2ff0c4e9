/* softsign.c - layer/softsign: against PyTorch, gradients, ends, gain. */
#include "tests/support/activation.h"

static const activation softsign = {"softsign", {"{}"}};

Test(softsign, as_in_pytorch)
{
    check_torch("layers", "softsign");
}

Test(softsign, gradients)
{
    activation_slots(&softsign);
    activation_in_nets(&softsign, false);
}

/* Infinity over infinity would be NaN; the limit is 1. */
Test(softsign, the_ends)
{
    const activation_point point[] = {
        {1, 0.5, 0.25},     {-3, -0.75, 0.0625}, {0, 0, 1},       {-0.0, -0.0, 1},
        {1e-30, 1e-30, 1},  {1e300, 1, 0},       {-1e300, -1, 0}, {INFINITY, 1, 0},
        {-INFINITY, -1, 0}, {NAN, NAN, 0}};
    activation_points("softsign", NULL, 10, point, 1e-15);
    activation_float_points("softsign", "{}", 10, point);
}

Test(softsign, splits_and_threads)
{
    activation_splits(&softsign);
    activation_threads(&softsign);
}

Test(softsign, xavier)
{
    activation_states("softsign", 2.33753336310853966, "xavier", 0);
    cr_assert_float_eq(activation_gain("softsign", NULL), 2.33753336310853966, 1e-6);
    activation_chooses("[{dense: 3}, softsign]", "xavier (auto: softsign)");
}

Test(softsign, has_no_options)
{
    check_refuses("[{softsign: 1}]", check_shape(1, 2, 0, 0), "softsign");
}
