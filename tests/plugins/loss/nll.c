/* nll.c - loss/nll: worked examples, PyTorch, gradients over random shapes, weights and rows that do
 * not count, what is refused. */
#include <criterion/criterion.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

static double mean_of(const double *p, int64_t rows, int32_t *labels)
{
    double y[8], value[4], weight[4], sum = 0;
    for (int64_t i = 0; i < 2 * rows; i++) y[i] = log(p[i]);
    cr_assert_eq(loss_run("nll", NULL, y, rows, 2,
                          &(tn_field){.width = 1, .label = labels}, value, weight, NULL),
                 TN_OK, "%s", check_message());
    for (int64_t i = 0; i < rows; i++) sum += value[i];
    return sum / (double)rows;
}

/* P2-N20: -log of .8, .7, .6 is .223, .357, .511, their mean .36355. P3-N33: that mean, too, is the
 * loss of .7, .8, .6. P1-N6: .693 at even odds. */
Test(nll, worked_examples)
{
    const double p[] = {.2, .8, .3, .7, .6, .4}, even[] = {.5, .5};
    int32_t labels[] = {1, 1, 0};
    cr_assert_float_eq(mean_of(p, 1, labels), .223, 5e-4);
    cr_assert_float_eq(mean_of(p + 2, 1, labels), .357, 5e-4);
    cr_assert_float_eq(mean_of(p + 4, 1, labels + 2), .511, 5e-4);
    cr_assert_float_eq(mean_of(p, 3, labels), .36355, 5e-6);
    cr_assert_float_eq(mean_of(even, 1, labels), .693, 5e-4);
}

Test(nll, like_pytorch)
{
    loss_torch("nll");
}

Test(nll, weights_and_rows_that_do_not_count)
{
    const double y[] = {-1, -2, -3, -4, -5, -6};
    int32_t labels[] = {0, 1, 1};
    double value[3], weight[3], gy[6];
    cr_assert_eq(loss_run("nll", "{class_weights: [0.5, 3], ignore_label: 0}", y, 3, 2,
                          &(tn_field){.width = 1, .label = labels}, value, weight, gy),
                 TN_OK);
    cr_assert(weight[0] == 0 && weight[1] == 3 && weight[2] == 3);
    cr_assert(value[1] == 4 && value[2] == 6);
    cr_assert(gy[0] == 0 && gy[1] == 0 && gy[2] == 0 && gy[3] == -1);
}

/* Of the weighted sum over the rows, by differences: what is linear has them to rounding. */
static double sum_of(const char *options, const double *y, int64_t rows, int64_t width,
                     const tn_field *field, double *gy)
{
    double value[40], weight[40], sum = 0;
    cr_assert_eq(loss_run("nll", options, y, rows, width, field, value, weight, gy),
                 TN_OK, "%s", check_message());
    for (int64_t i = 0; i < rows; i++) {
        sum += weight[i] * value[i];
        for (int64_t k = 0; gy && k < width; k++) gy[i * width + k] *= weight[i];
    }
    return sum;
}

Test(nll, gradients)
{
    static const char *const options[] = {
        NULL, "{ignore_label: 1}", "{class_weights: [1, 0.5, 2]}",
        "{class_weights: [0, 0.5, 2], ignore_label: 2}"};
    for (uint32_t seed = 0; seed < 32; seed++) {
        double y[280], q[280], gy[280];
        int32_t labels[40];
        const char *how = options[seed % 4];
        const int64_t rows = check_draw(seed, 0, 1, 40),
                      width = seed % 4 > 1 ? 3 : check_draw(seed, 1, 2, 7);
        const bool real = seed % 8 == 0 || seed % 8 == 2;
        check_random(y, 280, seed), check_random(q, 280, seed + 99);
        targets_distributions(q, rows * width, width);
        for (int i = 0; i < 280; i++) y[i] -= 1.1;
        for (int i = 0; i < 40; i++)
            labels[i] = (int32_t)check_draw(seed, 2 + i, 0, width - 1);
        const tn_field field = {.width = real ? width : 1,
                                .real = real ? q : NULL,
                                .label = real ? NULL : labels};
        sum_of(how, y, rows, width, &field, gy);
        for (int64_t i = 0; i < rows * width; i++) {
            const double at = y[i], h = 0.01;
            y[i] = at + h;
            const double above = sum_of(how, y, rows, width, &field, NULL);
            y[i] = at - h;
            const double below = sum_of(how, y, rows, width, &field, NULL);
            y[i] = at;
            cr_assert_float_eq((above - below) / (2 * h), gy[i], 1e-10);
        }
    }
}

/* Behind log_softmax it is cross_entropy. */
Test(nll, behind_log_softmax)
{
    static const char *const losses[] = {
        "nll", "nll {class_weights: [0.5, 2, 1], ignore_label: 1}",
        "cross_entropy {class_weights: [0.5, 2, 1], ignore_label: 1}"};
    for (uint32_t seed = 0; seed < 8; seed++) {
        const tn_shape in = check_shape(1 + seed % 2, 4, 3, 0);
        double loss[2];
        check_gradients("[{dense: 3}, log_softmax]", losses[seed % 2], 3, in,
                        check_draw(seed, 0, 1, 30), true);
        for (int i = 0; i < 2; i++)
            loss[i] = check_net_loss(
                check_net_new(i ? "[{dense: 3}]" : "[{dense: 3}, log_softmax]",
                              losses[1 + i], 3, in, 20, 1, seed),
                false);
        cr_assert_float_eq(loss[0], loss[1], 1e-13 * loss[1]);
    }
    check_precisions("[{dense: 4}, log_softmax]", "nll", 4, check_shape(1, 3, 0, 0), 5,
                     1e-5);
}

Test(nll, what_is_refused)
{
    const tn_shape three = check_shape(1, 3, 0, 0);
    const tn_field_spec labels = {.classes = 3};
    const double y[] = {-1, 2.5};
    double value[1], weight[1];
    loss_refuses("nll", NULL, three, TN_PROBABILITIES, labels, "log_softmax");
    loss_refuses("nll", "{class_weights: [1, 2]}", three, 0, labels,
                 "2 weights for 3 classes");
    loss_refuses("nll", "{class_weights: [1, -2, 1]}", three, 0, labels, "-2");
    loss_refuses("nll", "{ignore_label: 1}", three, 0,
                 (tn_field_spec){.real = 1, .shape = three}, "not labels");
    loss_refuses("nll", NULL, three, 0, (tn_field_spec){.classes = 4}, "4 classes");
    cr_assert_eq(loss_infer("nll", "{ignore_label: 255}", three, 0,
                            (tn_field_spec){.classes = 256}),
                 TN_OK);
    cr_assert_eq(loss_run("nll", NULL, y, 1, 2,
                          &(tn_field){.width = 1, .label = (int32_t[]){1}}, value, weight,
                          NULL),
                 TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "output 2.5 of row 100"), "%s",
                       check_message());
    cr_assert_not_null(strstr(check_message(), "log_softmax"));
    cr_assert_eq(loss_run("nll", NULL, y, 1, 2,
                          &(tn_field){.width = 1, .label = (int32_t[]){2}}, value, weight,
                          NULL),
                 TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "label 2"));
}
