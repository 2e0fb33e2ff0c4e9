/* hard_tanh.c - layer/hard_tanh: against PyTorch, gradients, ends, what it refuses. */
#include "tests/support/activation.h"

static const activation hard_tanh = {"hard_tanh",
                                     {"{}", "{min: -0.5, max: 4}", "{min: 0, max: 6}"}};

Test(hard_tanh, as_in_pytorch)
{
    check_torch("layers", "hard_tanh");
}

Test(hard_tanh, gradients)
{
    activation_slots(&hard_tanh);
    activation_in_nets(&hard_tanh, false);
}

Test(hard_tanh, the_line_and_the_ends)
{
    const activation_point point[] = {
        {0, 0, 1},          {-0.0, -0.0, 1}, {0.75, 0.75, 1}, {1, 1, 0},
        {-1, -1, 0},        {1e300, 1, 0},   {-1e300, -1, 0}, {INFINITY, 1, 0},
        {-INFINITY, -1, 0}, {NAN, NAN, 0}};
    activation_points("hard_tanh", NULL, 10, point, 0);
    activation_float_points("hard_tanh", "{}", 10, point);
}

Test(hard_tanh, splits_and_threads)
{
    activation_splits(&hard_tanh);
    activation_threads(&hard_tanh);
}

Test(hard_tanh, xavier)
{
    activation_states("hard_tanh", 1.39203614044830975, "xavier", 2);
    cr_assert_float_eq(activation_gain("hard_tanh", NULL), 1.39203614044830975, 1e-6);
    activation_chooses("[{dense: 3}, hard_tanh]", "xavier (auto: hard_tanh)");
}

Test(hard_tanh, what_it_refuses)
{
    check_refuses("[{hard_tanh: {min: 2}}]", check_shape(1, 2, 0, 0),
                  "min must be below max, but they are 2 and 1");
    check_refuses("[{hard_tanh: {min: 1, max: 1}}]", check_shape(1, 2, 0, 0),
                  "min must be below max");
}
