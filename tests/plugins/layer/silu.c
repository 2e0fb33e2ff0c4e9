/* silu.c - layer/silu: against PyTorch, gradients, ends, gain. */
#include "tests/support/activation.h"

static const activation silu = {"silu", {"{}"}};

Test(silu, as_in_pytorch)
{
    check_torch("layers", "silu");
}

Test(silu, gradients)
{
    activation_slots(&silu);
    activation_in_nets(&silu, false);
}

static activation_point exactly(double x)
{
    const double s = 1 / (1 + exp(-x));
    return (activation_point){x, x * s, s + x * s * (1 - s)};
}

/* -infinity times 0 would be NaN; the limit is 0. */
Test(silu, the_ends)
{
    const activation_point point[] = {
        exactly(2),        exactly(-2),    exactly(-30),
        exactly(-80),      {0, 0, 0.5},    {-0.0, -0.0, 0.5},
        {1e300, 1e300, 1}, {-1e300, 0, 0}, {INFINITY, INFINITY, 1},
        {-INFINITY, 0, 0}, {NAN, NAN, 0}};
    activation_points("silu", NULL, 11, point, 1e-14);
    activation_float_points("silu", "{}", 11, point);
}

/* P5-N22: the logistic function at 0 to 5, here what the input is multiplied by. */
Test(silu, P5_N22_its_gate)
{
    const double gate[] = {0.5, 0.7311, 0.8808, 0.9526, 0.9820, 0.9933};
    check_layer *l = check_layer_new("silu", NULL, check_shape(1, 1, 0, 0), 6, 1);
    for (int32_t i = 0; i < 6; i++) l->x[0][i] = i;
    check_forward(l, true, 0);
    for (int32_t i = 0; i < 6; i++) cr_assert_float_eq(l->y[i], i * gate[i], 5e-5 * 5);
}

Test(silu, splits_and_threads)
{
    activation_splits(&silu);
    activation_threads(&silu);
}

Test(silu, he_with_a_gain_of_its_own)
{
    activation_states("silu", activation_gain("silu", NULL), "he", 0);
    activation_chooses("[{dense: 3}, silu]", "he (auto: silu)");
}

Test(silu, has_no_options)
{
    check_refuses("[{silu: 1}]", check_shape(1, 2, 0, 0), "silu");
}
