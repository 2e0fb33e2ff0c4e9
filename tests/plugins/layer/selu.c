/* selu.c - layer/selu: against PyTorch, gradients, ends, its fixed point. */
#include "tests/support/activation.h"

#define LAMBDA 1.0507009873554804934
#define ALPHA 1.6732632423543772848

static const activation selu = {"selu", {"{}"}};

Test(selu, as_in_pytorch)
{
    check_torch("layers", "selu");
}

Test(selu, gradients)
{
    activation_slots(&selu);
    activation_in_nets(&selu, false);
}

/* P4-F9: far left it is -lambda alpha = -1.7580993408, the value that alpha dropout drops to. */
Test(selu, P4_F9_where_it_ends)
{
    const activation_point point[] = {
        {2, 2 * LAMBDA, LAMBDA},
        {-1, LAMBDA * ALPHA * expm1(-1), LAMBDA * ALPHA * exp(-1)},
        {-1e-20, -LAMBDA * ALPHA * 1e-20, LAMBDA * ALPHA},
        {-0.0, -0.0, LAMBDA * ALPHA},
        {-1e300, -LAMBDA * ALPHA, 0},
        {INFINITY, INFINITY, LAMBDA},
        {-INFINITY, -LAMBDA * ALPHA, 0},
        {NAN, NAN, 0}};
    cr_assert_float_eq(LAMBDA * ALPHA, 1.7580993408, 1e-10);
    activation_points("selu", NULL, 8, point, 1e-15);
    activation_float_points("selu", "{}", 8, point);
}

/* Of normal numbers it keeps mean 0 and variance 1: Klambauer et al., eq. 4 and 5. */
Test(selu, its_fixed_point)
{
    double mean = 0, square = 0;
    check_layer *l = check_layer_new("selu", NULL, check_shape(1, 1, 0, 0), 20000, 1);
    for (int32_t i = 0; i < 20000; i++) l->x[0][i] = (i + 0.5) / 1000 - 10;
    check_forward(l, true, 0);
    for (int32_t i = 0; i < 20000; i++) {
        const double x = (i + 0.5) / 1000 - 10;
        const double share = exp(-x * x / 2) / sqrt(2 * M_PI) / 1000;
        mean += share * l->y[i], square += share * l->y[i] * l->y[i];
    }
    cr_assert_float_eq(mean, 0, 1e-6);
    cr_assert_float_eq(square, 1, 1e-6);
}

Test(selu, splits_and_threads)
{
    activation_splits(&selu);
    activation_threads(&selu);
}

Test(selu, P5_G1_lecun)
{
    activation_states("selu", 1, "lecun", 1);
    activation_chooses("[{dense: 3}, selu]", "lecun (auto: selu)");
}

Test(selu, has_no_options)
{
    check_refuses("[{selu: {alpha: 1}}]", check_shape(1, 2, 0, 0), "alpha");
}
