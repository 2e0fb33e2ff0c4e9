/* types.h - what both faces of Tenon share: status codes, element types, shapes, tensors.
 *
 * Activations are stored channels last: a sample's shape is (..., features), a batch is
 * rows x features, and a sequence or an image has several rows per sample. */
#ifndef TENON_TYPES_H
#define TENON_TYPES_H

#include <stddef.h>
#include <stdint.h>

#define TN_MAX_RANK 8
#define TN_MAX_SAMPLE_RANK (TN_MAX_RANK - 1) /* a batch has an axis more */

typedef enum tn_status {
    TN_OK = 0,
    TN_EINVAL,    /* a value is wrong: option, argument, label */
    TN_ESHAPE,    /* shapes do not fit each other */
    TN_EDATA,     /* a file's content is damaged or not what it says */
    TN_EIO,       /* the operating system refused: missing, no permission, disk full */
    TN_ENOMEM,    /* out of memory, or past --max-memory */
    TN_ENOTFOUND, /* no such plugin, name or field */
    TN_ENOTSUP,   /* legal, but this implementation cannot do it */
    TN_EABI,      /* a plugin does not fit this host */
    TN_ENUMERIC,  /* NaN or infinity where numbers must be finite */
    TN_ECANCELED  /* stopped on request */
} tn_status;

typedef enum tn_dtype { TN_F32 = 1, TN_F64, TN_I32, TN_I64, TN_U8 } tn_dtype;

/* Shape of one sample, without the batch: (features), (time, features), (h, w, channels). It has
 * at most TN_MAX_SAMPLE_RANK axes; a parameter's may have TN_MAX_RANK. */
typedef struct tn_shape {
    int32_t rank;
    int64_t dim[TN_MAX_RANK];
} tn_shape;

/* Strides count elements. `host` belongs to the host (pending chains, packed copies): a
 * plugin passes it on inside tn_matrix_of and never looks at it. */
typedef struct tn_tensor {
    uint32_t struct_size;
    int32_t dtype, rank;
    int64_t dim[TN_MAX_RANK], stride[TN_MAX_RANK];
    void *data;
    const void *host;
} tn_tensor;

/* Of a stream of random numbers: see random.h. */
typedef struct tn_key {
    uint32_t word[2];
} tn_key;

static inline size_t tn_dtype_size(int32_t dtype)
{
    return dtype == TN_F64 || dtype == TN_I64 ? 8 : dtype == TN_U8 ? 1 : 4;
}

/* Elements of a sample; the host has checked that the product does not overflow. */
static inline int64_t tn_shape_count(const tn_shape *s)
{
    int64_t n = 1;
    for (int32_t i = 0; i < s->rank; i++) n *= s->dim[i];
    return n;
}

/* Features: the last axis; a scalar counts as one feature. */
static inline int64_t tn_shape_width(const tn_shape *s)
{
    return s->rank ? s->dim[s->rank - 1] : 1;
}

/* Elements of a tensor. */
static inline int64_t tn_count(const tn_tensor *t)
{
    int64_t n = 1;
    for (int32_t i = 0; i < t->rank; i++) n *= t->dim[i];
    return n;
}

#endif
