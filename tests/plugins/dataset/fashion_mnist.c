/* fashion_mnist.c - small files in the place of the real ones, and the real ones where
 * their package is installed. */
#include "support/feeding.h"
#include "support/idx_bytes.h"

static const char *const name[4] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

enum { IMAGES = 12, PIXELS = 28 * 28, HEADER = 16 };

/* Image i is grey value i everywhere; labels count up and begin again at `modulus`. */
static void write_files(unsigned modulus)
{
    static const uint32_t label[] = {IMAGES, 0};
    static unsigned char images[HEADER + IMAGES * PIXELS] = {0, 0, 8, 3,  0, 0, 0, IMAGES,
                                                             0, 0, 0, 28, 0, 0, 0, 28};
    const idx_bytes labels = idx_counting(label, 0, modulus);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        images[HEADER + i] = (unsigned char)(i / PIXELS);
    enter_folder();
    for (int i = 0; i < 4; i += 2) {
        test_write(name[i], images, sizeof images);
        idx_write(name[i + 1], &labels);
    }
}

Test(fashion_mnist, has_ten_named_classes)
{
    write_files(10);
    tn_feed *feed = feed_of("data: {fashion_mnist: {path: ., shuffle: false, batch: 12}}",
                            0, 1);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert_eq(info->field[1].classes, 10);
    cr_assert_str_eq(info->class_name[0], "T-shirt/top");
    cr_assert_str_eq(info->class_name[9], "Ankle boot");
    cr_assert_eq(info->count[TN_TEST], 12);
    const tn_batch b = batch_of(feed, TN_TEST, 0, 0);
    for (int i = 0; i < IMAGES; i++) {
        cr_assert_eq(((float *)b.field[0].real)[i * PIXELS + 5],
                     (float)(i * (1.0 / 255)));
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
                "nowhere/train-images-idx3-ubyte",
                "apt-get install dataset-fashion-mnist");
}

Test(fashion_mnist, reads_the_package)
{
    if (access("/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz", R_OK))
        return;
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
