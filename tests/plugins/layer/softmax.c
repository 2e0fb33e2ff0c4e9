/* softmax.c - layer/softmax: values (PyTorch 1.13), large logits, gradients. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/activation.h"

static const activation softmax_layer = {"softmax", {"{}"}};

static const double x[] = {1, -2, 0.5, 3, 0.25, -1, -1.5, 4, 2, 0.5, 1, 8};
static const double gy[] = {0.5, -1, 2, 1, 0.25, -0.5, -2, 1.5, 0.75, 0.1, -0.3, 1.2};

Test(softmax, as_in_pytorch)
{
    check_torch("layers", "softmax");
}

Test(softmax, values_and_gradient)
{
    const double y[] = {
        0.60374889614862581,   0.030058887569574023,   0.36619221628180021,
        0.92400647350786691,   0.059069757592510229,   0.016923768899622816,
        0.0035867055773547152, 0.87763791818578152,    0.11877537623686386,
        0.0005522753054173575, 0.00091054804332400699, 0.99853717665125874};
    const double gx[] = {
        -0.30441018925315472,    -0.060244022258582247,  0.36465421151173683,
        0.064392136832118932,    -0.040185866608175649,  -0.024206270223943175,
        -0.012188934693295433,   0.089198731305382792,   -0.0770097966120874,
        -0.00060641301734673612, -0.0013640252578586125, 0.0019704382752052845};
    check_layer *l = check_layer_new("softmax", NULL, check_shape(1, 3, 0, 0), 4, 1);
    l->x[0] = (double *)(uintptr_t)x, l->gy = (double *)(uintptr_t)gy;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    check_near(l->y, y, 12, 1e-15, "y");
    check_near(l->gx[0], gx, 12, 1e-15, "gx");
}

Test(softmax, large_logits_do_not_overflow)
{
    check_layer *l = check_layer_new("softmax", NULL, check_shape(1, 2, 0, 0), 2, 1);
    const double far[] = {1e4, 1e4 - 1, -1e5, 1e5};
    for (int32_t i = 0; i < 4; i++) l->x[0][i] = far[i];
    check_forward(l, true, 0);
    cr_assert_float_eq(l->y[0], 1 / (1 + exp(-1)), 1e-15);
    cr_assert_float_eq(l->y[0] + l->y[1], 1, 1e-15);
    cr_assert_eq(l->y[2], 0);
    cr_assert_eq(l->y[3], 1);
}

Test(softmax, each_row_by_itself)
{
    check_runs("softmax", NULL, 1, true);
}

Test(softmax, gradients)
{
    activation_slots(&softmax_layer);
    activation_in_nets(&softmax_layer, false);
    check_gradients("[{dense: 5}, softmax, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0),
                    3, true);
    check_gradients("[softmax, {dense: 3}]", NULL, 0, check_shape(2, 3, 4, 0), 2, true);
    check_precisions("[{dense: 5}, softmax]", NULL, 0, check_shape(1, 4, 0, 0), 3, 1e-5);
}
