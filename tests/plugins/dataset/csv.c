/* csv.c - values of small tables, and row and column in every complaint. */
#include "support/feeding.h"

#include <locale.h>

static void write_text(const char *path, const char *text)
{
    test_write(path, text, strlen(text));
}

static void refuse_text(const char *text, const char *options, const char *part,
                        const char *other)
{
    char yaml[256];
    write_text("t.csv", text);
    snprintf(yaml, sizeof yaml, "data: {csv: {path: t.csv%s}}", options);
    refuse_data(yaml, TN_EDATA, part, other);
}

static void expect_rows(tn_feed *feed, const double *x, int64_t width, int64_t rows)
{
    const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
    cr_assert_eq(b.samples, rows);
    cr_assert_eq(b.field[0].width, width);
    cr_assert_arr_eq(b.field[0].real, x, (size_t)(rows * width) * sizeof *x);
}

Test(csv, takes_the_last_column_as_label)
{
    static const double x[] = {1, -2.5, 1e-3, 4};
    enter_folder();
    write_text(
        "t.csv",
        "\xef\xbb\xbfwidth,\"the length\",kind\r\n1,-2.5,0\r\n 1e-3 ,\"4\",2\r\n\r\n");
    tn_feed *feed = feed_of("data: {csv: {path: t.csv, shuffle: false}}", 1, 1);
    expect_rows(feed, x, 2, 2);
    cr_assert_eq(tn_feed_info(feed, true)->field[1].classes, 3);
    cr_assert_eq(batch_of(feed, TN_TRAIN, 0, 0).field[1].label[1], 2);
    tn_feed_free(feed);
}

Test(csv, takes_a_named_or_numbered_column_and_quantities)
{
    static const double x[] = {1, 3, 4, 6};
    static const char *const yaml[] = {
        "data: {csv: {path: t.csv, target: b, target_type: real, shuffle: false}}",
        "data: {csv: {path: t.csv, target: 2, target_type: real, shuffle: false}}"};
    enter_folder();
    write_text("t.csv", "a,b,c\n1,2.5,3\n4,-5,6");
    for (int i = 0; i < 2; i++) {
        tn_feed *feed = feed_of(yaml[i], 1, 1);
        expect_rows(feed, x, 2, 2);
        const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
        cr_assert_eq(((double *)b.field[1].real)[0], 2.5);
        cr_assert_eq(((double *)b.field[1].real)[1], -5);
        tn_feed_free(feed);
    }
}

Test(csv, knows_other_delimiters_and_no_header)
{
    static const double x[] = {1.5, 2, 3, 4};
    enter_folder();
    write_text("t.csv", "1.5\t2\t1\n3\t4\t0\n");
    write_text("u.csv", "7\t8\t1\n");
    tn_feed *feed = feed_of("data: {csv: {path: t.csv, test_path: u.csv, header: false, "
                            "delimiter: \"\\t\", shuffle: false}}",
                            1, 1);
    expect_rows(feed, x, 2, 2);
    const tn_batch b = batch_of(feed, TN_TEST, 0, 0);
    cr_assert_eq(((double *)b.field[0].real)[1], 8);
    tn_feed_free(feed);
}

/* Where 0.5 is written 0,5 files still mean what they say. */
Test(csv, does_not_follow_the_locale)
{
    static const double x[] = {0.5};
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) return;
    enter_folder();
    write_text("t.csv", "a,b\n0.5,1\n");
    tn_feed *feed = feed_of("data: {csv: {path: t.csv}}", 1, 1);
    expect_rows(feed, x, 1, 1);
    tn_feed_free(feed);
}

Test(csv, says_where_a_table_is_wrong)
{
    enter_folder();
    refuse_text("a,b,c\n1,2,0\n1,2\n", "", "t.csv:3:2: this row has 2 cells",
                "expected 3");
    refuse_text("a,b,c\n1,2,0\n1,2,3,4\n", "", "t.csv:3:4: this row has 4 cells",
                "expected 3");
    refuse_text("a,b,c\n1,2,0\n\n1,2,0\n", "", "t.csv:3:1: this row has 1 cells",
                "expected 3");
    refuse_text("a,b\n1,0\nx1,0\n", "", "t.csv:3:1: expected a finite number",
                "found 'x1'");
    refuse_text("a,b\n1,0\n2,\n", "", "t.csv:3:2: expected a finite number", "found ''");
    refuse_text("a,b\nnan,0\n", "", "t.csv:2:1: expected a finite number", "found 'nan'");
    refuse_text("a,b\n1,0\n-inf,0\n", "", "t.csv:3:1: expected a finite number",
                "found '-inf'");
    refuse_text("a,b\n1e999,0\n", "", "t.csv:2:1: expected a finite number", "'1e999'");
    refuse_text("a,b\n0x10,0\n", "", "t.csv:2:1: expected a finite number", "'0x10'");
    refuse_text("a,b\n1 2,0\n", "", "t.csv:2:1: expected a finite number", "'1 2'");
    refuse_text("a,b\n1,0.5\n", "", "t.csv:2:2: 0.5 is not a class number",
                "target_type: real");
    refuse_text("a,b\n1,-1\n", "", "t.csv:2:2: -1 is not a class number", "from 0");
    refuse_text("a,b\n1,0\n1,3\n", ", classes: 3", "t.csv:3:2: label 3 is out of range",
                "with 3 classes the largest is 2");
    refuse_text("a,b\n", "", "t.csv: there are no rows", "");
    refuse_text("a,b", "", "t.csv: there are no rows", "");
    refuse_text("", "", "t.csv: the file is empty", "");
}

Test(csv, says_what_does_not_fit)
{
    enter_folder();
    write_text("t.csv", "a,b\n1,0\n");
    write_text("wide.csv", "a,b,c\n1,2,0\n");
    write_text("semicolons.csv", "a;b\n1;0\n");
    refuse_data(
        "data: {csv: {path: none.csv}}", TN_EIO, "none.csv",
        "No such file or directory in the folder that the program was started in, /");
    refuse_data("data: {csv: {path: /none.csv}}", TN_EIO, "/none.csv",
                "No such file or directory");
    refuse_data("data: {csv: {path: ~/none.csv}}", TN_EIO, "~/none.csv",
                "~ and $ are not replaced, write the folder out");
    refuse_data("data: {csv: {path: $HOME/none.csv}}", TN_EIO, "$HOME/none.csv",
                "~ and $ are not replaced");
    refuse_data("data: {csv: {path: t.csv, target: z}}", TN_EINVAL, "no column 'z'",
                "1 to 2");
    refuse_data("data: {csv: {path: t.csv, target: 3}}", TN_EINVAL, "no column '3'",
                "1 to 2");
    refuse_data("data: {csv: {path: t.csv, test_path: wide.csv}}", TN_ESHAPE,
                "wide.csv has 3 columns", "t.csv has 2");
    refuse_data("data: {csv: {path: semicolons.csv}}", TN_ESHAPE, "semicolons.csv:2:1",
                "is the delimiter ','?");
    refuse_data("data: {csv: {path: t.csv, delimiter: \"--\"}}", TN_EINVAL, "delimiter",
                "one character");
}

/* Any prefix of a file gives a table or a message. */
Test(csv, survives_every_truncation)
{
    static const char text[] = "\xef\xbb\xbf\"a\",b\n-1.5e-1,\"0\"\r\n2,1\n";
    enter_folder();
    for (size_t n = 0; n < sizeof text; n++) {
        tn_feed *feed = NULL;
        tn_error error = {0};
        test_write("t.csv", text, n);
        if (try_feed("data: {csv: {path: t.csv}}", 0, 1, &feed, &error) == TN_OK)
            tn_feed_free(feed);
        else
            cr_assert_not_null(strstr(error.text, "t.csv"), "%s", error.text);
    }
}
