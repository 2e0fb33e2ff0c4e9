/* sigmoid.c - layer/sigmoid: values (PyTorch 1.13), both far ends, gradients. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/activation.h"

static const activation sigmoid_layer = {"sigmoid", {"{}"}};

static const double x[] = {1, -2, 0.5, 3, 0.25, -1};
static const double gy[] = {0.5, -1, 2, 1, 0.25, -0.5};

Test(sigmoid, as_in_pytorch)
{
    check_torch("layers", "sigmoid");
}

Test(sigmoid, values_and_gradient)
{
    const double y[] = {0.7310585786300049,  0.11920292202211755, 0.62245933120185459,
                        0.95257412682243336, 0.56217650088579807, 0.2689414213699951};
    const double gx[] = {0.098305966620740926, -0.10499358540350651,
                         0.47000742440318899,  0.045176659730911999,
                         0.061533520684399587, -0.098305966620740926};
    check_layer *l = check_layer_new("sigmoid", NULL, check_shape(1, 6, 0, 0), 1, 1);
    l->x[0] = (double *)(uintptr_t)x, l->gy = (double *)(uintptr_t)gy;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    check_near(l->y, y, 6, 1e-15, "y");
    check_near(l->gx[0], gx, 6, 1e-15, "gx");
}

Test(sigmoid, far_out_it_neither_overflows_nor_loses_digits)
{
    check_layer *l = check_layer_new("sigmoid", NULL, check_shape(1, 4, 0, 0), 1, 1);
    const double far[] = {-1e4, 1e4, -700, -34.5};
    for (int32_t i = 0; i < 4; i++) l->x[0][i] = far[i];
    check_forward(l, true, 0);
    cr_assert_eq(l->y[0], 0);
    cr_assert_eq(l->y[1], 1);
    cr_assert_float_eq(l->y[2] / exp(-700), 1, 1e-14);
    cr_assert_float_eq(l->y[3], 1.0395e-15, 1e-19);
}

/* P5-N7, P5-N8, P5-N22: values (.7685 and .68997, not cut off). */
Test(sigmoid, P5_N7_P5_N8_P5_N22_values)
{
    static const double at[][2] = {
        {0.5, 0.622},  {-0.3, 0.426}, {1.2, 0.76852}, {-0.8, 0.310},
        {0.6, 0.646},  {0.3, 0.574},  {-0.2, 0.450},  {0.8, 0.68997},
        {-0.5, 0.378}, {0.4, 0.599},  {0, 0.5},       {1, 0.731},
        {2, 0.881},    {3, 0.953},    {4, 0.982},     {5, 0.993}};
    check_layer *l = check_layer_new("sigmoid", NULL, check_shape(1, 16, 0, 0), 1, 1);
    for (int i = 0; i < 16; i++) l->x[0][i] = at[i][0];
    check_forward(l, true, 0);
    for (int i = 0; i < 16; i++) cr_assert_float_eq(l->y[i], at[i][1], 5.5e-4);
    cr_assert_float_eq(l->y[2], 0.76852, 5e-6);
    cr_assert_float_eq(l->y[7], 0.68997, 5e-6);
}

/* P5-N22: slopes at 0 .. 5. P5-N11: where the output is .542, .485, .601, .438, .573. P5-N30: 3.7e-44 at
 * -100, where nothing is left at 100. */
Test(sigmoid, P5_N11_P5_N22_P5_N30_slopes)
{
    static const double slope[] = {0.25,  0.197, 0.105, 0.045, 0.018, 0.0066,
                                   0.248, 0.250, 0.240, 0.246, 0.245},
                        out[] = {0.542, 0.485, 0.601, 0.438, 0.573};
    check_layer *l = check_layer_new("sigmoid", NULL, check_shape(1, 13, 0, 0), 1, 1);
    for (int i = 0; i < 13; i++)
        l->x[0][i] = i < 6 ? i : log(out[i % 6 % 5] / (1 - out[i % 6 % 5])), l->gy[i] = 1;
    l->x[0][11] = -100, l->x[0][12] = 100;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    for (int i = 0; i < 11; i++)
        cr_assert_float_eq(l->gx[0][i], slope[i], 5.5e-4, "%d: %g", i, l->gx[0][i]);
    cr_assert_float_eq(l->gx[0][11], 3.7e-44, 5e-46);
    cr_assert(l->y[12] == 1 && l->gx[0][12] == 0);
}

/* 0-18, P5-N41: an output of .5 is not saturated: there the slope is largest, .25. */
Test(sigmoid, P5_N41_steepest_at_a_half)
{
    check_layer *l = check_layer_new("sigmoid", NULL, check_shape(1, 2001, 0, 0), 1, 1);
    for (int i = 0; i < 2001; i++) l->x[0][i] = (i - 1000) / 100.0, l->gy[i] = 1;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    for (int i = 0; i < 2001; i++)
        cr_assert(i == 1000 ? l->y[i] == 0.5 && l->gx[0][i] == 0.25 : l->gx[0][i] < 0.25);
}

Test(sigmoid, any_split_gives_the_same_bits)
{
    check_runs("sigmoid", NULL, 1, true);
}

Test(sigmoid, gradients)
{
    activation_slots(&sigmoid_layer);
    activation_in_nets(&sigmoid_layer, false);
    check_gradients("[{dense: 5}, sigmoid, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0),
                    3, true);
    check_gradients("[sigmoid, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0), 3, true);
    check_precisions("[{dense: 5}, sigmoid]", NULL, 0, check_shape(1, 4, 0, 0), 3, 1e-5);
}
