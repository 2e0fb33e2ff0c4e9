/* hard_sigmoid.c - layer/hard_sigmoid: against PyTorch, gradients, ends, gain. */
#include "tests/support/activation.h"

static const activation hard_sigmoid = {"hard_sigmoid", {"{}"}};

Test(hard_sigmoid, as_in_pytorch)
{
    check_torch("layers", "hard_sigmoid");
}

Test(hard_sigmoid, gradients)
{
    activation_slots(&hard_sigmoid);
    activation_in_nets(&hard_sigmoid, false);
}

Test(hard_sigmoid, the_line_and_the_ends)
{
    const activation_point point[] = {{0, 0.5, 1 / 6.0},
                                      {-0.0, 0.5, 1 / 6.0},
                                      {1.5, 0.75, 1 / 6.0},
                                      {-1.5, 0.25, 1 / 6.0},
                                      {3, 1, 0},
                                      {-3, 0, 0},
                                      {1e300, 1, 0},
                                      {-1e300, 0, 0},
                                      {INFINITY, 1, 0},
                                      {-INFINITY, 0, 0},
                                      {NAN, NAN, 0}};
    activation_points("hard_sigmoid", NULL, 11, point, 1e-15);
    activation_float_points("hard_sigmoid", "{}", 11, point);
}

Test(hard_sigmoid, splits_and_threads)
{
    activation_splits(&hard_sigmoid);
    activation_threads(&hard_sigmoid);
}

Test(hard_sigmoid, xavier)
{
    activation_states("hard_sigmoid", 1.89784042472955899, "xavier", 2);
    cr_assert_float_eq(activation_gain("hard_sigmoid", NULL), 1.89784042472955899, 1e-6);
    activation_chooses("[{dense: 3}, hard_sigmoid]", "xavier (auto: hard_sigmoid)");
}

Test(hard_sigmoid, has_no_options)
{
    check_refuses("[{hard_sigmoid: 1}]", check_shape(1, 2, 0, 0), "hard_sigmoid");
}
