/* csv_log.c - observer/csv_log: the table, and how it is cut back when a run is resumed. */
#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/disk.h"
#include "tests/support/observing.h"

static watch *in_folder(const char *folder)
{
    watch *w = watch_new("csv_log", NULL);
    w->event.run_dir = folder;
    w->event.seconds = 1.5;
    return w;
}

static const char *table(const char *folder)
{
    size_t size;
    return test_read(test_path(folder, "metrics.csv"), &size);
}

static const char head[] = "epoch,loss,val_loss,learning_rate,seconds\n";

Test(csv_log, a_row_an_epoch)
{
    const char *folder = test_folder();
    watch *w = in_folder(folder);
    cr_assert_eq(watch_start(w), TN_OK, "%s", call_failed);
    cr_assert_eq(watch_epoch(w, 1, 0.1, 2), TN_OK, "%s", call_failed);
    cr_assert_eq(watch_epoch(w, 2, 1e-9, 1. / 3), TN_OK, "%s", call_failed);
    char want[300];
    snprintf(want, sizeof want, "%s1,0.1,2,0.25,1.500\n2,1e-09,0.333333333,0.25,1.500\n",
             head);
    cr_assert_str_eq(table(folder), want);
    cr_assert_eq(w->numbers[0], (double)strlen(want));
}

Test(csv_log, resuming_cuts_off_what_came_after_the_checkpoint)
{
    const char *folder = test_folder();
    watch *w = in_folder(folder);
    watch_start(w);
    watch_epoch(w, 1, 1, 1);
    const double kept = w->numbers[0];
    watch_epoch(w, 2, 2, 2);
    watch *again = in_folder(folder);
    again->numbers[0] = kept;
    cr_assert_eq(watch_start(again), TN_OK, "%s", call_failed);
    watch_epoch(again, 2, 3, 3);
    char want[300];
    snprintf(want, sizeof want, "%s1,1,1,0.25,1.500\n2,3,3,0.25,1.500\n", head);
    cr_assert_str_eq(table(folder), want);
}

/* Also if no epoch ends after it, and when the rows cut off are longer than what comes next. */
Test(csv_log, the_table_is_cut_at_the_start)
{
    const char *folder = test_folder();
    watch *w = in_folder(folder);
    watch_start(w);
    watch_epoch(w, 1, 1, 1);
    const double kept = w->numbers[0];
    watch_epoch(w, 2, 1. / 3, 1. / 7);
    watch_epoch(w, 3, 1. / 3, 1. / 7);
    watch *again = in_folder(folder);
    again->numbers[0] = kept;
    cr_assert_eq(watch_start(again), TN_OK, "%s", call_failed);
    char want[300];
    snprintf(want, sizeof want, "%s1,1,1,0.25,1.500\n", head);
    cr_assert_str_eq(table(folder), want);
    watch_epoch(again, 2, 3, 3);
    strcat(want, "2,3,3,0.25,1.500\n");
    cr_assert_str_eq(table(folder), want);
}

Test(csv_log, a_new_run_starts_a_new_table)
{
    const char *folder = test_folder();
    test_write(test_path(folder, "metrics.csv"), "left over", 9);
    cr_assert_eq(watch_start(in_folder(folder)), TN_OK);
    cr_assert_str_eq(table(folder), "");
}

Test(csv_log, a_table_that_is_gone_begins_anew)
{
    const char *folder = test_folder();
    watch *w = in_folder(folder);
    w->numbers[0] = 100;
    cr_assert_eq(watch_start(w), TN_OK, "%s", call_failed);
    cr_assert_not_null(strstr(call_logged, "metrics.csv is gone"), "%s", call_logged);
    watch_epoch(w, 3, 1, 1);
    char want[300];
    snprintf(want, sizeof want, "%s3,1,1,0.25,1.500\n", head);
    cr_assert_str_eq(table(folder), want);
}

Test(csv_log, a_table_that_lost_rows_is_an_error)
{
    const char *folder = test_folder();
    test_write(test_path(folder, "metrics.csv"), "short", 5);
    watch *w = in_folder(folder);
    w->numbers[0] = 100;
    cr_assert_eq(watch_start(w), TN_EDATA);
    cr_assert_not_null(strstr(call_failed, "metrics.csv is shorter"));
}

Test(csv_log, the_system_s_reasons_are_told)
{
    watch *w = in_folder("/nowhere/at/all");
    cr_assert_eq(watch_start(w), TN_EIO);
    cr_assert_str_eq(call_failed,
                     "/nowhere/at/all/metrics.csv: No such file or directory");
}

Test(csv_log, a_run_without_files_has_none)
{
    watch *w = watch_new("csv_log", NULL);
    cr_assert_eq(watch_start(w), TN_OK);
    cr_assert_eq(watch_epoch(w, 1, 0, 0), TN_OK);
}
