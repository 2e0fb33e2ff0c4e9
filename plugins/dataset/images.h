/* images.h - labelled images in pairs of IDX files, as the datasets idx and fashion_mnist
 * have them. Images stay in memory as bytes and become numbers when they are read. A
 * sample's shape is channels last; images without a channel axis get one of size 1. */
#ifndef DATASET_IMAGES_H
#define DATASET_IMAGES_H

#include "idx_file.h"

typedef struct image_set {
    idx_array image, label;
} image_set;

/* "FOLDER/NAME.gz" or "FOLDER/NAME", whichever is there, the first if neither is. */
static int find_in_folder(const char *folder, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", folder, name);
    if (access(path, F_OK) == 0) return 1;
    snprintf(path, size, "%s/%s.gz", folder, name);
    return access(path, F_OK) == 0;
}

static tn_status check_pair(tn_call *c, const char *images, const char *labels,
                            const image_set *set)
{
    if (set->image.rank < 2)
        return tn_fail(c, TN_EDATA, "%s: expected images (rank 2 or more), found rank %d",
                       images, set->image.rank);
    if (set->label.rank != 1)
        return tn_fail(c, TN_EDATA, "%s: expected labels (rank 1), found rank %d", labels,
                       set->label.rank);
    if (set->image.dim[0] != set->label.dim[0])
        return tn_fail(c, TN_EDATA, "%s has %lld images, but %s has %lld labels", images,
                       (long long)set->image.dim[0], labels,
                       (long long)set->label.dim[0]);
    return TN_OK;
}

static tn_status images_open(tn_call *c, const char *images, const char *labels,
                             image_set *set)
{
    tn_status status = idx_read(c, images, &set->image);
    if (status == TN_OK) status = idx_read(c, labels, &set->label);
    return status == TN_OK ? check_pair(c, images, labels, set) : status;
}

static void images_close(tn_call *c, image_set *set)
{
    if (set->image.block) c->host->release(c, set->image.block);
    if (set->label.block) c->host->release(c, set->label.block);
    set->image.block = set->label.block = NULL;
}

/* One more than the largest label. */
TN_UNUSED static int32_t images_classes(const image_set *set)
{
    int32_t largest = 0;
    for (int64_t i = 0; i < set->label.bytes; i++)
        if (set->label.at[i] > largest) largest = set->label.at[i];
    return largest + 1;
}

static tn_status images_check_labels(tn_call *c, const char *labels, const image_set *set,
                                     int32_t classes)
{
    for (int64_t i = 0; i < set->label.bytes; i++)
        if (set->label.at[i] >= classes)
            return tn_fail(
                c, TN_EDATA,
                "%s: label %d of sample %lld is out of range; with %d classes the "
                "largest is %d",
                labels, set->label.at[i], (long long)i, classes, classes - 1);
    return TN_OK;
}

static tn_shape images_shape(const image_set *set)
{
    tn_shape shape = {.rank = set->image.rank - 1};
    for (int32_t i = 0; i < shape.rank; i++) shape.dim[i] = set->image.dim[i + 1];
    if (shape.rank == 2) shape.dim[shape.rank++] = 1;
    return shape;
}

static tn_status images_same_shape(tn_call *c, const char *images, const image_set *train,
                                   const image_set *test)
{
    const tn_shape a = images_shape(train), b = images_shape(test);
    if (a.rank == b.rank && !memcmp(a.dim, b.dim, sizeof a.dim)) return TN_OK;
    return tn_fail(
        c, TN_ESHAPE,
        "%s: test images have %lld values each, or another shape, but training "
        "images have %lld",
        images, (long long)tn_shape_count(&b), (long long)tn_shape_count(&a));
}

static void images_describe(const image_set *set, int32_t classes, tn_data_info *info)
{
    info->fields = 2;
    info->field[0] = (tn_field_spec){
        .name = "input", .real = 1, .shape = images_shape(set)};
    info->field[1] = (tn_field_spec){.name = "target", .classes = classes};
}

/* Shuffled images are not in the cache: asks for the lines of one at once; beyond the first
 * few thousand bytes the processor does so itself. */
static void images_fetch(const unsigned char *image, int64_t bytes)
{
    for (int64_t i = 0; i < bytes && i < 4096; i += 64) __builtin_prefetch(image + i);
}

#endif

/* out = scale * byte. In float with two factors, the upper 16 bits of the scale, whose product
 * with a byte is exact, and the rest: the sum before its rounding is right to 2^-40. */
TN_KERNEL void TN(image_scale)(const unsigned char *from, int64_t n, double scale,
                               tn_real *out)
{
#if TN_REAL_BITS == 64
    for (int64_t i = 0; i < n; i++) out[i] = scale * from[i];
#else
    uint32_t bits;
    float upper = (float)scale;
    memcpy(&bits, &upper, sizeof bits);
    bits &= 0xffffff00u;
    memcpy(&upper, &bits, sizeof bits);
    const float lower = (float)(scale - (double)upper);
    for (int64_t i = 0; i < n; i++) {
        const float byte = from[i];
        out[i] = upper * byte + lower * byte;
    }
#endif
}

static void TN(image_read)(const image_set *set, int64_t index, double scale,
                           void *const *field)
{
    const int64_t n = set->image.bytes / set->image.dim[0];
    const unsigned char *image = set->image.at + index * n;
    images_fetch(image, n);
    TN(image_scale)(image, n, scale, field[0]);
    *(int32_t *)field[1] = set->label.at[index];
}
