/* array.h - one NumPy array file (npy_header.h) in host memory, and its elements. */
#ifndef DATASET_ARRAY_H
#define DATASET_ARRAY_H

#include "bytes.h"
#include "npy_header.h"

typedef struct npy_array {
    file_bytes file;
    tn_dtype dtype;
    int32_t rank;
    int64_t dim[TN_MAX_RANK], count; /* of elements */
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
    array->dtype = header.dtype;
    array->rank = header.rank;
    memcpy(array->dim, header.dim, sizeof array->dim);
    array->count = header.count;
    array->at = array->file.at + header.start;
    return TN_OK;
}

static int npy_is_whole(const npy_array *array)
{
    return array->dtype != TN_F32 && array->dtype != TN_F64;
}

static int64_t npy_label(const npy_array *array, int64_t i)
{
    int64_t wide;
    int32_t narrow;
    if (array->dtype == TN_U8) return array->at[i];
    if (array->dtype == TN_I32) {
        memcpy(&narrow, array->at + (size_t)i * sizeof narrow, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, array->at + (size_t)i * sizeof wide, sizeof wide);
    return wide;
}

static double npy_number(const npy_array *array, int64_t i)
{
    float single;
    double number;
    if (npy_is_whole(array)) return (double)npy_label(array, i);
    if (array->dtype == TN_F32) {
        memcpy(&single, array->at + (size_t)i * sizeof single, sizeof single);
        return (double)single;
    }
    memcpy(&number, array->at + (size_t)i * sizeof number, sizeof number);
    return number;
}

#endif
