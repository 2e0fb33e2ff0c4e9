/* tanh.c - layer/tanh: values (PyTorch 1.13), far ends, gradients. */
#include <criterion/criterion.h>

#include "tests/support/activation.h"

static const activation tanh_layer = {"tanh", {"{}"}};

static const double x[] = {1, -2, 0.5, 3, 0.25, -1};
static const double gy[] = {0.5, -1, 2, 1, 0.25, -0.5};

Test(tanh, as_in_pytorch)
{
    check_torch("layers", "tanh");
}

Test(tanh, values_and_gradient)
{
    const double y[] = {0.76159415595576485, -0.9640275800758169, 0.46211715726000974,
                        0.99505475368673046, 0.24491866240370913, -0.76159415595576485};
    const double gx[] = {0.20998717080701307, -0.070650824853164429,
                         1.5728954659318548,  0.0098660371654401662,
                         0.23500371220159449, -0.20998717080701307};
    check_layer *l = check_layer_new("tanh", NULL, check_shape(1, 6, 0, 0), 1, 1);
    l->x[0] = (double *)(uintptr_t)x, l->gy = (double *)(uintptr_t)gy;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    check_near(l->y, y, 6, 1e-15, "y");
    check_near(l->gx[0], gx, 6, 1e-15, "gx");
}

Test(tanh, far_out_it_is_one)
{
    check_layer *l = check_layer_new("tanh", NULL, check_shape(1, 2, 0, 0), 1, 1);
    l->x[0][0] = -1e4, l->x[0][1] = 1e4;
    check_forward(l, true, 0);
    cr_assert_eq(l->y[0], -1);
    cr_assert_eq(l->y[1], 1);
}

/* P5-N25: .0707, .0099, .0013 at 2, 3, 4. P5-N41: 1 at 0, and less elsewhere. */
Test(tanh, P5_N25_P5_N41_slopes)
{
    static const double at[] = {2, 3, 4, 0, 0.01, -0.01},
                        slope[] = {0.0707, 0.0099, 0.0013};
    check_layer *l = check_layer_new("tanh", NULL, check_shape(1, 6, 0, 0), 1, 1);
    for (int i = 0; i < 6; i++) l->x[0][i] = at[i], l->gy[i] = 1;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    check_near(l->gx[0], slope, 3, 5e-5, "slopes");
    cr_assert(l->gx[0][3] == 1 && l->gx[0][4] < 1 && l->gx[0][5] < 1);
}

Test(tanh, any_split_gives_the_same_bits)
{
    check_runs("tanh", NULL, 1, true);
}

Test(tanh, gradients)
{
    activation_slots(&tanh_layer);
    activation_in_nets(&tanh_layer, false);
    check_gradients("[{dense: 5}, tanh, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0), 3,
                    true);
    check_gradients("[tanh, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0), 3, true);
    check_precisions("[{dense: 5}, tanh]", NULL, 0, check_shape(1, 4, 0, 0), 3, 1e-5);
}
