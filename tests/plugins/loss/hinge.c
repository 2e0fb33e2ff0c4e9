/* hinge.c - loss/hinge: by hand, PyTorch's multi_margin_loss and the others written out there, gradients
 * over random shapes, what is refused. */
#include <criterion/criterion.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

/* 1 - s y: 0.5, 1.3, -1 and 0, the kink. */
Test(hinge, yes_or_no_by_hand)
{
    const double y[] = {0.5, 0.3, -2, 1}, values[] = {0.5, 1.3, 0, 0},
                 squares[] = {0.25, 1.69, 0, 0}, slopes[] = {-1, 1, 0, 0};
    int32_t labels[] = {1, 0, 0, 1};
    double value[4], weight[4], gy[4];
    const tn_field field = {.width = 1, .label = labels};
    cr_assert_eq(loss_run("hinge", NULL, y, 4, 1, &field, value, weight, gy), TN_OK);
    check_near(value, values, 4, 1e-15, "value");
    check_near(gy, slopes, 4, 0, "gradient");
    cr_assert_eq(loss_run("hinge", "{squared: true}", y, 4, 1, &field, value, weight, gy),
                 TN_OK);
    check_near(value, squares, 4, 1e-15, "squared");
    cr_assert(gy[0] == -1 && gy[1] == 2.6 && gy[3] == 0);
}

/* The label's 1 against 0.5 and 2: 0.5 and 2, of which all three classes share. */
Test(hinge, classes_by_hand)
{
    const double y[] = {0.5, 1, 2}, third = 1. / 3, slopes[] = {third, -2 * third, third},
                 strongest[] = {0, -1, 1};
    int32_t label = 1;
    double value, weight, gy[3];
    const tn_field field = {.width = 1, .label = &label};
    cr_assert_eq(loss_run("hinge", NULL, y, 1, 3, &field, &value, &weight, gy), TN_OK);
    cr_assert_float_eq(value, 2.5 / 3, 1e-15);
    check_near(gy, slopes, 3, 1e-15, "gradient");
    cr_assert_eq(loss_run("hinge", "{classes: crammer_singer}", y, 1, 3, &field, &value,
                          &weight, gy),
                 TN_OK);
    cr_assert_eq(value, 2);
    check_near(gy, strongest, 3, 0, "gradient");
}

Test(hinge, like_pytorch)
{
    loss_torch("hinge");
}

Test(hinge, gradients)
{
    static const char *const losses[] = {
        "hinge", "hinge {squared: true}", "hinge {margin: 0.3}",
        "hinge {classes: crammer_singer}",
        "hinge {classes: crammer_singer, squared: true, margin: 2}"};
    loss_gradients(losses, 5, true, 2, 3);
    loss_gradients(losses, 3, true, 1, 1);
    loss_gradients(losses + 1, 1, false, 1, 5);
    check_precisions("[{dense: 4}]", "hinge {squared: true}", 4, check_shape(1, 3, 0, 0),
                     5, 1e-5);
}

Test(hinge, what_is_refused)
{
    const double y[] = {0, 1, 2};
    double value[1], weight[1];
    loss_refuses("hinge", NULL, check_shape(1, 1, 0, 0), 0, (tn_field_spec){.classes = 3},
                 "labels 0 and 1");
    loss_refuses("hinge", NULL, check_shape(1, 3, 0, 0), 0, (tn_field_spec){.classes = 4},
                 "4 classes");
    loss_refuses("hinge", NULL, check_shape(1, 3, 0, 0), 0, (tn_field_spec){.real = 1},
                 "3 outputs");
    cr_assert_eq(loss_run("hinge", NULL, y, 1, 3,
                          &(tn_field){.width = 1, .label = (int32_t[]){3}}, value, weight,
                          NULL),
                 TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "label 3"), "%s", check_message());
}
