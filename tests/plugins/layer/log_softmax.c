/* log_softmax.c - layer/log_softmax: against PyTorch, large logits, gradients. */
#include "tests/support/activation.h"

static const activation log_softmax = {"log_softmax", {"{}"}};

Test(log_softmax, as_in_pytorch)
{
    check_torch("layers", "log_softmax");
}

Test(log_softmax, gradients)
{
    activation_slots(&log_softmax);
    activation_in_nets(&log_softmax, false);
}

static void row_of_two(double a, double b, double y[2])
{
    check_layer *l = check_layer_new("log_softmax", NULL, check_shape(1, 2, 0, 0), 1, 1);
    l->x[0][0] = a, l->x[0][1] = b;
    check_forward(l, true, 0);
    y[0] = l->y[0], y[1] = l->y[1];
}

/* P4-N17: .99797 and .00203, cross entropy .002027; then .99727 and .00273. P5-N9: .51, .49. */
Test(log_softmax, P4_N17_P5_N9_logarithms_of_shares)
{
    double y[2];
    row_of_two(8.3, 2.1, y);
    cr_assert_float_eq(exp(y[0]), 0.99797, 5e-6);
    cr_assert_float_eq(exp(y[1]), 0.00203, 5e-6);
    cr_assert_float_eq(-y[0], 0.002027, 5e-7);
    row_of_two(7.8, 1.9, y);
    cr_assert_float_eq(exp(y[0]), 0.99727, 5e-6);
    cr_assert_float_eq(exp(y[1]), 0.00273, 5e-6);
    row_of_two(0.52, 0.48, y);
    cr_assert_float_eq(exp(y[0]), 0.51, 5e-3);
    cr_assert_float_eq(exp(y[1]), 0.49, 5e-3);
}

/* log softmax would be log 0 here. */
Test(log_softmax, large_logits_and_the_ends)
{
    double y[2];
    row_of_two(1e4, -1e4, y);
    cr_assert(y[0] == 0 && y[1] == -2e4);
    row_of_two(1e300, 1e300, y);
    cr_assert_float_eq(y[0], -log(2), 1e-15);
    row_of_two(3, -INFINITY, y);
    cr_assert(y[0] == 0 && y[1] == -INFINITY);
    row_of_two(NAN, 1, y);
    cr_assert(isnan(y[0]) && isnan(y[1]));
    row_of_two(1, NAN, y);
    cr_assert(isnan(y[0]) && isnan(y[1]));
}

Test(log_softmax, splits_and_threads)
{
    activation_splits(&log_softmax);
    activation_threads(&log_softmax);
}

Test(log_softmax, xavier)
{
    activation_states("log_softmax", 1, "xavier", 0);
}

Test(log_softmax, has_no_options)
{
    check_refuses("[{log_softmax: 1}]", check_shape(1, 2, 0, 0), "log_softmax");
}
