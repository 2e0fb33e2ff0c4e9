/* accuracy.c - metric/accuracy: labels and rows of targets, ties, one output, NaN,
 * sums over several batches. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/note.h"

static double accuracy(const double *y, int64_t rows, int64_t width,
                       const tn_field *field)
{
    const tn_instance *instance = check_plugin("metric", "accuracy", NULL, 1);
    const tn_metric *metric = instance->vtable;
    const tn_shape shape = check_shape(1, width, 0, 0);
    const tn_tile t = {
        .n = rows * width, .width = width, .rows_per_sample = 1, .shape = &shape};
    double sum[2] = {0};
    metric->rows(instance->self, &t, y, field, sum, NULL);
    metric->rows(instance->self, &t, y, field, sum, NULL);
    cr_assert_eq(sum[1], (double)(2 * rows), "batches must add up");
    return metric->value(instance->self, &(tn_seen){.sum = sum});
}

Test(accuracy, labels)
{
    const double y[] = {1, 5, 2, 9, 0, 0, -3, -2, -1, 0, 0, 7};
    int32_t labels[] = {1, 0, 2, 1};
    cr_assert_eq(accuracy(y, 4, 3, &(tn_field){.width = 1, .label = labels}), 0.75);
}

Test(accuracy, rows_of_targets_count_by_their_largest)
{
    const double y[] = {1, 5, 2, 9, 0, 0};
    double target[] = {.1, .8, .1, .2, .5, .3};
    cr_assert_eq(accuracy(y, 2, 3, &(tn_field){.width = 3, .real = target}), 0.5);
}

Test(accuracy, of_equal_outputs_the_first_counts)
{
    const double y[] = {4, 4, 4, 1, 6, 6};
    int32_t first[] = {0, 1}, other[] = {2, 2};
    cr_assert_eq(accuracy(y, 2, 3, &(tn_field){.width = 1, .label = first}), 1);
    cr_assert_eq(accuracy(y, 2, 3, &(tn_field){.width = 1, .label = other}), 0);
}

Test(accuracy, one_output_is_a_logit)
{
    const double y[] = {-0.1, 0.1, 0, 3};
    int32_t labels[] = {0, 1, 0, 0};
    double target[] = {0.2, 0.9, 0.5, 0.6};
    cr_assert_eq(accuracy(y, 4, 1, &(tn_field){.width = 1, .label = labels}), 0.75);
    cr_assert_eq(accuracy(y, 4, 1, &(tn_field){.width = 1, .real = target}), 1);
}

Test(accuracy, a_row_with_nan_is_never_right)
{
    const double y[] = {1, NAN, NAN, 1};
    int32_t labels[] = {0, 0};
    cr_assert_eq(accuracy(y, 2, 2, &(tn_field){.width = 1, .label = labels}), 0);
    cr_assert_eq(accuracy(y + 1, 1, 1, &(tn_field){.width = 1, .label = labels}), 0);
}

/* 0-25: of 20 images there is no accuracy between multiples of 5 %. */
Test(accuracy, of_twenty_rows)
{
    int32_t labels[20] = {0};
    double y[40];
    for (int right = 0; right <= 20; right++) {
        for (int i = 0; i < 20; i++) y[2 * i] = i < right, y[2 * i + 1] = i >= right;
        const double want = 0.05 * right,
                     got = accuracy(y, 20, 2, &(tn_field){.width = 1, .label = labels});
        check_near(&got, &want, 1, 1e-15, "accuracy");
    }
}

Test(accuracy, infer_wants_a_label_a_row)
{
    const tn_instance *instance = check_plugin("metric", "accuracy", NULL, 1);
    const tn_metric *metric = instance->vtable;
    const tn_outputs out = {.shape = check_shape(2, 5, 10, 0)};
    const tn_field_spec one = {.classes = 10},
                        five = {.classes = 10, .shape = check_shape(1, 5, 0, 0)};
    const tn_field_spec *field = &five;
    tn_metric_size size = {0};
    cr_assert_eq(metric->infer(instance->self, check_call(), &out, &field, &size), TN_OK);
    cr_assert_eq(size.sums, 2);
    field = &one;
    cr_assert_eq(metric->infer(instance->self, check_call(), &out, &field, &size),
                 TN_ESHAPE);
    cr_assert_not_null(strstr(check_message(), "needs 5"), "%s", check_message());
}

Test(accuracy, float_like_double)
{
    check_net *net = check_net_new("[{dense: 3}]", NULL, 3, check_shape(1, 4, 0, 0), 50,
                                   0, 1);
    double sum[2] = {0};
    int32_t right = 0;
    const float *y = check_net_output(net);
    const tn_instance *metric = check_plugin("metric", "accuracy", NULL, 0);
    tn_plan_metric(net->plan, &net->pass, metric, &net->target, sum, NULL);
    for (int32_t i = 0; i < 50; i++, y += 3) {
        const int32_t best = y[0] >= y[1] && y[0] >= y[2] ? 0 : y[1] >= y[2] ? 1 : 2;
        right += best == net->target.label[i];
    }
    cr_assert_eq(sum[0], right);
    cr_assert_eq(sum[1], 50);
    note_error(NULL, NOTE_VALUES, 0, 0);
}
