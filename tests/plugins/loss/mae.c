/* mae.c - loss/mae: by hand, PyTorch, gradients over random shapes, what infer refuses. */
#include <criterion/criterion.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

Test(mae, by_hand_and_flat_at_0)
{
    const double y[] = {1, -2, 0.5, 3, 0.25, -1};
    double target[] = {0, 1, .5, 1, 1, 0}, value[2], weight[2], gy[6];
    const double values[] = {4. / 3, 3.75 / 3}, third = 1. / 3,
                 slopes[] = {third, -third, 0, third, -third, -third};
    cr_assert_eq(loss_run("mae", NULL, y, 2, 3, &(tn_field){.width = 3, .real = target},
                          value, weight, gy),
                 TN_OK);
    check_near(value, values, 2, 1e-15, "value");
    check_near(gy, slopes, 6, 1e-15, "gradient");
}

Test(mae, like_pytorch)
{
    loss_torch("mae");
}

Test(mae, gradients)
{
    static const char *const losses[] = {"mae", "mae", "mae"};
    loss_gradients(losses, 3, false, 1, 9);
    check_precisions("[{dense: 4}]", "mae", 0, check_shape(1, 3, 0, 0), 5, 1e-5);
}

Test(mae, labels_are_refused)
{
    const tn_shape three = check_shape(1, 3, 0, 0);
    loss_refuses("mae", NULL, three, 0, (tn_field_spec){.classes = 3}, "cross_entropy");
    loss_refuses("mae", NULL, three, 0, (tn_field_spec){.real = 1}, "3 outputs");
}
