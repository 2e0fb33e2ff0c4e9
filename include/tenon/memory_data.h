/* memory_data.h - data that a program has in memory: what tn_env_attach takes, and how
 * the dataset plugin `memory` gets at it: host->service(c, TN_MEMORY_SERVICE). */
#ifndef TENON_MEMORY_DATA_H
#define TENON_MEMORY_DATA_H

#include "tenon/types.h"

#define TN_MEMORY_INPUTS 7

/* One of several inputs: samples x shape. The name is that of `input:` in the config. */
typedef struct tn_memory_input {
    char name[32]; /* empty: there are no more */
    tn_shape shape;
    const float *values; /* NULL with a callback */
} tn_memory_input;

/* Rows for a `memory` dataset. Either arrays (input: samples x features, target: either
 * labels or values) or a callback that fills one sample and returns 0.
 *
 * The arrays stay the caller's, must outlive the trainer, and must not change while it runs or a
 * model is evaluated: batches are read ahead, on a thread of Tenon's. The callback is called on
 * the thread that called tn_trainer_new, tn_trainer_run or tn_model_evaluate, when a batch is
 * needed; with any_thread it is also called ahead, on that other thread, so that training does not
 * wait for it: it must then share nothing with the rest of the program that is not locked. In
 * neither case are two calls for one trainer made at once. */
typedef struct tn_memory_data {
    int64_t samples;
    tn_shape input, target; /* of one sample; target of labels: rank 0 */
    int32_t classes;        /* of labels */
    const float *inputs, *targets;
    const int32_t *labels;
    int (*read)(void *data, int64_t index, float *input, float *target, int32_t *label);
    void *read_data;
    int32_t any_thread; /* read may be called on another thread; 0: it may not */
    /* Several inputs by name, in place of `input` and `inputs`, and of `read` a callback that
     * fills an array for each. */
    tn_memory_input named[TN_MEMORY_INPUTS];
    int (*read_named)(void *data, int64_t index, float *const *inputs, float *target,
                      int32_t *label);
} tn_memory_data;

#define TN_MEMORY_SERVICE "tenon.memory/0"

struct tn_call;
typedef struct tn_memory_service {
    uint32_t struct_size;
    /* NULL: nothing has that name. What it points at lives as long as the environment. */
    const tn_memory_data *(*find)(struct tn_call *, const char *name);
} tn_memory_service;

#endif
