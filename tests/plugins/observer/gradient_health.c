/* gradient_health.c - norms of gradients and updates. That they are those of the run's steps is tested
 * with the trainer. */
#include <criterion/criterion.h>

#include "tests/support/disk.h"
#include "tests/support/observing.h"

static float now[] = {3, 4, 0, 0}, before[] = {0, 0, 0, 0}, gradient[] = {1, 2, 2, 4};
static float b_now[] = {6, 8}, b_before[] = {3, 4}, b_gradient[] = {0, 0.5f};

static watch *in_folder(const char *folder, tn_seen_param *param)
{
    watch *w = watch_new("gradient_health", "5");
    param[0] = (tn_seen_param){"dense.weight", TN_WEIGHT, seen(now, 2, 2),
                               seen(gradient, 2, 2), seen(before, 2, 2)};
    param[1] = (tn_seen_param){"dense.bias", TN_BIAS, seen(b_now, 1, 2),
                               seen(b_gradient, 1, 2), seen(b_before, 1, 2)};
    w->event.run_dir = folder, w->event.params = 2, w->event.param = param;
    return w;
}

Test(gradient_health, a_row_for_each_parameter)
{
    const char *folder = test_folder();
    tn_seen_param param[2];
    size_t size;
    watch *w = in_folder(folder, param);
    cr_assert_eq(w->slots->wants(w->instance->self),
                 TN_WANTS_GRADIENTS | TN_WANTS_BEFORE);
    cr_assert_eq(watch_start(w), TN_OK);
    for (int64_t step = 1; step <= 10; step++)
        cr_assert_eq(watch_step(w, 2, step), TN_OK, "%s", call_failed);
    cr_assert_str_eq(test_read(test_path(folder, "gradient_health.csv"), &size),
                     "step,parameter,gradient_norm,weight_norm,update_norm,update_ratio\n"
                     "15,dense.weight,5,0,5,\n15,dense.bias,0.5,5,5,1\n"
                     "20,dense.weight,5,0,5,\n20,dense.bias,0.5,5,5,1\n");
    cr_assert_eq(w->numbers[0], (double)size);
}

Test(gradient_health, without_a_folder_it_writes_nothing)
{
    tn_seen_param param[2];
    watch *w = in_folder(NULL, param);
    cr_assert_eq(watch_start(w), TN_OK);
    cr_assert_eq(watch_step(w, 1, 5), TN_OK);
    cr_assert_eq(w->numbers[0], 0);
}
