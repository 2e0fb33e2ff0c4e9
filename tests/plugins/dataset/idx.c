/* idx.c - values and shapes of small files, and one clear message for every kind of
 * damage. */
#include "support/feeding.h"
#include "support/idx_bytes.h"

#define FILES "train_images: x, train_labels: y"

static const uint32_t image_dim[] = {4, 2, 3, 0}, label_dim[] = {4, 0};

static idx_bytes images(void)
{
    return idx_counting(image_dim, 0, 256);
}

static idx_bytes labels(void)
{
    return idx_counting(label_dim, 0, 4);
}

static void write_pair(void)
{
    const idx_bytes x = images(), y = labels();
    enter_folder();
    idx_write("x", &x);
    idx_write("y", &y);
}

static void expect_counting(const tn_batch *b, int32_t real, double scale)
{
    for (int i = 0; i < 24; i++) {
        const double got = real ? ((const double *)b->field[0].real)[i]
                                : (double)((const float *)b->field[0].real)[i];
        const double exact = scale * i;
        cr_assert(real ? got == exact : got == (double)(float)exact, "%d: %.17g", i, got);
    }
    for (int i = 0; i < 4; i++) cr_assert_eq(b->field[1].label[i], i);
}

Test(idx, gives_images_channels_last_and_labels)
{
    write_pair();
    for (int32_t real = 0; real < 2; real++) {
        tn_feed *feed = feed_of("data: {idx: {" FILES ", shuffle: false, batch: 4}}",
                                real, 1);
        const tn_data_info *info = tn_feed_info(feed, true);
        cr_assert_eq(info->count[TN_TRAIN], 4);
        cr_assert_eq(info->count[TN_TEST], 0);
        cr_assert_eq(info->fields, 2);
        const tn_shape *shape = &info->field[0].shape;
        cr_assert(shape->rank == 3 && shape->dim[0] == 2 && shape->dim[1] == 3 &&
                  shape->dim[2] == 1);
        cr_assert_eq(info->field[1].classes, 4);
        const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
        expect_counting(&b, real, 1.0 / 255);
        tn_feed_free(feed);
    }
}

Test(idx, reads_gzip_and_a_folder)
{
    const idx_bytes x = images(), y = labels(), px = idx_packed(&x), py = idx_packed(&y);
    enter_folder();
    idx_write("train-images-idx3-ubyte.gz", &px);
    idx_write("train-labels-idx1-ubyte", &y);
    idx_write("t10k-images-idx3-ubyte", &x);
    idx_write("t10k-labels-idx1-ubyte.gz", &py);
    tn_feed *feed = feed_of(
        "data: {idx: {path: ., scale: 0.5, shuffle: false, batch: 4}}", 1, 1);
    cr_assert_eq(tn_feed_info(feed, false)->count[TN_TEST], 4);
    tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
    expect_counting(&b, 1, 0.5);
    b = batch_of(feed, TN_TEST, 0, 0);
    expect_counting(&b, 1, 0.5);
    tn_feed_free(feed);
}

/* Every proper prefix of a plain and of a compressed file is refused. */
Test(idx, refuses_every_truncation)
{
    const idx_bytes plain = images(), packed = idx_packed(&plain);
    write_pair();
    for (size_t n = 0; n < plain.size; n++) {
        test_write("x", plain.at, n);
        refuse_data("data: {idx: {" FILES "}}", TN_EDATA,
                    "idx: x: ", n ? "truncated" : "empty");
    }
    for (size_t n = 1; n < packed.size; n++) {
        test_write("x", packed.at, n);
        refuse_data("data: {idx: {" FILES "}}", TN_EDATA, "idx: x: ", "truncated");
    }
}

Test(idx, refuses_damage)
{
    write_pair();
    const char *yaml = "data: {idx: {" FILES "}}";
    idx_bytes x = images();
    x.at[0] = 'P';
    idx_write("x", &x);
    refuse_data(yaml, TN_EDATA, "x: is not an IDX file", "found 50 00 08");
    x = images(), x.at[2] = 0x0d;
    idx_write("x", &x);
    refuse_data(yaml, TN_ENOTSUP, "element type 0d", "unsigned bytes (08)");
    x = images(), x.at[3] = 9;
    idx_write("x", &x);
    refuse_data(yaml, TN_EDATA, "IDX rank 9", "expected 1 to 8");
    x = images(), x.at[7] = 0;
    idx_write("x", &x);
    refuse_data(yaml, TN_EDATA, "axis 1", "size 0");
    x = images(), x.size++;
    idx_write("x", &x);
    refuse_data(yaml, TN_EDATA, "x: trailing garbage",
                "promises 24 bytes of data, found 25");
    x = images();
    idx_bytes packed = idx_packed(&x);
    packed.size += 3;
    idx_write("x", &packed);
    refuse_data(yaml, TN_EDATA, "x: the gzip data is truncated, or", "trailing garbage");
    packed.at[packed.size - 3] = 1; /* 256: room enough for what comes before */
    idx_write("x", &packed);
    refuse_data(yaml, TN_EDATA, "x: trailing garbage", "3 bytes after the gzip data");
    packed = idx_packed(&x), packed.at[packed.size - 10] ^= 1;
    idx_write("x", &packed);
    refuse_data(yaml, TN_EDATA, "x: the gzip data is damaged", "or truncated");
    x.size++, packed = idx_packed(&x);
    idx_write("x", &packed);
    refuse_data(yaml, TN_EDATA, "x: trailing garbage", "24 bytes of data, found 25");
}

/* A header of 16 bytes that promises terabytes costs nothing. */
Test(idx, refuses_promises_that_no_file_can_keep)
{
    write_pair();
    const char *yaml = "data: {idx: {" FILES "}}";
    idx_bytes x = images();
    memset(x.at + 4, 0xff, 4);
    memset(x.at + 10, 0xff, 2);
    idx_bytes packed = idx_packed(&x);
    const size_t before = atomic_load(&test_env()->memory.peak);
    idx_write("x", &x);
    refuse_data(yaml, TN_EDATA, "truncated", "found 24");
    idx_write("x", &packed);
    refuse_data(yaml, TN_EDATA, "truncated", "found 24");
    memset(x.at + 4, 0xff, 12);
    idx_write("x", &x);
    refuse_data(yaml, TN_EDATA, "x: ", "overflow");
    cr_assert_lt(atomic_load(&test_env()->memory.peak), before + (1 << 20));
}

Test(idx, refuses_what_does_not_fit_together)
{
    static const uint32_t five[] = {5, 0};
    write_pair();
    const idx_bytes y = labels(), x = images(), longer = idx_counting(five, 0, 4);
    idx_write("long", &longer);
    refuse_data("data: {idx: {train_images: x, train_labels: long}}", TN_EDATA,
                "x has 4 images", "long has 5 labels");
    refuse_data("data: {idx: {train_images: y, train_labels: y}}", TN_EDATA,
                "expected images", "found rank 1");
    refuse_data("data: {idx: {train_images: x, train_labels: x}}", TN_EDATA,
                "expected labels", "found rank 3");
    refuse_data("data: {idx: {" FILES ", classes: 3}}", TN_EDATA, "label 3 of sample 3",
                "with 3 classes the largest is 2");
    idx_write("tx", &x);
    idx_write("ty", &y);
    idx_bytes large = y;
    large.at[9] = 77;
    idx_write("ty", &large);
    refuse_data("data: {idx: {" FILES ", test_images: tx, test_labels: ty}}", TN_EDATA,
                "ty: label 77 of sample 1", "with 4 classes");
}

Test(idx, refuses_files_that_are_not_there)
{
    write_pair();
    refuse_data("data: {idx: {train_images: none, train_labels: y}}", TN_EIO, "none",
                "No such file");
    refuse_data("data: {idx: {train_images: ., train_labels: y}}", TN_EIO,
                "idx: .:", "not a regular file");
    refuse_data("data: {idx: {" FILES ", scale: 0}}", TN_EINVAL, "scale", "0");
    refuse_data("data: {idx: {train_images: x}}", TN_EINVAL, "set path", "train_labels");
    cr_assert_eq(chmod("x", 0), 0);
    if (access("x", R_OK) == 0) return; /* root reads everything */
    refuse_data("data: {idx: {" FILES "}}", TN_EIO, "x: ", "Permission denied");
}

/* What was taken is given back, also when opening fails half way. */
Test(idx, leaks_nothing)
{
    write_pair();
    tn_feed *feed = NULL;
    tn_error error;
    const char *yaml[] = {"data: {idx: {" FILES "}}",
                          "data: {idx: {train_images: x, train_labels: none}}"};
    tn_feed_free(feed_of(yaml[0], 0, 1));
    for (int i = 0; i < 2; i++) {
        tn_config *config = kept(tn_config_read(&test_env()->memory, yaml[i],
                                                strlen(yaml[i]), "net.yaml", NULL));
        const size_t before = atomic_load(&test_env()->memory.used);
        if (tn_feed_new(test_env(), config->root, 0, 1, &feed, &error) == TN_OK)
            tn_feed_free(feed);
        cr_assert_eq(atomic_load(&test_env()->memory.used), before);
    }
}
