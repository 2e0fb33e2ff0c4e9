/* memory_data.h - data that a program has in memory: what tn_env_attach takes, and how
 * the dataset plugin `memory` gets at it: host->service(c, TN_MEMORY_SERVICE). */
#ifndef TENON_MEMORY_DATA_H
#define TENON_MEMORY_DATA_H

#include "tenon/types.h"

/* Rows for a `memory` dataset. Either arrays (input: samples x features, target: either
 * labels or values) or a callback that fills one sample and returns 0. The arrays stay
 * the caller's and must outlive the trainer. */
typedef struct tn_memory_data {
    int64_t samples;
    tn_shape input, target; /* of one sample; target of labels: rank 0 */
    int32_t classes;        /* of labels */
    const float *inputs, *targets;
    const int32_t *labels;
    int (*read)(void *data, int64_t index, float *input, float *target, int32_t *label);
    void *read_data;
} tn_memory_data;

#define TN_MEMORY_SERVICE "tenon.memory/0"

struct tn_call;
typedef struct tn_memory_service {
    uint32_t struct_size;
    /* NULL: nothing has that name. What it points at lives as long as the environment. */
    const tn_memory_data *(*find)(struct tn_call *, const char *name);
} tn_memory_service;

#endif
