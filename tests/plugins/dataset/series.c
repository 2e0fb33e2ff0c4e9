/* series.c - windows of a column against those counted out by hand, what each part is scaled
 * by, and what is said of tables that do not do. */
#include "support/feeding.h"

static void write_text(const char *path, const char *text)
{
    test_write(path, text, strlen(text));
}

/* Rows i of (date, 10 i). */
static void write_rows(const char *path, int rows)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("\"date\",\"value\"\r\n", file);
    for (int i = 0; i < rows; i++) fprintf(file, "\"1949-%02d\",%d\r\n", i, 10 * i);
    fclose(file);
}

static void expect_window(tn_feed *feed, int32_t split, int64_t sample, double first,
                          int64_t steps, int64_t horizon)
{
    const tn_batch b = batch_of(feed, split, 0, 0);
    const double *x = b.field[0].real, *y = b.field[1].real;
    cr_assert(sample < b.samples);
    for (int64_t i = 0; i < steps; i++)
        cr_assert_eq(x[sample * steps + i], first + 10 * (double)i, "%g", x[i]);
    for (int64_t i = 0; i < horizon; i++)
        cr_assert_eq(y[sample * horizon + i], first + 10 * (double)(steps + i));
}

/* 20 values: 0 to 110 for training, 120 to 150 for validation, 160 to 190 for test. */
Test(series, wants_the_values_of_its_own_part_only)
{
    enter_folder();
    write_rows("t.csv", 20);
    tn_feed *feed = feed_of(
        "data: {series: {path: t.csv, steps: 3, horizon: 2, validation_share: 0.2, "
        "test_share: 0.2, standardise: false, shuffle: false}}",
        1, 1);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert(info->field[0].shape.rank == 2 && info->field[0].shape.dim[0] == 3 &&
              info->field[0].shape.dim[1] == 1);
    cr_assert(info->field[1].shape.rank == 1 && info->field[1].shape.dim[0] == 2);
    cr_assert_eq(info->count[TN_TRAIN], 8, "0 .. 40 to 70 .. 110");
    cr_assert_eq(info->count[TN_VALIDATION], 3, "what is wanted: 120 130 to 140 150");
    cr_assert_eq(info->count[TN_TEST], 3);
    expect_window(feed, TN_TRAIN, 0, 0, 3, 2);
    expect_window(feed, TN_TRAIN, 7, 70, 3, 2);
    expect_window(feed, TN_VALIDATION, 0, 90, 3, 2);
    expect_window(feed, TN_VALIDATION, 2, 110, 3, 2);
    expect_window(feed, TN_TEST, 0, 130, 3, 2);
    expect_window(feed, TN_TEST, 2, 150, 3, 2);
    tn_feed_free(feed);
}

Test(series, goes_on_by_its_stride)
{
    enter_folder();
    write_rows("t.csv", 20);
    tn_feed *feed = feed_of("data: {series: {path: t.csv, steps: 4, stride: 5, "
                            "validation_share: 0, standardise: false, shuffle: false}}",
                            1, 1);
    cr_assert_eq(tn_feed_info(feed, true)->count[TN_TRAIN], 4);
    cr_assert_eq(tn_feed_info(feed, true)->count[TN_VALIDATION], 0);
    expect_window(feed, TN_TRAIN, 3, 150, 4, 1);
    tn_feed_free(feed);
}

/* Of 1 2 3 4 (5 6): mean 2.5, deviation sqrt(1.25); what comes later does not count. */
Test(series, is_standardised_by_the_part_for_training)
{
    static const char *const options =
        "data: {series: {path: t.csv, column: b, steps: 1, "
        "validation_share: 0.34, shuffle: false}}";
    enter_folder();
    write_text("t.csv", "a,b,c\nx,1,y\nx,2,y\nx,3,y\nx,4,y\nx,5,y\nx,600,y\n");
    for (int32_t real = 0; real < 2; real++) {
        tn_feed *feed = feed_of(options, real, 1);
        const tn_batch b = batch_of(feed, TN_VALIDATION, 0, 0);
        cr_assert_eq(b.samples, 2);
        for (int i = 0; i < 2; i++) {
            const double z = ((double[]){5, 600}[i] - 2.5) / sqrt(1.25);
            const double got = real ? ((double *)b.field[1].real)[i]
                                    : (double)((float *)b.field[1].real)[i];
            cr_assert_float_eq(got, z, real ? 1e-13 : 1e-4, "%g", got);
        }
        tn_feed_free(feed);
    }
}

Test(series, knows_other_tables)
{
    enter_folder();
    write_text("t.csv", "1;7\n2;8\n3;9\n");
    write_text("one.csv", "value\n1\n2\n3\n");
    static const char *const yaml[] = {
        "data: {series: {path: t.csv, header: false, delimiter: ;, column: 1, steps: 1, "
        "validation_share: 0, standardise: false, shuffle: false}}",
        "data: {series: {path: one.csv, steps: 1, validation_share: 0, standardise: "
        "false, "
        "shuffle: false}}"};
    for (int i = 0; i < 2; i++) {
        tn_feed *feed = feed_of(yaml[i], 1, 1);
        const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
        cr_assert_eq(b.samples, 2);
        cr_assert_eq(((double *)b.field[0].real)[1], 2);
        cr_assert_eq(((double *)b.field[1].real)[1], 3);
        tn_feed_free(feed);
    }
}

static void refuse_text(const char *text, const char *options, tn_status status,
                        const char *part, const char *other)
{
    char yaml[256];
    write_text("t.csv", text);
    snprintf(yaml, sizeof yaml, "data: {series: {path: t.csv%s}}", options);
    refuse_data(yaml, status, part, other);
}

Test(series, says_what_does_not_do)
{
    enter_folder();
    refuse_data("data: {series: none.csv}", TN_EIO, "none.csv", "No such file");
    refuse_text("", "", TN_EDATA, "t.csv: the file is empty", "");
    refuse_text("a,b\n", "", TN_EDATA, "t.csv: there are no rows", "");
    refuse_text("a,b\nx,1\nx,?\n", "", TN_EDATA, "t.csv:3:2: expected a finite number",
                "found '?'");
    refuse_text("a,b\nx,1\nx,\n", "", TN_EDATA, "t.csv:3:2: expected a finite number",
                "");
    refuse_text("a,b\nx,1\nx,1e999\n", "", TN_EDATA, "t.csv:3:2", "1e999");
    refuse_text("a,b\nx,1\nx,1,2\n", "", TN_EDATA, "t.csv:3:3: this row has 3 cells",
                "expected 2");
    refuse_text("a,b\nx,1\n", ", column: z", TN_EINVAL, "column: t.csv has no column 'z'",
                "1 to 2");
    refuse_text("a,b\nx,1\n", ", column: 3", TN_EINVAL, "no column '3'", "1 to 2");
    refuse_text("a\n1\n\n2\n", "", TN_EDATA, "t.csv:3:1: an empty line", "remove it");
    refuse_text("a,a\n1,2\n", ", column: a", TN_EINVAL,
                "column: 'a' is the name of columns 1 and 2", "give the number");
    refuse_text("a\n1\n2\n3\n", "", TN_EDATA, "training part has 3 of 3 values",
                "too few for a window of 13");
    refuse_text("a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n",
                ", steps: 2, horizon: 2, validation_share: 0.1", TN_EDATA,
                "validation part has 1 of 10 values", "a window of 4");
    refuse_text("a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n",
                ", steps: 2, validation_share: 0, test_share: 0.05", TN_EDATA,
                "test part has 0 of 10 values", "");
    refuse_text("a\n7\n7\n7\n7\n", ", steps: 1, validation_share: 0", TN_EDATA,
                "deviation 0", "standardise: false");
    refuse_text("a\n1e308\n-1e308\n1e308\n", ", steps: 1, validation_share: 0", TN_EDATA,
                "deviation inf", "standardise: false");
    refuse_text("a\n1\n2\n", ", validation_share: 0.5, test_share: 0.5", TN_EINVAL,
                "validation_share and test_share are 1 together", "less than 1");
    refuse_text("a\n1\n2\n", ", delimiter: --", TN_EINVAL, "delimiter", "one character");
    refuse_text("a\n1\n2\n3\n4\n", ", steps: 1, validation_share: 0.5, validation: 0.1",
                TN_EINVAL, "has a validation set of its own", "series");
    refuse_text("a\n1\n2\n", ", steps: 0", TN_EINVAL, "steps", "1");
}

/* Any prefix of a file gives a series or a message. */
Test(series, survives_every_truncation)
{
    static const char text[] =
        "\xef\xbb\xbf\"a\",b\r\n\"x\",1\r\ny,2.5\n\"z\",\"3\"\nw,4";
    enter_folder();
    for (size_t n = 0; n < sizeof text; n++) {
        tn_feed *feed = NULL;
        tn_error error = {0};
        test_write("t.csv", text, n);
        if (try_feed("data: {series: {path: t.csv, steps: 1, validation_share: 0}}", 0, 1,
                     &feed, &error) == TN_OK)
            tn_feed_free(feed);
        else
            cr_assert_not_null(strstr(error.text, "t.csv"), "%s", error.text);
    }
}
