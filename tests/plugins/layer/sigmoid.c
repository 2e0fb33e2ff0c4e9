/* sigmoid.c - layer/sigmoid: values (PyTorch 1.13), both far ends, gradients. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/check.h"

static const double x[] = {1, -2, 0.5, 3, 0.25, -1};
static const double gy[] = {0.5, -1, 2, 1, 0.25, -0.5};

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

Test(sigmoid, any_split_gives_the_same_bits)
{
    check_runs("sigmoid", NULL, 1, true);
}

Test(sigmoid, gradients)
{
    check_gradients("[{dense: 5}, sigmoid, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0),
                    3, true);
    check_gradients("[sigmoid, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0), 3, true);
    check_precisions("[{dense: 5}, sigmoid]", NULL, 0, check_shape(1, 4, 0, 0), 3, 1e-5);
}
