/* huber.c - loss/huber: by hand on both sides of delta, PyTorch, gradients over random shapes. */
#include <criterion/criterion.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

/* At delta itself both sides agree, in value and in slope. */
Test(huber, by_hand)
{
    const double y[] = {0, 1, -1, 2, -2, 6};
    double target[6] = {0}, value[6], weight[6], gy[6];
    const double values[] = {0, 0.5, 0.5, 2, 2, 10}, slopes[] = {0, 1, -1, 2, -2, 2};
    cr_assert_eq(loss_run("huber", "{delta: 2}", y, 6, 1,
                          &(tn_field){.width = 1, .real = target}, value, weight, gy),
                 TN_OK);
    check_near(value, values, 6, 0, "value");
    check_near(gy, slopes, 6, 0, "gradient");
}

Test(huber, like_pytorch)
{
    loss_torch("huber");
}

Test(huber, gradients)
{
    static const char *const losses[] = {"huber", "huber {delta: 0.1}",
                                         "huber {delta: 0.5}", "huber {delta: 7}"};
    loss_gradients(losses, 4, false, 1, 9);
    check_precisions("[{dense: 4}]", "huber {delta: 0.3}", 0, check_shape(1, 3, 0, 0), 5,
                     1e-5);
}

Test(huber, what_is_refused)
{
    const tn_shape three = check_shape(1, 3, 0, 0);
    loss_refuses("huber", NULL, three, 0, (tn_field_spec){.classes = 3}, "numbers");
    loss_refuses("huber", NULL, three, 0, (tn_field_spec){.real = 1}, "3 outputs");
}
