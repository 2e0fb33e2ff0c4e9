/* npy.c - arrays of every type, in both orders, and damage. The headers are as numpy.save writes
 * them. */
#include "support/array.h"
#include "support/feeding.h"

typedef struct npy_bytes {
    char at[1024];
    size_t size;
} npy_bytes;

static npy_bytes npy(int version, const char *dictionary, const void *data, size_t size)
{
    npy_bytes b = {"\x93NUMPY", 8};
    const size_t before = version == 1 ? 10 : 12;
    size_t length = strlen(dictionary) + 1;
    length += (64 - (before + length) % 64) % 64;
    b.at[6] = (char)version;
    b.at[b.size++] = (char)(length & 255), b.at[b.size++] = (char)(length >> 8);
    if (version > 1) b.size += 2;
    memset(b.at + b.size, ' ', length);
    memcpy(b.at + b.size, dictionary, strlen(dictionary));
    b.size += length;
    b.at[b.size - 1] = '\n';
    if (size) memcpy(b.at + b.size, data, size);
    b.size += size;
    return b;
}

static void save(const char *path, const npy_bytes *b)
{
    test_write(path, b->at, b->size);
}

static void write_array(const char *path, const char *dictionary, const void *data,
                        size_t size)
{
    const npy_bytes b = npy(1, dictionary, data, size);
    save(path, &b);
}

static const float floats[] = {0, 1, -2, 3.5f, 4, 5};
static const int64_t classes[] = {2, 0};
#define X_DICTIONARY "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
#define Y_DICTIONARY "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }"

static void write_pair(void)
{
    enter_folder();
    write_array("x", X_DICTIONARY, floats, sizeof floats);
    write_array("y", Y_DICTIONARY, classes, sizeof classes);
}

#define YAML "data: {npy: {x: x, y: y, shuffle: false}}"

Test(npy, gives_floats_and_labels)
{
    write_pair();
    tn_feed *feed = feed_of("data: {npy: {x: x, y: y, test_x: x, test_y: y, scale: 2, "
                            "shuffle: false}}",
                            1, 1);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert_eq(info->field[0].shape.rank, 1);
    cr_assert_eq(info->field[0].shape.dim[0], 3);
    cr_assert_eq(info->field[1].classes, 3);
    for (int32_t split = TN_TRAIN; split <= TN_TEST; split += TN_TEST - TN_TRAIN) {
        const tn_batch b = batch_of(feed, split, 0, 0);
        for (int i = 0; i < 6; i++)
            cr_assert_eq(((double *)b.field[0].real)[i], 2 * (double)floats[i]);
        cr_assert_eq(b.field[1].label[0], 2);
        cr_assert_eq(b.field[1].label[1], 0);
    }
    tn_feed_free(feed);
}

/* Instead of a share of the training data. */
Test(npy, takes_validation_data_of_its_own)
{
    static const float one[] = {7, 8, 9};
    static const int64_t label[] = {1}, beyond[] = {3};
    write_pair();
    write_array("vx", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }", one,
                sizeof one);
    write_array("vy", "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", label,
                sizeof label);
    tn_feed *feed = feed_of(
        "data: {npy: {x: x, y: y, validation_x: vx, validation_y: vy, scale: 2}}", 1, 1);
    const tn_batch b = batch_of(feed, TN_VALIDATION, 0, 0);
    cr_assert_eq(b.samples, 1);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(((double *)b.field[0].real)[i], 2 * (double)one[i]);
    cr_assert_eq(b.field[1].label[0], 1);
    cr_assert_eq(batch_of(feed, TN_TRAIN, 0, 0).samples, 2);
    cr_assert_eq(tn_feed_info(feed, false)->count[TN_TEST], 0);
    tn_feed_free(feed);
    refuse_data("data: {npy: {x: x, y: y, validation_x: vx, validation_y: vy, "
                "validation: 0.5}}",
                TN_EINVAL, "npy has a validation set of its own", "leave out");
    refuse_data("data: {npy: {x: x, y: y, validation_x: vx}}", TN_EINVAL,
                "validation_x and validation_y", "both");
    refuse_data("data: {npy: {x: x, y: y, validation_x: [vx, vx], validation_y: vy}}",
                TN_EINVAL, "x names 1 files", "validation_x 2");
    refuse_data("data: {npy: {x: x, y: y, validation_x: vx, validation_y: y}}", TN_EDATA,
                "vx has 1 samples", "y has 2");
    refuse_data("data: {npy: {x: x, y: y, validation_x: vy, validation_y: vy}}",
                TN_ESHAPE, "a sample of vy has another shape", "one of x");
    refuse_data("data: {npy: {x: x, y: y, validation_x: vx, validation_y: vx}}",
                TN_ESHAPE, "a target of vx has another shape", "one of y");
    write_array("vy", "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", beyond,
                sizeof beyond);
    refuse_data("data: {npy: {x: x, y: y, validation_x: vx, validation_y: vy}}", TN_EDATA,
                "vy: label 3 of sample 0", "0 to 2");
}

/* Of several shapes and types, each with its factor. */
Test(npy, a_file_for_each_input)
{
    static const uint8_t bytes[] = {0, 50, 100, 150};
    write_pair();
    write_array("z", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 1), }",
                bytes, sizeof bytes);
    tn_feed *feed = feed_of(
        "data: {npy: {x: [z, x], names: [image, extra], y: y, test_x: "
        "[z, x], test_y: y, scale: [0.5, 2], shuffle: false}}",
        1, 1);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert_eq(info->fields, 3);
    cr_assert_str_eq(info->field[0].name, "image");
    cr_assert_eq(info->field[0].shape.rank, 2);
    cr_assert_str_eq(info->field[1].name, "extra");
    cr_assert_eq(info->field[1].shape.dim[0], 3);
    for (int32_t split = TN_TRAIN; split <= TN_TEST; split += TN_TEST - TN_TRAIN) {
        const tn_batch b = batch_of(feed, split, 0, 0);
        for (int i = 0; i < 4; i++)
            cr_assert_eq(((double *)b.field[0].real)[i], 0.5 * bytes[i]);
        for (int i = 0; i < 6; i++)
            cr_assert_eq(((double *)b.field[1].real)[i], 2 * (double)floats[i]);
        cr_assert_eq(b.field[2].label[0], 2);
    }
    tn_feed_free(feed);
}

Test(npy, files_and_names_must_go_together)
{
    static const float one[] = {1, 2, 3};
    write_pair();
    write_array("short", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }",
                one, sizeof one);
    refuse_data("data: {npy: {x: [x, x], y: y}}", TN_EINVAL, "x names 2 files",
                "there are 1 names");
    refuse_data("data: {npy: {x: [x, x], names: [a, b], y: y, test_x: x, test_y: y}}",
                TN_EINVAL, "x names 2 files", "test_x 1");
    refuse_data("data: {npy: {x: [x, x], names: [a, a], y: y}}", TN_EINVAL, "npy",
                "the name of another field");
    refuse_data("data: {npy: {x: [x, x], names: [a, b], scale: [1, 2, 3], y: y}}",
                TN_EINVAL, "scale has 3 numbers", "the 2 inputs");
    refuse_data("data: {npy: {x: x, scale: 0, y: y}}", TN_EINVAL, "scale must be above 0",
                "got 0");
    refuse_data("data: {npy: {x: [x, short], names: [a, b], y: y}}", TN_EDATA,
                "short has 1 samples", "y has 2");
    refuse_data("data: {npy: {x: [], names: [], y: y}}", TN_EINVAL, "x names 0 files",
                "1 to 7");
}

Test(npy, knows_every_type)
{
    static const double f8[] = {-1, 300};
    static const float f4[] = {-1, 300};
    static const int32_t i4[] = {-1, 300};
    static const int64_t i8[] = {-1, 300};
    static const uint8_t u1[] = {7, 200}, b1[] = {0, 1};
    static const uint16_t u2[] = {7, 65535}, f2[] = {0xbc00, 0x5cb0};
    static const uint16_t least[] = {0x8001, 0x7bff}; /* with a subnormal number */
    static const uint32_t u4[] = {7, 4294967295};
    static const int8_t i1[] = {-128, 127};
    static const int16_t i2[] = {-1, 300};
    static const struct {
        const char *name;
        const void *data;
        size_t size;
        double first, second;
    } type[] = {{"<f8", f8, 16, -1, 300},      {"<f4", f4, 8, -1, 300},
                {"<i4", i4, 8, -1, 300},       {"<i8", i8, 16, -1, 300},
                {"<f2", f2, 4, -1, 300},       {"<f2", least, 4, -0x1p-24, 65504},
                {"|b1", b1, 2, 0, 1},          {"<u2", u2, 4, 7, 65535},
                {"<u4", u4, 8, 7, 4294967295}, {"|i1", i1, 2, -128, 127},
                {"<i2", i2, 4, -1, 300},       {"|u1", u1, 2, 7, 200}};
    write_pair();
    for (size_t i = 0; i < sizeof type / sizeof type[0]; i++) {
        char dictionary[100];
        snprintf(dictionary, sizeof dictionary,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }",
                 type[i].name);
        const npy_bytes b = npy(i % 2 ? 2 : 1, dictionary, type[i].data, type[i].size);
        save("x", &b);
        tn_feed *feed = feed_of(YAML, 1, 1);
        const double *x = batch_of(feed, TN_TRAIN, 0, 0).field[0].real;
        cr_assert_eq(x[0], type[i].first, "%s", type[i].name);
        cr_assert_eq(x[1], type[i].second, "%s", type[i].name);
        tn_feed_free(feed);
    }
}

/* Of every whole type; a type beyond them is told what keeps labels labels. */
Test(npy, takes_labels_of_every_whole_type)
{
    static const char *const type[] = {"|b1", "|i1", "|u1", "<i2",
                                       "<u2", "<i4", "<u4", "<i8"};
    static const size_t size[] = {1, 1, 1, 2, 2, 4, 4, 8};
    char dictionary[100];
    write_pair();
    for (size_t i = 0; i < sizeof type / sizeof *type; i++) {
        unsigned char labels[16] = {0};
        labels[size[i]] = 1;
        snprintf(dictionary, sizeof dictionary,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }", type[i]);
        write_array("y", dictionary, labels, 2 * size[i]);
        tn_feed *feed = feed_of(YAML, 0, 1);
        cr_assert_eq(tn_feed_info(feed, true)->field[1].classes, 2, "%s", type[i]);
        cr_assert_eq(batch_of(feed, TN_TRAIN, 0, 0).field[1].label[1], 1);
        tn_feed_free(feed);
    }
}

Test(npy, advises_a_type_that_keeps_what_the_numbers_are)
{
    static const char *const type[] = {"<u8", ">i8", ">f8", "<U3"},
                             *const advice[] = {"'<i8') is", "'<i8') is", "'<f4') is",
                                                "'<i8') for labels"};
    char dictionary[100];
    write_pair();
    for (int i = 0; i < 4; i++) {
        snprintf(dictionary, sizeof dictionary,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }", type[i]);
        write_array("y", dictionary, classes, sizeof classes);
        refuse_data(YAML, TN_ENOTSUP, type[i], advice[i]);
    }
}

Test(npy, half_floats_that_are_not_finite_are_found_when_read)
{
    static const uint16_t infinite[] = {0x3c00, 0xfc00}, none[] = {0x3c00, 0x7e00};
    static const char dictionary[] =
        "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 1), }";
    write_pair();
    write_array("x", dictionary, infinite, sizeof infinite);
    refuse_batch(YAML, 0, TN_ENUMERIC, "training sample 1", "infinite");
    write_array("x", dictionary, none, sizeof none);
    refuse_batch(YAML, 0, TN_ENUMERIC, "training sample 1", "not a number");
}

Test(npy, takes_quantities_as_they_are)
{
    write_pair();
    write_array("y", X_DICTIONARY, floats, sizeof floats);
    tn_feed *feed = feed_of(YAML, 0, 1);
    cr_assert_eq(tn_feed_info(feed, true)->field[1].real, 1);
    cr_assert_eq(tn_feed_info(feed, true)->field[1].shape.dim[0], 3);
    cr_assert_arr_eq(batch_of(feed, TN_TRAIN, 0, 0).field[1].real, floats, sizeof floats);
    tn_feed_free(feed);
}

Test(npy, refuses_every_truncation)
{
    write_pair();
    for (int version = 1; version <= 2; version++) {
        const npy_bytes b = npy(version, X_DICTIONARY, floats, sizeof floats);
        for (size_t n = 0; n < b.size; n++) {
            test_write("x", b.at, n);
            refuse_data(YAML, TN_EDATA, "npy: x: ", n ? "truncated" : "empty");
        }
    }
}

/* Version 2 exists for headers past 64 KiB, which need all four bytes of their length. */
Test(npy, reads_long_headers)
{
    enum { LENGTH = 70000 };
    static char bytes[12 + LENGTH + sizeof floats] = "\x93NUMPY\x02";
    bytes[8] = (char)(LENGTH & 255), bytes[9] = (char)(LENGTH >> 8 & 255);
    bytes[10] = (char)(LENGTH >> 16);
    memset(bytes + 12, ' ', LENGTH);
    memcpy(bytes + 12, X_DICTIONARY, strlen(X_DICTIONARY));
    memcpy(bytes + 12 + LENGTH, floats, sizeof floats);
    write_pair();
    test_write("x", bytes, sizeof bytes);
    tn_feed *feed = feed_of(YAML, 0, 1);
    cr_assert_arr_eq(batch_of(feed, TN_TRAIN, 0, 0).field[0].real, floats, sizeof floats);
    tn_feed_free(feed);
}

static void refuse_header(const char *dictionary, tn_status status, const char *part)
{
    write_array("x", dictionary, floats, sizeof floats);
    refuse_data(YAML, status, "x: ", part);
}

Test(npy, refuses_what_it_cannot_read)
{
    write_pair();
    refuse_header("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
                  TN_ENOTSUP, "ascontiguousarray");
    refuse_header("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }",
                  TN_ENOTSUP, "'>f4'");
    refuse_header("{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }",
                  TN_ENOTSUP, "'|O'");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", TN_ESHAPE,
                  "single number");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", TN_EDATA,
                  "size 0");
    refuse_header(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6), }",
        TN_ENOTSUP, "more than 8 axes");
    refuse_header(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 3)}",
        TN_EDATA, "overflow");
    refuse_header(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99223372036854775807,)}",
        TN_EDATA, "header is damaged");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }", TN_EDATA,
                  "truncated: the header promises 8 elements");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", TN_EDATA,
                  "trailing garbage: the header promises 4 elements");
    refuse_header("{'descr': '<f4', 'shape': (2, 3), }", TN_EDATA, "header is damaged");
    refuse_header(
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        TN_EDATA, "header is damaged");
    refuse_header("[]", TN_EDATA, "header is damaged");
    npy_bytes b = npy(1, X_DICTIONARY, floats, sizeof floats);
    b.at[6] = 4;
    save("x", &b);
    refuse_data(YAML, TN_ENOTSUP, "x: .npy version 4", "1 to 3");
    b.at[1] = 'X';
    save("x", &b);
    refuse_data(YAML, TN_EDATA, "x: is not a .npy file", "");
}

Test(npy, refuses_what_does_not_fit_together)
{
    static const int64_t wrong[] = {1, -1}, three[] = {0, 1, 2};
    write_pair();
    write_array("y3", "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", three,
                sizeof three);
    write_array("minus", Y_DICTIONARY, wrong, sizeof wrong);
    refuse_data("data: {npy: {x: x, y: y3}}", TN_EDATA, "x has 2 samples", "y3 has 3");
    refuse_data("data: {npy: {x: x, y: minus}}", TN_EDATA, "minus: label -1 of sample 1",
                "out of range");
    refuse_data("data: {npy: {x: x, y: y, classes: 2}}", TN_EDATA,
                "y: label 2 of sample 0", "0 to 1");
    refuse_data("data: {npy: {x: x, y: y, test_x: x}}", TN_EINVAL, "test_x and test_y",
                "both");
    refuse_data("data: {npy: {x: x, y: y, test_x: y, test_y: y}}", TN_ESHAPE,
                "another shape", "y");
    refuse_data("data: {npy: {x: none, y: y}}", TN_EIO, "none", "No such file");
}

Test(npy, infinity_and_nan_are_found_when_read)
{
    static const double bad[][2] = {{1, NAN}, {1, -INFINITY}, {1, 1e300}};
    static const char *const what[] = {"not a number", "infinite", "infinite"};
    write_pair();
    for (int i = 0; i < 3; i++) {
        write_array("x", "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }",
                    bad[i], sizeof bad[i]);
        refuse_batch(YAML, 0, TN_ENUMERIC,
                     "npy: training sample 1: value 0 of field input", what[i]);
    }
}

/* ---- (steps, samples, ...) ------------------------------------------------------------ */

enum { MOST = 5 * 7 * 6 };

/* Numbers in the order (samples, steps, rest), and the same in the order (steps, samples, rest). */
static void write_both(const char *path, const char *turned, int64_t samples,
                       int64_t steps, const char *rest, int64_t width, float first)
{
    float x[MOST], y[MOST];
    char shape[100];
    const size_t size = (size_t)(samples * steps * width) * sizeof *x;
    for (int64_t n = 0; n < samples; n++)
        for (int64_t t = 0; t < steps; t++)
            for (int64_t k = 0; k < width; k++)
                x[(n * steps + t) * width + k] = y[(t * samples + n) * width + k] =
                    first + (float)((n * steps + t) * width + k) / 7;
    snprintf(shape, sizeof shape, "(%d, %d%s)", (int)samples, (int)steps, rest);
    array_write(path, "<f4", shape, x, size);
    snprintf(shape, sizeof shape, "(%d, %d%s)", (int)steps, (int)samples, rest);
    array_write(turned, "<f4", shape, y, size);
}

static void same_field(const tn_data_info *info, int32_t i, const tn_batch *a,
                       const tn_batch *b, int32_t real)
{
    const size_t n = (size_t)(a->samples * tn_shape_count(&info->field[i].shape));
    cr_assert_arr_eq(a->field[i].real, b->field[i].real,
                     n * (real ? sizeof(double) : sizeof(float)));
}

/* Of a sequence, what is no sequence and a target for each step, in every split. */
static void same_batches(const char *rest, int64_t samples, int64_t steps, int64_t width,
                         int32_t real)
{
    float single[MOST];
    char shape[50];
    for (int i = 0; i < MOST; i++) single[i] = (float)(i * i);
    write_both("x", "xt", samples, steps, rest, width, 1);
    write_both("y", "yt", samples, steps, "", 1, 2);
    write_both("vx", "vxt", 2, steps, rest, width, 3);
    write_both("vy", "vyt", 2, steps, "", 1, 4);
    snprintf(shape, sizeof shape, "(%d,)", (int)samples);
    array_write("s", "<f4", shape, single, (size_t)samples * sizeof *single);
    array_write("vs", "<f4", "(2,)", single, 2 * sizeof *single);
    tn_feed *a = feed_of("data: {npy: {x: [s, x], names: [one, series], y: y, test_x: "
                         "[s, x], test_y: y, validation_x: [vs, vx], validation_y: vy, "
                         "scale: [1, 3]}}",
                         real, 5),
            *b = feed_of("data: {npy: {x: [s, xt], names: [one, series], y: yt, test_x: "
                         "[s, xt], test_y: yt, validation_x: [vs, vxt], validation_y: "
                         "vyt, scale: [1, 3], time_first: [series, target]}}",
                         real, 5);
    const tn_data_info *info = tn_feed_info(a, true);
    cr_assert_arr_eq(info->count, tn_feed_info(b, true)->count, sizeof info->count);
    cr_assert_eq(info->count[TN_TRAIN], samples);
    for (int32_t i = 0; i < info->fields; i++) {
        const tn_shape *first = &info->field[i].shape,
                       *second = &tn_feed_info(b, true)->field[i].shape;
        cr_assert_eq(first->rank, second->rank);
        cr_assert_arr_eq(first->dim, second->dim, sizeof first->dim);
    }
    for (int32_t split = TN_TRAIN; split < TN_SPLITS; split++) {
        const tn_batch first = batch_of(a, split, 1, 0),
                       second = batch_of(b, split, 1, 0);
        for (int32_t i = 0; i < info->fields; i++)
            same_field(info, i, &first, &second, real);
    }
    tn_feed_free(a), tn_feed_free(b);
}

/* Whatever the sizes; also of sequences of single numbers and of images. */
Test(npy, time_first_gives_the_same_samples)
{
    enter_folder();
    for (int32_t real = 0; real < 2; real++)
        for (int64_t samples = 1; samples <= 5; samples += 2)
            for (int64_t steps = 1; steps <= 7; steps += 3) {
                same_batches("", samples, steps, 1, real);
                same_batches(", 4", samples, steps, 4, real);
                same_batches(", 3, 2", samples, steps, 6, real);
            }
}

/* Of whole numbers, beside labels, which have one axis. */
Test(npy, time_first_of_bytes_with_labels)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
    write_pair();
    write_array("x", "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }", bytes,
                sizeof bytes);
    tn_feed *feed = feed_of(
        "data: {npy: {x: x, y: y, time_first: input, shuffle: false}}", 1, 1);
    const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
    static const double want[] = {1, 3, 5, 2, 4, 6};
    cr_assert_eq(b.samples, 2);
    cr_assert_arr_eq(b.field[0].real, want, sizeof want);
    cr_assert_eq(b.field[1].label[0], 2);
    tn_feed_free(feed);
}

Test(npy, labels_of_each_step)
{
    static const uint8_t labels[] = {4, 1, 2, 0, 3, 1}, turned[] = {4, 0, 1, 3, 2, 1};
    write_pair();
    write_array("y", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }",
                labels, sizeof labels);
    write_array("yt", "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }",
                turned, sizeof turned);
    static const char *const with[] = {"y: y", "y: yt, time_first: target"};
    char yaml[200];
    for (int i = 0; i < 2; i++) {
        snprintf(yaml, sizeof yaml, "data: {npy: {x: x, %s, classes: 5, shuffle: false}}",
                 with[i]);
        tn_feed *feed = feed_of(yaml, 1, 2);
        const tn_field_spec *target = &tn_feed_info(feed, true)->field[1];
        cr_assert(target->classes == 5 && !target->real);
        cr_assert(target->shape.rank == 1 && target->shape.dim[0] == 3);
        const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
        for (int k = 0; k < 6; k++) cr_assert_eq(b.field[1].label[k], labels[k]);
        tn_feed_free(feed);
        snprintf(yaml, sizeof yaml, "data: {npy: {x: x, %s, classes: 3}}", with[i]);
        refuse_data(yaml, TN_EDATA, ": label 4 of sample 0 ", "out of range 0 to 2");
    }
    static const uint8_t late[] = {0, 0, 0, 0, 7, 0};
    write_array("yt", "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }", late,
                sizeof late);
    refuse_data("data: {npy: {x: x, y: yt, time_first: target, classes: 3}}", TN_EDATA,
                ": label 7 of sample 0 ", "out of range 0 to 2");
    tn_feed *feed = feed_of("data: {npy: {x: x, y: y}}", 1, 2);
    cr_assert(tn_feed_info(feed, true)->field[1].real, "quantities");
    tn_feed_free(feed);
}

Test(npy, time_first_must_be_of_sequences)
{
    write_pair();
    refuse_data("data: {npy: {x: x, y: y, time_first: true}}", TN_EINVAL,
                "time_first: 'true' is neither target nor in names", "steps, samples");
    refuse_data("data: {npy: {x: x, y: y, names: target, time_first: target}}", TN_EINVAL,
                "'target' may be the targets or the input", "call the input something");
    refuse_data("data: {npy: {x: x, y: y, time_first: [input, target]}}", TN_ESHAPE,
                "y has one axis", "take target out of the list");
    refuse_data("data: {npy: {x: y, y: x, time_first: input}}", TN_ESHAPE,
                "y has one axis", "take input out of the list");
    refuse_data("data: {npy: {x: x, y: y, time_first: input}}", TN_EDATA,
                "x has 3 samples along its second axis, but y has 2 along its first",
                "; if input is (samples, ...), take it out of time_first");
    write_array("x", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
                floats, sizeof floats);
    refuse_data("data: {npy: {x: x, y: y}}", TN_EDATA,
                "x has 3 samples along its first axis, but y has 2 along its first",
                "; if input is (steps, samples, ...), list it in time_first");
    write_array("wide", X_DICTIONARY, floats, sizeof floats);
    refuse_data("data: {npy: {x: x, y: wide, time_first: [input, target]}}", TN_EDATA,
                "but wide has 3 along its second",
                "if input is (samples, ...), take it out");
    write_array("narrow", "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1), }",
                floats, sizeof floats);
    refuse_data("data: {npy: {x: narrow, y: wide, time_first: target}}", TN_EDATA,
                "narrow has 6 samples along its first axis, but wide has 3",
                "along its second");
    refuse_data("data: {npy: {x: x, y: y, time_first: input, validation_x: narrow, "
                "validation_y: y}}",
                TN_EDATA, "narrow has 1 samples along its second axis",
                "y has 2 along its first");
}
