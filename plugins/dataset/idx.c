/* idx.c - labelled images in IDX files, plain or gzip: MNIST and its relatives.
 *
 * The file format: LeCun, Cortes and Burges, "The MNIST database of handwritten
 * digits". */
#include <tenon/plugin.h>

#include <tenon/data.h>

#include "images.h"

#define OPTIONS(P)                                                                       \
    P(STR, path, TN_POSITIONAL | TN_OPTIONAL, 0, 0, 0,                                   \
      "folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-*, or .gz") \
    P(STR, train_images, TN_OPTIONAL, 0, 0, 0, "file, instead of the one in path")       \
    P(STR, train_labels, TN_OPTIONAL, 0, 0, 0, "file, instead of the one in path")       \
    P(STR, test_images, TN_OPTIONAL, 0, 0, 0, "file, instead of the one in path")        \
    P(STR, test_labels, TN_OPTIONAL, 0, 0, 0, "file, instead of the one in path")        \
    P(REAL, scale, TN_ABOVE, 1.0 / 255, 0, INFINITY, "factor on the values 0..255")      \
    P(INT, classes, TN_OPTIONAL, 0, 1, 256, "unset: largest training label + 1")
TN_SELF(OPTIONS, image_set set[TN_SPLITS];)

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (!self->path && !(self->train_images && self->train_labels))
        return tn_fail(c, TN_EINVAL, "set path, or both train_images and train_labels");
    if (!self->path && !self->test_images != !self->test_labels)
        return tn_fail(c, TN_EINVAL,
                       "set both of test_images and test_labels, or neither");
    return TN_OK;
}

/* The file that an option names, else that of the folder; *there: whether to open it. */
static const char *TN(locate)(const TN(self) * self, const char *option, const char *name,
                              char *path, size_t size, int *there)
{
    *there = option != NULL;
    if (option || !self->path) return option;
    *there = find_in_folder(self->path, name, path, size);
    return path;
}

static tn_status TN(open_train)(TN(self) * self, tn_call *c, int32_t *classes)
{
    char a[4096], b[4096];
    int there;
    const char *images = TN(locate)(self, self->train_images, "train-images-idx3-ubyte",
                                    a, sizeof a, &there);
    const char *labels = TN(locate)(self, self->train_labels, "train-labels-idx1-ubyte",
                                    b, sizeof b, &there);
    image_set *set = &self->set[TN_TRAIN];
    const tn_status status = images_open(c, images, labels, set);
    if (status != TN_OK) return status;
    *classes = self->classes == TN_UNSET_INT ? images_classes(set)
                                             : (int32_t)self->classes;
    return images_check_labels(c, labels, set, *classes);
}

/* A folder may lack both test files. */
static tn_status TN(open_test)(TN(self) * self, tn_call *c, int32_t classes)
{
    char a[4096], b[4096];
    int has_images, has_labels;
    const char *images = TN(locate)(self, self->test_images, "t10k-images-idx3-ubyte", a,
                                    sizeof a, &has_images);
    const char *labels = TN(locate)(self, self->test_labels, "t10k-labels-idx1-ubyte", b,
                                    sizeof b, &has_labels);
    if (!has_images && !has_labels) return TN_OK;
    image_set *set = &self->set[TN_TEST];
    tn_status status = images_open(c, images, labels, set);
    if (status == TN_OK) status = images_same_shape(c, images, &self->set[TN_TRAIN], set);
    return status == TN_OK ? images_check_labels(c, labels, set, classes) : status;
}

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    int32_t classes;
    tn_status status = TN(open_train)(self, c, &classes);
    if (status == TN_OK) status = TN(open_test)(self, c, classes);
    if (status != TN_OK) return status;
    images_describe(&self->set[TN_TRAIN], classes, info);
    info->count[TN_TRAIN] = self->set[TN_TRAIN].image.dim[0];
    info->count[TN_TEST] = self->set[TN_TEST].image.dim[0];
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

TN_VTABLE(dataset, .check = TN(check), .destroy = TN(destroy), .open = TN(open),
          .read = TN(read))
TN_PLUGIN_WITH(OPTIONS, dataset, idx,
               .summary = "labelled images in IDX files, plain or gzip (MNIST's format)",
               .formula = "input = scale * byte, channels last; target = label",
               .reference = "LeCun, Cortes and Burges, The MNIST database of handwritten "
                            "digits, section FILE FORMATS")
