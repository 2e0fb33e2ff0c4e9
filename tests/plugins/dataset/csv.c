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

/* The order is that of the training data, whatever it is in a file; the target's column too. */
Test(csv, takes_test_columns_by_name)
{
    static const double x[] = {1, 2, 3, 4};
    enter_folder();
    write_text("t.csv", "a,b,kind\n1,2,0\n3,4,1\n");
    write_text("u.csv", "\xef\xbb\xbfkind,\"b\", a \r\n0,2,1\r\n1,4,3\r\n");
    tn_feed *feed = feed_of(
        "data: {csv: {path: t.csv, test_path: u.csv, shuffle: false}}", 1, 1);
    for (int32_t split = TN_TRAIN; split <= TN_TEST; split += TN_TEST - TN_TRAIN) {
        const tn_batch b = batch_of(feed, split, 0, 0);
        cr_assert_eq(b.samples, 2);
        cr_assert_arr_eq(b.field[0].real, x, sizeof x);
        cr_assert_eq(b.field[1].label[0], 0);
        cr_assert_eq(b.field[1].label[1], 1);
    }
    tn_feed_free(feed);
}

/* Instead of a share of the training data, all of which are then trained on. */
Test(csv, takes_validation_data_of_its_own)
{
    enter_folder();
    write_text("t.csv", "a,b,kind\n1,2,0\n3,4,1\n");
    write_text("v.csv", "b,a,kind\n6,5,1\n");
    tn_feed *feed = feed_of("data: {csv: {path: t.csv, validation_path: v.csv}}", 1, 1);
    cr_assert_eq(batch_of(feed, TN_TRAIN, 0, 0).samples, 2);
    const tn_batch b = batch_of(feed, TN_VALIDATION, 0, 0);
    cr_assert_eq(b.samples, 1);
    cr_assert_eq(((double *)b.field[0].real)[0], 5);
    cr_assert_eq(((double *)b.field[0].real)[1], 6);
    cr_assert_eq(b.field[1].label[0], 1);
    cr_assert_eq(tn_feed_info(feed, false)->count[TN_TEST], 0);
    tn_feed_free(feed);
    refuse_data("data: {csv: {path: t.csv, validation_path: v.csv, validation: 0.5}}",
                TN_EINVAL, "csv has a validation set of its own", "leave out");
    write_text("v.csv", "a,b,kind\n1,2,2\n");
    refuse_data("data: {csv: {path: t.csv, validation_path: v.csv}}", TN_EDATA,
                "v.csv:2:3: label 2 is out of range", "2 classes");
    refuse_data("data: {csv: {path: t.csv, validation_path: w.csv}}", TN_EIO, "w.csv",
                "No such file");
}

Test(csv, refuses_test_columns_that_cannot_be_matched)
{
    static const char yaml[] = "data: {csv: {path: t.csv, test_path: u.csv}}";
    enter_folder();
    write_text("t.csv", "a,b,kind\n1,2,0\n");
    write_text("u.csv", "a,c,kind\n1,2,0\n");
    refuse_data(yaml, TN_ESHAPE, "u.csv:1:2: there is a column 'c'", "in t.csv");
    write_text("u.csv", "kind,a,b\n0,1,2\n1,1,2\n");
    refuse_data(yaml, TN_EDATA, "u.csv:3:1: label 1 is out of range", "1 classes");
    write_text("u.csv", "a,kind,a\n1,0,2\n");
    refuse_data(yaml, TN_ESHAPE, "u.csv:1:1: 'a' is the name of several columns",
                "t.csv");
    write_text("t.csv", "a,a,kind\n1,2,0\n");
    write_text("u.csv", "kind,a,a\n1,0,2\n");
    refuse_data(yaml, TN_ESHAPE, "u.csv:1:2: 'a' is the name of several columns",
                "t.csv");
    write_text("u.csv", "a,a,kind\n1,2,0\n");
    tn_feed_free(feed_of(yaml, 1, 1));
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
    refuse_text("a,b,c\n1,2,0\n\n1,2,0\n", "", "t.csv:3:1: an empty line", "remove it");
    refuse_text("a,b,c\r\n1,2,0\r\n \r\n1,2,0\r\n", "", "t.csv:3:1: an empty line", "");
    refuse_text("\na,b,c\n1,2,0\n", "", "t.csv:1:1: an empty line", "");
    refuse_text("a,b,c\r1,2,0\r", "", "t.csv: its lines end in CR alone",
                "with LF or CR LF");
    refuse_text("a,b\n1,2,0\n3,4,1\n", "", "t.csv:2:3: this row has 3 cells",
                "expected 2");
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

/* It would be a sample that nobody misses; one word makes a row of names. */
Test(csv, a_header_of_numbers_is_refused)
{
    enter_folder();
    refuse_text("1.5,-2e1,0\n3,4,1\n", "", "t.csv:1:1: the first row holds numbers",
                "write header: false if it is data");
    refuse_text("\"1\",2,0\r\n3,4,1\r\n", ", header: true", "t.csv:1:1: the first row",
                "header: false");
    write_text("t.csv", "1,0\n");
    write_text("u.csv", "2021,kind\n1,0\n");
    refuse_data("data: {csv: {path: u.csv, test_path: t.csv}}", TN_EDATA,
                "t.csv:1:1: ", "header: false");
    tn_feed_free(feed_of("data: {csv: {path: u.csv}}", 1, 1));
}

/* As spreadsheets write them where 0.5 is 0,5. */
Test(csv, decimal_commas_and_what_parts_cells_with_them)
{
    enter_folder();
    refuse_text("a;b\n1,5;2\n", "", "t.csv:2:2: this row has 2 cells, expected 1",
                "set delimiter: \";\"");
    refuse_text("1,5;2\n", ", header: false", "t.csv:1:2: expected a finite number",
                "set delimiter: \";\"");
    refuse_text("a;b\n1;0\n1,5;0\n", ", delimiter: \";\"", "t.csv:3:1: expected a",
                "found '1,5'; write a decimal comma as a point");
}

/* Found at opening, and no matter in double. */
Test(csv, a_number_beyond_float_is_named)
{
    static const char yaml[] = "data: {csv: {path: t.csv, target: b}}";
    tn_feed *feed = NULL;
    tn_error error = {0};
    enter_folder();
    write_text("t.csv", "a,b,c\n1,0,2\n3,1,-1e39\n");
    cr_assert_eq(try_feed(yaml, 0, 1, &feed, &error), TN_EDATA);
    cr_assert_not_null(strstr(error.text, "t.csv:3:3: '-1e39' is beyond 3.4e+38"), "%s",
                       error.text);
    tn_feed_free(feed_of(yaml, 1, 1));
    write_text("t.csv", "a,b,c\n1,0,2\n3,1,-3.4028234e38\n");
    tn_feed_free(feed_of(yaml, 0, 1));
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
    write_text("twins.csv", "a,b,a\n1,0,2\n");
    refuse_data("data: {csv: {path: twins.csv, target: a}}", TN_EINVAL,
                "target: 'a' is the name of columns 1 and 3 of twins.csv",
                "give the number");
    tn_feed_free(feed_of("data: {csv: {path: twins.csv, target: 3}}", 1, 1));
    tn_feed_free(feed_of("data: {csv: {path: twins.csv, target: b}}", 1, 1));
    refuse_data("data: {csv: {path: t.csv, test_path: wide.csv}}", TN_ESHAPE,
                "wide.csv has 3 columns", "t.csv has 2");
    refuse_data("data: {csv: {path: semicolons.csv}}", TN_ESHAPE, "semicolons.csv:2:1",
                "set delimiter: \";\"");
    write_text("bars.csv", "1|0\n");
    refuse_data("data: {csv: {path: bars.csv, header: false}}", TN_ESHAPE, "bars.csv:1:1",
                "set delimiter: \"|\"");
    write_text("tabs.csv", "a\tb\n1\t0\n");
    refuse_data("data: {csv: {path: tabs.csv}}", TN_ESHAPE, "parted by '\\t'",
                "set delimiter: \"\\t\"");
    write_text("one.csv", "a\n1\n");
    refuse_data("data: {csv: {path: one.csv}}", TN_ESHAPE, "one.csv:2:1: expected",
                "found one column");
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
