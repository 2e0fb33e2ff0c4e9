/* progress.c - observer/progress: its line. */
#include <criterion/criterion.h>

#include "tests/support/observing.h"

Test(progress, a_line_an_epoch_of_the_level_of_progress)
{
    watch *w = watch_new("progress", NULL);
    w->event.seconds = 2.04, w->event.samples_per_second = 512.3;
    cr_assert_eq(watch_epoch(w, 3, 0.5, 0.25), TN_OK);
    cr_assert_eq(call_level, TN_LOG_PROGRESS);
    cr_assert_str_eq(
        call_logged,
        "epoch 3/100  loss 0.5  val_loss 0.25  rate 0.25  2.0 s  512 samples/s");
}

Test(progress, tables_are_left_out)
{
    watch *w = watch_new("progress", NULL);
    w->value[0].name = "recall[3]";
    cr_assert_eq(watch_epoch(w, 3, 0.5, 0.25), TN_OK);
    cr_assert_not_null(strstr(call_logged, "epoch 3/100  val_loss 0.25"), "%s",
                       call_logged);
}

Test(progress, long_names_are_cut_not_overrun)
{
    static char name[3000];
    watch *w = watch_new("progress", NULL);
    memset(name, 'n', sizeof name - 1);
    w->value[0].name = name;
    cr_assert_eq(watch_epoch(w, 1, 1, 1), TN_OK);
    cr_assert_eq(strlen(call_logged), 999);
}
