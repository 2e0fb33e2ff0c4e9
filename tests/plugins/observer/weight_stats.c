/* weight_stats.c - range, magnitude, zeros, histogram. */
#include <criterion/criterion.h>

#include "tests/support/disk.h"
#include "tests/support/observing.h"

static float w1[] = {-1, 0, 0, 3, 0.5f, 1.5f}, w2[] = {2, 2},
             w3[] = {NAN, 1, -INFINITY, 2};

Test(weight_stats, a_row_for_each_parameter_and_epoch)
{
    const char *folder = test_folder();
    const tn_seen_param param[] = {{"a.weight", TN_WEIGHT, seen(w1, 2, 3), NULL, NULL},
                                   {"a.bias", TN_BIAS, seen(w2, 1, 2), NULL, NULL},
                                   {"bad", TN_WEIGHT, seen(w3, 1, 4), NULL, NULL}};
    size_t size;
    watch *w = watch_new("weight_stats", "4");
    w->event.run_dir = folder, w->event.params = 3, w->event.param = param;
    cr_assert_eq(watch_start(w), TN_OK);
    cr_assert_eq(watch_epoch(w, 1, 0, 0), TN_OK, "%s", call_failed);
    cr_assert_eq(watch_epoch(w, 2, 0, 0), TN_OK, "%s", call_failed);
    cr_assert_str_eq(
        test_read(test_path(folder, "weight_stats.csv"), &size),
        "epoch,parameter,min,max,mean_magnitude,zeros,not_finite,bin_1,bin_2,"
        "bin_3,bin_4\n"
        "1,a.weight,-1,3,1,2,0,1,3,1,1\n1,a.bias,2,2,2,0,0,2,0,0,0\n"
        "1,bad,1,2,1.5,0,2,1,0,0,1\n"
        "2,a.weight,-1,3,1,2,0,1,3,1,1\n2,a.bias,2,2,2,0,0,2,0,0,0\n"
        "2,bad,1,2,1.5,0,2,1,0,0,1\n");
}
