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

static int has_labels(const npy_array *y)
{
    return npy_is_whole(y) && y->rank == 1;
}

/* Without the first axis; a single number is a feature. */
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

static tn_status open_all(tn_call *c, npy_files files, npy_array *inputs,
                          npy_array *targets)
{
    tn_status status = npy_read(c, files.y, targets);
    for (int64_t i = 0; status == TN_OK && i < files.x->count; i++) {
        status = npy_read(c, files.x->at[i], &inputs[i]);
        if (status == TN_OK && inputs[i].dim[0] != targets->dim[0])
            return tn_fail(c, TN_EDATA, "%s has %lld samples, but %s has %lld",
                           files.x->at[i], (long long)inputs[i].dim[0], files.y,
                           (long long)targets->dim[0]);
    }
    return status;
}

#endif
