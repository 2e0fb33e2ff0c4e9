/* focal.c - loss/focal: cross-entropy at gamma 0, PyTorch (the formula written out), far logits,
 * gradients over random shapes, what is refused. */
#include <criterion/criterion.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

/* Lin et al., section 3.2: with gamma 2, p = .9 costs 100 times less than in cross-entropy, p = .968
 * 1000 times (to the digits of .968). */
Test(focal, of_the_paper)
{
    const double y[] = {log(9), log(.968 / .032)};
    int32_t labels[] = {1, 1};
    double value[2], weight[2], plain[2];
    const tn_field field = {.width = 1, .label = labels};
    cr_assert_eq(loss_run("focal", NULL, y, 2, 1, &field, value, weight, NULL), TN_OK);
    cr_assert_eq(
        loss_run("binary_cross_entropy", NULL, y, 2, 1, &field, plain, weight, NULL),
        TN_OK);
    cr_assert_float_eq(plain[0] / value[0], 100, 1e-10);
    cr_assert_float_eq(plain[1] / value[1], 1000, 30);
}

Test(focal, with_gamma_0_it_is_cross_entropy)
{
    double y[12], a[4], b[4], weight[4], ga[12], gb[12];
    int32_t labels[] = {2, 0, 1, 2};
    const tn_field field = {.width = 1, .label = labels};
    check_random(y, 12, 3);
    cr_assert_eq(loss_run("focal", "{gamma: 0}", y, 4, 3, &field, a, weight, ga), TN_OK);
    cr_assert_eq(loss_run("cross_entropy", NULL, y, 4, 3, &field, b, weight, gb), TN_OK);
    check_near(a, b, 4, 1e-14, "value");
    check_near(ga, gb, 12, 1e-14, "gradient");
}

Test(focal, like_pytorch)
{
    loss_torch("focal");
}

Test(focal, far_logits_stay_finite)
{
    const double y[] = {1e4, -1e4, 0, -1e4, 1e4, 0, 40, 0, 0}, one[] = {1e4, -1e4, -1e4};
    int32_t labels[] = {0, 0, 0}, sides[] = {1, 0, 1};
    double value[3], weight[3], gy[9];
    static const char *const options[] = {"{gamma: 2}", "{gamma: 0.5}"};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(loss_run("focal", options[i], y, 3, 3,
                              &(tn_field){.width = 1, .label = labels}, value, weight,
                              gy),
                     TN_OK);
        cr_assert(value[0] == 0 && value[1] == 2e4 && value[2] >= 0 && value[2] < 1e-17);
        cr_assert(gy[0] == 0 && gy[3] == -1 && gy[4] == 1);
        for (int k = 0; k < 9; k++) cr_assert(isfinite(gy[k]), "%d", k);
        cr_assert_eq(loss_run("focal", options[i], one, 3, 1,
                              &(tn_field){.width = 1, .label = sides}, value, weight, gy),
                     TN_OK);
        cr_assert(value[0] == 0 && value[1] == 0 && value[2] == 1e4);
        cr_assert(gy[0] == 0 && gy[1] == 0 && gy[2] == -1);
    }
}

Test(focal, gradients)
{
    static const char *const losses[] = {"focal", "focal {gamma: 0.5}",
                                         "focal {gamma: 4}"};
    static const char *const weighted[] = {"focal {alpha: [0.25]}",
                                           "focal {gamma: 1.5, alpha: [0.9]}"};
    static const char *const classes[] = {"focal {gamma: 3, alpha: [0.5, 2, 1]}"};
    loss_gradients(losses, 3, true, 1, 9);
    loss_gradients(classes, 1, true, 3, 3);
    check_targets = targets_answers;
    loss_gradients(losses, 3, false, 1, 5);
    loss_gradients(weighted, 2, false, 1, 5);
    check_precisions("[{dense: 4}]", "focal", 4, check_shape(1, 3, 0, 0), 5, 1e-5);
}

Test(focal, what_is_refused)
{
    const tn_shape three = check_shape(1, 3, 0, 0), one = check_shape(1, 1, 0, 0);
    const tn_field_spec labels = {.classes = 3}, sides = {.classes = 2};
    const double y[] = {0, 0};
    double half[] = {0.5, 1}, value[2], weight[2];
    loss_refuses("focal", NULL, three, TN_PROBABILITIES, labels, "softmax");
    loss_refuses("focal", NULL, one, TN_PROBABILITIES, sides, "sigmoid");
    loss_refuses("focal", "{alpha: [0.25]}", three, 0, labels, "needs 3");
    loss_refuses("focal", "{alpha: [0.25, 1]}", one, 0, sides, "needs 1");
    loss_refuses("focal", "{alpha: [1.5]}", one, 0, sides, "0 .. 1");
    loss_refuses("focal", NULL, one, 0, labels, "labels 0 and 1");
    cr_assert_eq(loss_run("focal", NULL, y, 1, 2, &(tn_field){.width = 2, .real = half},
                          value, weight, NULL),
                 TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "target 0.5 of row 100"), "%s",
                       check_message());
}
