/* relu.c - layer/relu: values, the kink, NaN, gradients. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/activation.h"

static const activation relu_layer = {"relu", {"{}"}};

Test(relu, as_in_pytorch)
{
    check_torch("layers", "relu");
}

Test(relu, cuts_off_what_is_negative)
{
    const double x[] = {-2, -0.0, 0, 1e-300, 3}, y[] = {0, 0, 0, 1e-300, 3};
    const double gy[] = {1, 2, 3, 4, 5}, gx[] = {0, 0, 0, 4, 5};
    check_layer *l = check_layer_new("relu", NULL, check_shape(1, 5, 0, 0), 1, 1);
    l->x[0] = (double *)(uintptr_t)x, l->gy = (double *)(uintptr_t)gy;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    check_near(l->y, y, 5, 0, "y");
    check_near(l->gx[0], gx, 5, 0, "gx");
}

Test(relu, lets_nan_through_so_that_it_is_found)
{
    check_layer *l = check_layer_new("relu", NULL, check_shape(1, 1, 0, 0), 1, 1);
    l->x[0][0] = NAN;
    check_forward(l, true, 0);
    cr_assert(isnan(l->y[0]));
}

Test(relu, any_split_gives_the_same_bits)
{
    check_runs("relu", NULL, 1, true);
}

Test(relu, states_what_it_is_to_initializers)
{
    const tn_entry *entry = check_plugin("layer", "relu", NULL, 0)->entry;
    cr_assert_float_eq(entry->gain, sqrt(2), 1e-15);
    cr_assert_str_eq(entry->initializer, "he");
    cr_assert_eq(entry->kink_count, 1);
    cr_assert_eq(entry->kink[0], 0);
}

Test(relu, gradients)
{
    activation_slots(&relu_layer);
    activation_in_nets(&relu_layer, false);
    check_gradients("[{dense: 5}, relu, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0), 3,
                    true);
    check_precisions("[{dense: 5}, relu, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0),
                     3, 1e-5);
}

Test(relu, first_in_a_net)
{
    check_gradients("[relu, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0), 3, true);
}
