/* split.c - parts of tables and images, against plain indexing, and what is refused. */
#include "support/array.h"
#include "support/feeding.h"

enum { SAMPLES = 3, MOST = 4 * 5 * 6 };

static float values[SAMPLES * MOST];
static const int64_t labels[] = {0, 1, 0};

static void write_images(const int64_t *dim, int32_t rank)
{
    char shape[100];
    int64_t n = SAMPLES;
    size_t used = (size_t)snprintf(shape, sizeof shape, "(%d,", SAMPLES);
    for (int32_t i = 0; i < rank; n *= dim[i++])
        used += (size_t)snprintf(shape + used, sizeof shape - used, " %d,", (int)dim[i]);
    snprintf(shape + used, sizeof shape - used, ")");
    for (int64_t i = 0; i < n; i++) values[i] = (float)i;
    array_write("x", "<f4", shape, values, (size_t)n * sizeof *values);
    array_write("y", "<i8", "(3,)", labels, sizeof labels);
}

static double number(const tn_field *f, int32_t real, int64_t i)
{
    return real ? ((double *)f->real)[i] : (double)((float *)f->real)[i];
}

/* Part `part`, of `size` from `from` on along `axis`, element by element. */
static void is_part(const tn_field *part, int32_t real, const int64_t *dim, int32_t rank,
                    int32_t axis, int64_t from, int64_t size)
{
    int64_t outer = SAMPLES, inner = 1, at = 0;
    for (int32_t i = 0; i < rank; i++)
        if (i != axis) *(i < axis ? &outer : &inner) *= dim[i];
    cr_assert_eq(part->width * SAMPLES, outer * size * inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = from; k < from + size; k++)
            for (int64_t i = 0; i < inner; i++)
                cr_assert_eq(number(part, real, at++),
                             (double)values[(o * dim[axis] + k) * inner + i]);
}

/* In training and evaluation, in both precisions, along every axis. */
Test(split, parts_are_those_of_plain_indexing)
{
    static const int64_t dim[] = {4, 5, 6};
    enter_folder();
    for (int32_t rank = 1; rank <= 3; rank++)
        for (int32_t axis = 0; axis < rank; axis++)
            for (int32_t real = 0; real < 2; real++) {
                char yaml[300];
                const int64_t rest = dim[axis] - 3;
                write_images(dim, rank);
                snprintf(
                    yaml, sizeof yaml,
                    "data: {npy: {x: x, y: y, test_x: x, test_y: y, shuffle: false, "
                    "transforms: [{split: {names: [a, b, c], sizes: [1, 2, %d], axis: "
                    "%d}}]}}",
                    (int)rest, (int)axis);
                tn_feed *feed = feed_of(yaml, real, 1);
                for (int32_t split = TN_TRAIN; split <= TN_TEST; split += TN_TEST) {
                    const tn_data_info *info = tn_feed_info(feed, split == TN_TRAIN);
                    cr_assert_eq(info->fields, 4);
                    cr_assert_str_eq(info->field[1].name, "b");
                    cr_assert_eq(info->field[1].shape.rank, rank);
                    cr_assert_eq(info->field[1].shape.dim[axis], 2);
                    const tn_batch b = batch_of(feed, split, 0, 0);
                    is_part(&b.field[0], real, dim, rank, axis, 0, 1);
                    is_part(&b.field[1], real, dim, rank, axis, 1, 2);
                    is_part(&b.field[2], real, dim, rank, axis, 3, rest);
                    for (int i = 0; i < SAMPLES; i++)
                        cr_assert_eq(b.field[3].label[i], labels[i]);
                }
                tn_feed_free(feed);
            }
}

/* Without sizes; what was split before may be split again. */
Test(split, equal_parts_and_parts_of_parts)
{
    static const int64_t dim[] = {4, 5, 6};
    enter_folder();
    write_images(dim, 3);
    tn_feed *feed = feed_of(
        "data: {npy: {x: x, y: y, shuffle: false, transforms: [{split: "
        "[top, bottom]}, {split: {field: bottom, names: [left, right], "
        "sizes: [2, 3], axis: 1}}]}}",
        0, 1);
    const tn_data_info *info = tn_feed_info(feed, true);
    static const char *const names[] = {"top", "left", "right", "target"};
    cr_assert_eq(info->fields, 4);
    for (int i = 0; i < 4; i++) cr_assert_str_eq(info->field[i].name, names[i]);
    const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
    is_part(&b.field[0], 0, dim, 3, 0, 0, 2);
    const float *right = b.field[2].real; /* of sample 1: row 3, column 4, channel 5 */
    cr_assert_eq(right[36 + (1 * 3 + 2) * 6 + 5], values[MOST + (3 * 5 + 4) * 6 + 5]);
    tn_feed_free(feed);
}

Test(split, columns_of_a_table)
{
    enter_folder();
    test_write("t.csv", "a,b,c,d\n1,2,3,0\n4,5,6,1\n", 24);
    tn_feed *feed = feed_of(
        "data: {csv: {path: t.csv, shuffle: false, transforms: [{split: "
        "{names: [p, q], sizes: [2, 1]}}]}}",
        0, 1);
    const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
    static const float p[] = {1, 2, 4, 5}, q[] = {3, 6};
    cr_assert_arr_eq(b.field[0].real, p, sizeof p);
    cr_assert_arr_eq(b.field[1].real, q, sizeof q);
    tn_feed_free(feed);
}

Test(split, what_it_refuses)
{
    static const int64_t dim[] = {4, 5};
    static const char *const wrong[][2] = {
        {"[a]", "1 parts; 2 to 7 are possible"},
        {"[a, b, c]", "4 cannot be split into 3 equal parts"},
        {"{names: [a, b], sizes: [4]}", "there are 2 names, but 1 sizes"},
        {"{names: [a, b], sizes: [1, 2]}", "the sizes add up to 3, but the axis has 4"},
        {"{names: [a, b], sizes: [0, 4]}", "1 or more and add up to 4"},
        {"{names: [a, b], sizes: [3, 9223372036854775807]}", "1 or more and add up to 4"},
        {"{names: [a, b], axis: 2}", "axis 2, but input has 2"},
        {"{names: [a, b], field: output}", "no field 'output' of numbers"},
        {"{names: [a, b], field: target}", "no field 'target' of numbers"},
        {"{names: [a, ''], sizes: [1, 3]}", "'' is no name"},
        {"{names: [a, a]}", "field 1 has the name of another field"},
        {"{names: [a, target]}", "the name of another field"},
    };
    enter_folder();
    write_images(dim, 2);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char yaml[300];
        tn_feed *feed = NULL;
        tn_error e = {0};
        snprintf(yaml, sizeof yaml,
                 "data: {npy: {x: x, y: y, transforms: [{split: %s}]}}", wrong[i][0]);
        cr_assert_neq(try_feed(yaml, i % 2, 1, &feed, &e), TN_OK, "%s", yaml);
        cr_assert_not_null(strstr(e.text, wrong[i][1]), "%s", e.text);
    }
}
