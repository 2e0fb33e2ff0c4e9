/* array.h - one NumPy array file (npy_header.h) in host memory, and its elements. */
#ifndef DATASET_ARRAY_H
#define DATASET_ARRAY_H

#include "bytes.h"
#include "npy_header.h"
#include "npy_layout.h"

typedef struct npy_array {
    file_bytes file;
    npy_type type;
    int32_t rank;
    int64_t dim[TN_MAX_RANK], count; /* of elements */
    int time_first; /* (steps, samples, ...) in the file; dim has samples first */
    const unsigned char *at; /* the elements; points into the file, maybe unaligned */
} npy_array;

/* array->file belongs to the caller (drop_file), also after a failure. */
static tn_status npy_read(tn_call *c, const char *path, npy_array *array)
{
    npy_header header;
    tn_status status = read_file(c, path, &array->file);
    if (status != TN_OK) return status;
    status = npy_parse(array->file.at, array->file.size, &header);
    if (status != TN_OK) return tn_fail(c, status, "%s: %s", path, header.why);
    array->type = header.type;
    array->time_first = 0;
    array->rank = header.rank;
    memcpy(array->dim, header.dim, sizeof array->dim);
    array->count = header.count;
    array->at = array->file.at + header.start;
    return TN_OK;
}

/* That an array of two axes or more has time first. */
static void npy_turn(npy_array *array)
{
    array->time_first = 1;
    npy_swap_axes(array->dim);
}

static int npy_is_whole(const npy_array *array)
{
    return npy_type_is_whole(array->type);
}

static int64_t npy_label(const npy_array *array, int64_t i)
{
    return npy_whole_at(array->type, array->at, i);
}

static double npy_number(const npy_array *array, int64_t i)
{
    return npy_real_at(array->type, array->at, i);
}

#endif
