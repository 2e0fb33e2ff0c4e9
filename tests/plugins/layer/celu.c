/* celu.c - layer/celu: against PyTorch, gradients, ends, gain, what it refuses. */
#include "tests/support/activation.h"

static const activation celu = {"celu", {"{}", "0.4", "{alpha: 2.5}"}};

Test(celu, as_in_pytorch)
{
    check_torch("layers", "celu");
}

Test(celu, gradients)
{
    activation_slots(&celu);
    activation_in_nets(&celu, false);
}

/* The derivative at 0 is 1 from either side, whatever alpha is. */
Test(celu, the_derivative_is_continuous_and_the_ends)
{
    const activation_point point[] = {{3, 3, 1},
                                      {-1, 0.5 * expm1(-2), exp(-2)},
                                      {-1e-20, -1e-20, 1},
                                      {-0.0, -0.0, 1},
                                      {0, 0, 1},
                                      {1e-20, 1e-20, 1},
                                      {-1e300, -0.5, 0},
                                      {INFINITY, INFINITY, 1},
                                      {-INFINITY, -0.5, 0},
                                      {NAN, NAN, 0}};
    activation_points("celu", "0.5", 10, point, 1e-15);
    activation_float_points("celu", "0.5", 10, point);
}

Test(celu, splits_and_threads)
{
    activation_splits(&celu);
    activation_threads(&celu);
}

Test(celu, he_with_the_gain_of_its_alpha)
{
    activation_states("celu", 1.24519830070070655, "he", 0);
    char words[80];
    snprintf(words, sizeof words, "he (auto: celu, gain %.4g)",
             activation_gain("celu", "3"));
    activation_chooses("[{dense: 3}, {celu: 3}]", words);
}

Test(celu, what_it_refuses)
{
    check_refuses("[{celu: 0}]", check_shape(1, 2, 0, 0), "alpha");
}
