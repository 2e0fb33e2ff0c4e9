/* activation_stats.c - mean, deviation, saturated and dead shares. */
#include <criterion/criterion.h>

#include "tests/support/disk.h"
#include "tests/support/observing.h"

static float relu[] = {0, 1, 0, 3, 0, 2, 0, 0}, tanh_[] = {0.95f, -0.91f, 0.9f, 0},
             sigmoid[] = {0.01f, 0.5f, 0.96f, 0.99f}, relu6[] = {0.29f, 0.31f, 5.8f, 5};

Test(activation_stats, a_row_for_each_layer)
{
    const char *folder = test_folder();
    const tn_seen_output output[] = {{"relu", "relu", seen(relu, 2, 4), 0, 0},
                                     {"out", "tanh", seen(tanh_, 4, 1), -1, 1},
                                     {"gate", "sigmoid", seen(sigmoid, 1, 4), 0, 1},
                                     {"six", "mine", seen(relu6, 1, 4), 0, 6},
                                     {"open", "mine", seen(relu6, 1, 4), -INFINITY, 6}};
    size_t size;
    watch *w = watch_new("activation_stats", "10");
    w->event.run_dir = folder, w->event.outputs = 5, w->event.output = output;
    cr_assert_eq(w->slots->wants(w->instance->self), TN_WANTS_OUTPUTS);
    cr_assert_eq(watch_start(w), TN_OK);
    cr_assert_eq(watch_step(w, 1, 10), TN_OK, "%s", call_failed);
    const char *text = test_read(test_path(folder, "activation_stats.csv"), &size);
    double mean, std, saturated, dead;
    cr_assert(!strncmp(text, "step,layer,plugin,mean,std,saturated,dead\n", 42), "%s",
              text);
    cr_assert_eq(sscanf(strstr(text, "\n10,relu"), "\n10,relu,relu,%lf,%lf,,%lf", &mean,
                        &std, &dead),
                 3);
    cr_assert_float_eq(mean, 0.75, 1e-8);
    cr_assert_float_eq(std, sqrt(14.0 / 8 - 0.5625), 1e-8);
    cr_assert_eq(dead, 0.5, "features 0 and 2, of four");
    cr_assert_eq(sscanf(strstr(text, "\n10,out"), "\n10,out,tanh,%lf,%lf,%lf,%lf", &mean,
                        &std, &saturated, &dead),
                 4);
    cr_assert(saturated == 0.5 && dead == 0);
    cr_assert_eq(sscanf(strstr(text, "\n10,gate"), "\n10,gate,sigmoid,%lf,%lf,%lf,%lf",
                        &mean, &std, &saturated, &dead),
                 4);
    cr_assert(saturated == 0.75 && dead == 0);
    cr_assert_eq(sscanf(strstr(text, "\n10,six"), "\n10,six,mine,%lf,%lf,%lf,%lf", &mean,
                        &std, &saturated, &dead),
                 4);
    cr_assert(saturated == 0.5, "of 0 to 6: below 0.3 and above 5.7");
    cr_assert_eq(sscanf(strstr(text, "\n10,open"), "\n10,open,mine,%lf,%lf,,%lf", &mean,
                        &std, &dead),
                 3);
}
