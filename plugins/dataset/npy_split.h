/* npy_split.h - the arrays of one split: which files they are, and whether they go together. */
#ifndef DATASET_NPY_SPLIT_H
#define DATASET_NPY_SPLIT_H

#include "array.h"

/* What the options that name the files begin with; x NULL: the split has none. */
typedef struct npy_files {
    tn_strs x;
    const char *y, *name;
} npy_files;

static tn_status check_files(tn_call *c, npy_files files, int64_t inputs)
{
    if (!files.x != !files.y)
        return tn_fail(c, TN_EINVAL, "set both of %s_x and %s_y, or neither", files.name,
                       files.name);
    if (files.x && files.x->count != inputs)
        return tn_fail(c, TN_EINVAL, "x names %lld files, but %s_x %lld",
                       (long long)inputs, files.name, (long long)files.x->count);
    return TN_OK;
}

static int is_listed(tn_strs list, const char *name)
{
    for (int64_t i = 0; i < list->count; i++)
        if (!strcmp(list->at[i], name)) return 1;
    return 0;
}

/* Whole numbers, of several axes where the option says of how many classes. */
static int has_labels(const npy_array *y, int64_t classes)
{
    return npy_is_whole(y) && (y->rank == 1 || classes != TN_UNSET_INT);
}

/* Without the axis of samples; a single number is a feature. */
static tn_shape sample_shape(const npy_array *array)
{
    tn_shape shape = {.rank = array->rank - 1};
    for (int32_t i = 0; i < shape.rank; i++) shape.dim[i] = array->dim[i + 1];
    if (shape.rank == 0) shape.rank = 1, shape.dim[0] = 1;
    return shape;
}

static int same_sample(const npy_array *a, const npy_array *b)
{
    return a->rank == b->rank &&
           !memcmp(a->dim + 1, b->dim + 1, sizeof a->dim - sizeof a->dim[0]);
}

/* The array of a field, its samples first. */
static tn_status open_field(tn_call *c, const char *path, tn_strs time_first,
                            const char *field, npy_array *array)
{
    const tn_status status = npy_read(c, path, array);
    if (status != TN_OK || !is_listed(time_first, field)) return status;
    if (array->rank > 1) return npy_turn(array), TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "%s has one axis, but what time_first lists holds (steps, samples, "
                   "...); take %s out of the list",
                   path, field);
}

static const char *axis_of_samples(const npy_array *array)
{
    return array->time_first ? "second" : "first";
}

/* What to do where an array has as many entries along its other axis as there are samples. */
static void put_hint(char *to, size_t size, const npy_array *array, int64_t samples,
                     const char *field)
{
    if (array->rank < 2 || array->dim[1] != samples) return;
    snprintf(to, size, "; if %s is %s, %s time_first", field,
             array->time_first ? "(samples, ...)" : "(steps, samples, ...)",
             array->time_first ? "take it out of" : "list it in");
}

static tn_status differing_samples(tn_call *c, const char *x_path, const npy_array *x,
                                   const char *field, const char *y_path,
                                   const npy_array *y)
{
    char hint[160] = "";
    put_hint(hint, sizeof hint, y, x->dim[0], "target");
    put_hint(hint, sizeof hint, x, y->dim[0], field);
    return tn_fail(c, TN_EDATA,
                   "%s has %lld samples along its %s axis, but %s has %lld along its "
                   "%s%s",
                   x_path, (long long)x->dim[0], axis_of_samples(x), y_path,
                   (long long)y->dim[0], axis_of_samples(y), hint);
}

static tn_status open_split(tn_call *c, npy_files files, tn_strs names,
                            tn_strs time_first, npy_array *x, npy_array *y)
{
    tn_status status = open_field(c, files.y, time_first, "target", y);
    for (int64_t i = 0; status == TN_OK && i < files.x->count; i++) {
        status = open_field(c, files.x->at[i], time_first, names->at[i], &x[i]);
        if (status == TN_OK && x[i].dim[0] != y->dim[0])
            return differing_samples(c, files.x->at[i], &x[i], names->at[i], files.y, y);
    }
    return status;
}

#endif
