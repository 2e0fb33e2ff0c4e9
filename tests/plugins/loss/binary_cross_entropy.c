/* binary_cross_entropy.c - loss/binary_cross_entropy: values and gradients (PyTorch
 * 1.13), far logits, what infer and rows refuse. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

static tn_status run(const double *y, int64_t rows, int64_t width, const tn_field *field,
                     double *value, double *gy)
{
    const tn_instance *instance = check_plugin("loss", "binary_cross_entropy", NULL, 1);
    const tn_loss *loss = instance->vtable;
    const tn_shape shape = check_shape(1, width, 0, 0);
    const tn_tile t = {.n = rows * width,
                       .width = width,
                       .row = 100,
                       .rows_per_sample = 1,
                       .shape = &shape};
    double weight[200];
    for (int64_t i = 0; i < rows; i++) weight[i] = 1;
    return loss->rows(instance->self, check_call(), &t, y, field, value, weight, gy);
}

Test(binary_cross_entropy, mean_over_the_elements_of_a_row)
{
    const double y[] = {1, -2, 0.5, 3, 0.25, -1, -1.5, 4, 2, 0.5, 1, 8};
    double target[] = {0, 1, .25, 1, 1, 0, 0, .5, 1, 1, 0, 1};
    const double value[] = {1.4297555609137673, 0.31259615299026949, 0.7821637389811783,
                            0.59589135935707505};
    const double gradient[] = {
        0.24368619287666829,   -0.29359902599262744, 0.12415311040061819,
        -0.015808624392522209, -0.14594116637140064, 0.089647140456665025,
        0.060808507935452116,  0.16067126334596948,  -0.039734307340705891,
        -0.12584688959938178,  0.24368619287666829,  -0.00011178337682212398};
    const tn_field field = {.width = 3, .real = target};
    double got[4], gy[12];
    cr_assert_eq(run(y, 4, 3, &field, got, gy), TN_OK);
    check_near(got, value, 4, 1e-14, "value");
    check_near(gy, gradient, 12, 1e-14, "gradient");
    cr_assert_eq(run(y, 4, 3, &field, got, NULL), TN_OK);
    check_near(got, value, 4, 1e-14, "value without gradient");
}

Test(binary_cross_entropy, labels_count_as_0_and_1)
{
    const double y[] = {0.7, -0.3};
    int32_t labels[] = {1, 0};
    double value[2], gy[2];
    cr_assert_eq(run(y, 2, 1, &(tn_field){.width = 1, .label = labels}, value, gy),
                 TN_OK);
    cr_assert_float_eq(value[0], log1p(exp(-0.7)), 1e-15);
    cr_assert_float_eq(value[1], log1p(exp(-0.3)), 1e-15);
    cr_assert_float_eq(gy[0], 1 / (1 + exp(-0.7)) - 1, 1e-15);
}

Test(binary_cross_entropy, far_logits_stay_finite)
{
    const double y[] = {1e5, -1e5, 1e5, 40};
    int32_t labels[] = {0, 1, 1, 1};
    double value[4], gy[4];
    cr_assert_eq(run(y, 4, 1, &(tn_field){.width = 1, .label = labels}, value, gy),
                 TN_OK);
    cr_assert(value[0] == 1e5 && value[1] == 1e5 && value[2] == 0);
    cr_assert_float_eq(value[3] / exp(-40), 1, 1e-12);
    cr_assert(gy[0] == 1 && gy[1] == -1 && gy[2] == 0);
}

Test(binary_cross_entropy, other_labels_are_errors)
{
    const double y[] = {0, 0};
    int32_t labels[] = {0, 2};
    double value[2];
    cr_assert_eq(run(y, 2, 1, &(tn_field){.width = 1, .label = labels}, value, NULL),
                 TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "label 2 of row 101"), "%s",
                       check_message());
}

/* Also behind the elements that are worked on at a time. */
Test(binary_cross_entropy, targets_outside_0_to_1_are_errors_that_name_the_row)
{
    enum { ROWS = 150, WIDE = 3 };
    static double y[ROWS * WIDE], target[ROWS * WIDE], value[ROWS];
    const tn_field field = {.width = WIDE, .real = target};
    target[1] = -1e-5, target[2] = 1 + 1e-5, target[5] = 1;
    cr_assert_eq(run(y, ROWS, WIDE, &field, value, NULL), TN_OK, "%s", check_message());
    target[140 * WIDE + 1] = 2;
    cr_assert_eq(run(y, ROWS, WIDE, &field, value, NULL), TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "target value 2 of row 240 is not in 0 .. "
                                               "1"),
                       "%s", check_message());
    target[4] = -0.1;
    cr_assert_eq(run(y, ROWS, WIDE, &field, value, NULL), TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "target value -0.1 of row 101"), "%s",
                       check_message());
}

static tn_status infer(tn_shape shape, tn_field_spec spec)
{
    const tn_instance *instance = check_plugin("loss", "binary_cross_entropy", NULL, 1);
    const tn_loss *loss = instance->vtable;
    const tn_field_spec *field = &spec;
    const tn_outputs out = {.shape = shape};
    return loss->infer(instance->self, check_call(), &out, &field);
}

Test(binary_cross_entropy, infer_wants_a_target_for_each_output)
{
    const tn_shape one = check_shape(1, 1, 0, 0), four = check_shape(1, 4, 0, 0);
    cr_assert_eq(infer(one, (tn_field_spec){.classes = 2}), TN_OK);
    cr_assert_eq(infer(four, (tn_field_spec){.classes = 2, .shape = four}), TN_OK);
    cr_assert_eq(infer(four, (tn_field_spec){.real = 1, .shape = four}), TN_OK);
    cr_assert_eq(infer(four, (tn_field_spec){.classes = 2}), TN_ESHAPE);
    cr_assert_eq(infer(one, (tn_field_spec){.classes = 3}), TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "use cross_entropy"), "%s",
                       check_message());
}

/* More rows than the host hands over at a time. */
Test(binary_cross_entropy, each_step_of_a_sequence_has_its_own_label)
{
    check_net *net = check_net_new("[{dense: 1}]", "binary_cross_entropy", 2,
                                   check_shape(2, 9, 3, 0), 30, 1, 2);
    const double loss = check_net_loss(net, false), *y = check_net_output(net);
    double sum = 0;
    for (int64_t row = 0; row < 9 * 30; row++)
        sum += log1p(exp(net->target.label[row] ? -y[row] : y[row]));
    cr_assert_float_eq(loss, sum, 1e-12 * sum, "%.17g, not %.17g", loss, sum);
}

Test(binary_cross_entropy, like_pytorch)
{
    loss_torch("binary_cross_entropy");
}

/* P2-N5: at logit 34.5 and inputs 2 and 3 the gradients are -2.079e-15 and -3.119e-15. P1-N6: ln 2 at
 * even odds. 0-7: the slope is p - t. */
Test(binary_cross_entropy, worked_examples)
{
    const double y[] = {34.5, 0};
    int32_t labels[] = {1, 1};
    double value[2], weight[2], gy[2];
    cr_assert_eq(loss_run("binary_cross_entropy", NULL, y, 2, 1,
                          &(tn_field){.width = 1, .label = labels}, value, weight, gy),
                 TN_OK);
    cr_assert_float_eq(value[0], 1.0395e-15, 1e-19);
    cr_assert_float_eq(value[1], .693, 2e-4);
    cr_assert_eq(gy[1], -.5);
    cr_assert_float_eq(2 * gy[0], -2.079e-15,
                       2e-16); /* sigmoid - 1 is a multiple of 2^-53 */
    cr_assert_float_eq(3 * gy[0], -3.119e-15, 3e-16);
}

Test(binary_cross_entropy, weights_and_smoothing_by_hand)
{
    const double y[] = {2, -1};
    int32_t labels[] = {1, 0};
    double value[2], weight[2], gy[2];
    const double no = log1p(exp(-1)), yes = 3 * log1p(exp(-2));
    cr_assert_eq(loss_run("binary_cross_entropy", "{pos_weight: [3]}", y, 2, 1,
                          &(tn_field){.width = 1, .label = labels}, value, weight, gy),
                 TN_OK);
    cr_assert_float_eq(value[0], yes, 1e-15);
    cr_assert_float_eq(value[1], no, 1e-15);
    cr_assert(weight[0] == 1 && weight[1] == 1, "the mean is one by rows");
    cr_assert_eq(loss_run("binary_cross_entropy", "{label_smoothing: 0.2}", y, 2, 1,
                          &(tn_field){.width = 1, .label = labels}, value, weight, gy),
                 TN_OK);
    cr_assert_float_eq(value[0], .9 * log1p(exp(-2)) + .1 * log1p(exp(2)), 1e-15);
    cr_assert_float_eq(gy[0], 1 / (1 + exp(-2)) - .9, 1e-15);
}

Test(binary_cross_entropy, what_options_and_outputs_are_refused)
{
    const tn_shape three = check_shape(1, 3, 0, 0);
    const tn_field_spec shares = {.real = 1, .shape = three};
    static const char name[] = "binary_cross_entropy";
    loss_refuses(name, "{pos_weight: [1, 2]}", three, 0, shares, "2 numbers; give one");
    loss_refuses(name, "{pos_weight: [-1]}", three, 0, shares,
                 "-1 is not a number from 0");
    loss_refuses(name, NULL, three, TN_PROBABILITIES, shares, "takes logits");
    loss_refuses(name, NULL, three, TN_LOG_PROBABILITIES, shares, "takes logits");
}

Test(binary_cross_entropy, gradients_in_a_net)
{
    static const char *const losses[] = {
        "binary_cross_entropy", "binary_cross_entropy {pos_weight: [2.5]}",
        "binary_cross_entropy {label_smoothing: 0.3, pos_weight: [0.5]}"};
    check_targets = targets_shares;
    loss_gradients(losses, 3, true, 1, 1);
    loss_gradients(losses, 3, false, 1, 9);
    const tn_shape in = check_shape(1, 3, 0, 0);
    check_gradients("[{dense: 4}]", "binary_cross_entropy", 0, in, 5, true);
    check_gradients("[{dense: 1}]", "binary_cross_entropy", 2, in, 5, true);
    check_precisions("[{dense: 4}]", "binary_cross_entropy", 0, in, 5, 1e-5);
}
