/* fashion_mnist.c - small files in the place of the real ones, and the real ones where their
 * package is installed. */
#include "support/feeding.h"
#include "support/idx_bytes.h"

static const char *const name[4] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

static void write_files(unsigned modulus)
{
    static const uint32_t image[] = {12, 28, 28, 0}, label[] = {12, 0};
    enter_folder();
    for (int i = 0; i < 4; i++) {
        const idx_bytes b = i % 2 ? idx_counting(label, 0, modulus) : (idx_bytes){{0}, 0};
        if (i % 2) idx_write(name[i], &b);
    }
    static unsigned char big[16 + 12 * 784];
    static const uint32_t one[] = {1, 28, 28, 0};
    const idx_bytes head = idx_counting(one, 0, 256);
    memcpy(big, head.at, 16);
    big[7] = (unsigned char)image[0];
    for (int i = 0; i < 12 * 784; i++) big[16 + i] = (unsigned char)(i / 784);
    test_write(name[0], big, sizeof big);
    test_write(name[2], big, sizeof big);
}

Test(fashion_mnist, has_ten_named_classes)
{
    write_files(10);
    tn_feed *feed = feed_of("data: {fashion_mnist: {path: ., shuffle: false, batch: 12}}", 0, 1);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert_eq(info->field[1].classes, 10);
    cr_assert_str_eq(info->class_name[0], "T-shirt/top");
    cr_assert_str_eq(info->class_name[9], "Ankle boot");
    cr_assert_eq(info->count[TN_TEST], 12);
    const tn_batch b = batch_of(feed, TN_TEST, 0, 0);
    for (int i = 0; i < 12; i++) {
        cr_assert_eq(((float *)b.field[0].real)[i * 784 + 5], (float)(i * (1.0 / 255)));
        cr_assert_eq(b.field[1].label[i], i % 10);
    }
    tn_feed_free(feed);
}

Test(fashion_mnist, refuses_an_eleventh_class)
{
    write_files(11);
    refuse_data("data: {fashion_mnist: {path: .}}", TN_EDATA, "label 10 of sample 10",
                "with 10 classes the largest is 9");
}

Test(fashion_mnist, says_how_to_get_the_data)
{
    enter_folder();
    refuse_data("data: {fashion_mnist: {path: nowhere}}", TN_EIO,
                "nowhere/train-images-idx3-ubyte", "apt-get install dataset-fashion-mnist");
}

Test(fashion_mnist, reads_the_package)
{
    if (access("/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz", R_OK)) return;
    tn_feed *feed = feed_of("data: {fashion_mnist: {validation: 0.1, batch: 64}}", 0, 1);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert_eq(info->count[TN_TRAIN], 54000);
    cr_assert_eq(info->count[TN_VALIDATION], 6000);
    cr_assert_eq(info->count[TN_TEST], 10000);
    int counts[10] = {0};
    for (int64_t i = 0; i < tn_feed_batches(feed, TN_TEST); i++) {
        const tn_batch b = batch_of(feed, TN_TEST, 0, i);
        for (int64_t k = 0; k < b.samples; k++) counts[b.field[1].label[k]]++;
    }
    for (int i = 0; i < 10; i++) cr_assert_eq(counts[i], 1000);
    tn_feed_free(feed);
}
