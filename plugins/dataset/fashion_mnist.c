/* fashion_mnist.c - 60,000 training and 10,000 test images of clothing, 28 x 28 grey
 * values.
 *
 * Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
 * machine learning algorithms", arXiv:1708.07747, 2017. Debian: dataset-fashion-mnist. */
#include <tenon/plugin.h>

#include <tenon/data.h>

#include "images.h"

#ifndef FASHION_MNIST_CLASSES
#define FASHION_MNIST_CLASSES 10
static const char *const class_names[FASHION_MNIST_CLASSES] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

static tn_status open_split(tn_call *c, const char *folder, const char *prefix,
                            image_set *set)
{
    char name[64], images[4096], labels[4096];
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", prefix);
    const int found_images = find_in_folder(folder, name, images, sizeof images);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", prefix);
    const int found_labels = find_in_folder(folder, name, labels, sizeof labels);
    if (!found_images || !found_labels)
        return tn_fail(c, TN_EIO,
                       "%s: no such file. To get the data: apt-get install "
                       "dataset-fashion-mnist (or set path to where it is)",
                       found_images ? labels : images);
    const tn_status status = images_open(c, images, labels, set);
    if (status != TN_OK) return status;
    return images_check_labels(c, labels, set, FASHION_MNIST_CLASSES);
}
#endif

#define OPTIONS(P)                                                         \
    P(STR, path, TN_POSITIONAL, "/usr/share/datasets/fashion-mnist", 0, 0, \
      "folder of the four IDX files, plain or .gz")                        \
    P(REAL, scale, TN_ABOVE, 1.0 / 255, 0, INFINITY, "factor on the grey values 0..255")
TN_SELF(OPTIONS, image_set set[TN_SPLITS];)

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    image_set *train = &self->set[TN_TRAIN], *test = &self->set[TN_TEST];
    tn_status status = open_split(c, self->path, "train", train);
    if (status == TN_OK) status = open_split(c, self->path, "t10k", test);
    if (status == TN_OK) status = images_same_shape(c, self->path, train, test);
    if (status != TN_OK) return status;
    images_describe(train, FASHION_MNIST_CLASSES, info);
    info->count[TN_TRAIN] = train->image.dim[0];
    info->count[TN_TEST] = test->image.dim[0];
    info->class_name = class_names;
    return TN_OK;
}

static tn_status TN(read)(const void *me, tn_call *c, int32_t split, int64_t index,
                          void *const *field)
{
    const TN(self) *self = me;
    TN(image_read)(&self->set[split], index, self->scale, field);
    return TN_OK;
}

static void TN(destroy)(void *me, tn_call *c)
{
    TN(self) *self = me;
    for (int32_t i = 0; i < TN_SPLITS; i++) images_close(c, &self->set[i]);
}

TN_VTABLE(dataset, .destroy = TN(destroy), .open = TN(open), .read = TN(read))
TN_PLUGIN_WITH(OPTIONS, dataset, fashion_mnist,
               .summary = "Fashion-MNIST: ten classes of clothing, 28 x 28 grey images",
               .formula = "input = scale * byte, shape (28, 28, 1); target = label 0..9",
               .reference = "Xiao, Rasul and Vollgraf, arXiv:1708.07747, 2017, table 2")
