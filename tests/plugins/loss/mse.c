/* mse.c - loss/mse: values and gradients (PyTorch 1.13), what infer refuses. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

Test(mse, mean_over_the_elements_of_a_row)
{
    const double y[] = {1, -2, 0.5, 3, 0.25, -1, -1.5, 4, 2, 0.5, 1, 8};
    double target[] = {0, 1, .25, 1, 1, 0, 0, .5, 1, 1, 0, 1};
    const double value[] = {3.3541666666666665, 1.8541666666666667, 5.166666666666667,
                            16.75};
    const double gradient[] = {2. / 3, -2,     1. / 6, 4. / 3,  -.5,    -2. / 3,
                               -1,     7. / 3, 2. / 3, -1. / 3, 2. / 3, 14. / 3};
    const tn_instance *instance = check_plugin("loss", "mse", NULL, 1);
    const tn_loss *loss = instance->vtable;
    const tn_shape shape = check_shape(1, 3, 0, 0);
    const tn_tile t = {.n = 12, .width = 3, .rows_per_sample = 1, .shape = &shape};
    const tn_field field = {.width = 3, .real = target};
    double got[4], gy[12], weight[4];
    cr_assert_eq(loss->rows(instance->self, check_call(), &t, y, &field, got, weight, gy),
                 TN_OK);
    check_near(got, value, 4, 1e-14, "value");
    check_near(gy, gradient, 12, 1e-14, "gradient");
    cr_assert_eq(
        loss->rows(instance->self, check_call(), &t, y, &field, got, weight, NULL),
        TN_OK);
    check_near(got, value, 4, 1e-14, "value without gradient");
}

static tn_status infer(tn_shape shape, tn_field_spec spec)
{
    const tn_instance *instance = check_plugin("loss", "mse", NULL, 1);
    const tn_loss *loss = instance->vtable;
    const tn_field_spec *field = &spec;
    const tn_outputs out = {.shape = shape};
    return loss->infer(instance->self, check_call(), &out, &field);
}

Test(mse, infer_wants_as_many_numbers_as_outputs)
{
    const tn_shape out = check_shape(1, 3, 0, 0);
    cr_assert_eq(infer(out, (tn_field_spec){.real = 1, .shape = out}), TN_OK);
    cr_assert_eq(infer(check_shape(1, 1, 0, 0), (tn_field_spec){.real = 1}), TN_OK);
    cr_assert_eq(infer(out, (tn_field_spec){.real = 1}), TN_ESHAPE);
    cr_assert_not_null(strstr(check_message(), "3 outputs"), "%s", check_message());
    cr_assert_eq(infer(out, (tn_field_spec){.classes = 3}), TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "cross_entropy"), "%s", check_message());
}

/* More rows than the host hands over at a time. */
Test(mse, each_step_of_a_sequence_has_its_own_target)
{
    check_net *net = check_net_new("[{dense: 2}]", "mse", 0, check_shape(2, 9, 3, 0), 30,
                                   1, 2);
    const double loss = check_net_loss(net, false), *y = check_net_output(net),
                 *target = net->target.real;
    double sum = 0;
    for (int64_t i = 0; i < 2 * 9 * 30; i++)
        sum += (y[i] - target[i]) * (y[i] - target[i]) / 2;
    cr_assert_float_eq(loss, sum, 1e-12 * sum, "%.17g, not %.17g", loss, sum);
}

Test(mse, like_pytorch)
{
    loss_torch("mse");
}

/* Of p = sigmoid(z) by z it is 2 (p - t) p (1 - p), not the p - t of binary_cross_entropy (0-7). P2-N5:
 * -4.3e-30 and -2.079e-15 at z = 34.5, inputs of 2, target 1. */
Test(mse, worked_examples)
{
    const double p = 1 / (1 + exp(-34.5)), rest = exp(-34.5) / (1 + exp(-34.5));
    cr_assert_float_eq(2 * (p - 1) * p * rest * 2, -4.3e-30, 5e-31);
    double target[] = {1}, value[1], weight[1], gy[1];
    cr_assert_eq(loss_run("mse", NULL, &p, 1, 1, &(tn_field){.width = 1, .real = target},
                          value, weight, gy),
                 TN_OK);
    cr_assert_float_eq(value[0], 1.08e-30, 0.2e-30);
    cr_assert_float_eq(gy[0], 2 * (p - 1), 0);
}

Test(mse, gradients_in_a_net)
{
    static const char *const losses[] = {"mse", "mse", "mse"};
    loss_gradients(losses, 3, false, 1, 9);
    check_gradients("[{dense: 4}, tanh, {dense: 2}]", "mse", 0, check_shape(1, 3, 0, 0),
                    5, true);
    check_gradients("[{dense: 1}]", "mse", 0, check_shape(2, 2, 3, 0), 2, true);
    check_precisions("[{dense: 4}]", "mse", 0, check_shape(1, 3, 0, 0), 5, 1e-5);
}
