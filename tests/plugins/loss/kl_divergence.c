/* kl_divergence.c - loss/kl_divergence: by hand, 0 where the distributions agree, PyTorch, gradients
 * over random shapes, what is refused. */
#include <criterion/criterion.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

Test(kl_divergence, by_hand)
{
    const double y[] = {0, 0, log(0.5), log(0.25), 1000, 0};
    double q[] = {0.25, 0.75, 2. / 3, 1. / 3, 1, 0}, value[3], weight[3], gy[6];
    cr_assert_eq(loss_run("kl_divergence", NULL, y, 3, 2,
                          &(tn_field){.width = 2, .real = q}, value, weight, gy),
                 TN_OK, "%s", check_message());
    cr_assert_float_eq(value[0], 0.25 * log(0.5) + 0.75 * log(1.5), 1e-15);
    cr_assert_float_eq(value[1], 0, 1e-15, "the same distribution: %g", value[1]);
    cr_assert_eq(value[2], 0, "0 log 0 is 0");
    cr_assert_float_eq(gy[0], 0.25, 1e-15);
    cr_assert_float_eq(gy[2], 0, 1e-15);
}

Test(kl_divergence, like_pytorch)
{
    loss_torch("kl_divergence");
}

Test(kl_divergence, gradients)
{
    static const char *const losses[] = {"kl_divergence", "kl_divergence",
                                         "kl_divergence"};
    check_targets = targets_distributions;
    loss_gradients(losses, 3, false, 2, 20);
    check_precisions("[{dense: 4}]", "kl_divergence", 0, check_shape(1, 3, 0, 0), 5,
                     1e-5);
}

Test(kl_divergence, what_is_refused)
{
    const tn_shape three = check_shape(1, 3, 0, 0);
    const double y[] = {0, 0};
    double q[] = {1.5, -0.5}, value[1], weight[1];
    loss_refuses("kl_divergence", NULL, three, 0, (tn_field_spec){.classes = 3},
                 "use cross_entropy");
    loss_refuses("kl_divergence", NULL, three, TN_PROBABILITIES,
                 (tn_field_spec){.real = 1, .shape = three}, "takes logits");
    loss_refuses("kl_divergence", NULL, three, 0, (tn_field_spec){.real = 1},
                 "a probability for each output");
    cr_assert_eq(loss_infer("kl_divergence", NULL, three, TN_LOG_PROBABILITIES,
                            (tn_field_spec){.real = 1, .shape = three}),
                 TN_OK);
    cr_assert_eq(loss_run("kl_divergence", NULL, y, 1, 2,
                          &(tn_field){.width = 2, .real = q}, value, weight, NULL),
                 TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "-0.5 of row 100"), "%s", check_message());
}
