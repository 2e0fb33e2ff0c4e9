/* data.h - the kinds that bring data in and models out: dataset, transform, format.
 * Include it after plugin.h. */
#ifndef TENON_DATA_H
#define TENON_DATA_H

#include "tenon/field.h"

#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif

enum { TN_TRAIN, TN_VALIDATION, TN_TEST, TN_SPLITS };
#define TN_MAX_FIELDS 8

/* What a dataset holds; a transform may change the fields. */
typedef struct tn_data_info {
    int64_t count[TN_SPLITS]; /* samples; 0: the set has no such split */
    int32_t fields;
    tn_field_spec field[TN_MAX_FIELDS];
    const char *const
        *class_name; /* of the target's classes, for the model; NULL: none */
    int32_t
        same_thread; /* of a dataset: read only on the thread that opened it, one at a time */
    /* of a dataset: samples of each split are so many sequences side by side, sample i of each goes
     * on where sample i - streams ended; batches have all of them, in order. 0: samples are apart */
    int64_t streams;
} tn_data_info;

/* dataset. */
typedef struct tn_dataset {
    TN_HEAD
    tn_status (*open)(void *self, tn_call *, tn_data_info *); /* [setup] */
    /* One sample into field[0 .. fields-1] (tn_real or int32_t each); batches are read ahead, on
     * a thread of their own, unless open has set info->same_thread. [parallel] */
    tn_status (*read)(const void *self, tn_call *, int32_t split, int64_t index,
                      void *const *field);
} tn_dataset;

/* transform: of a batch's fields; what it does to specs says infer. Outputs are fresh memory
 * laid out as infer said; both arrays have TN_MAX_FIELDS entries, unused ones all NULL. Runs on
 * training batches, and on all when `always`. */
typedef struct tn_transform {
    TN_HEAD
    int32_t always;
    tn_status (*infer)(void *self, tn_call *,
                       tn_data_info *); /* in: before, out: after */
    tn_status (*apply)(const void *self, tn_call *, tn_key, int64_t samples,
                       const tn_field *in,
                       const tn_field *out); /* [step], on read's thread */
} tn_transform;

typedef struct tn_text_pair {
    const char *key, *value;
} tn_text_pair;

typedef struct tn_named_tensor {
    const char *name;
    tn_tensor tensor;
} tn_named_tensor;

/* A model as formats see it. */
typedef struct tn_archive {
    int64_t texts, tensors;
    tn_text_pair *text;
    tn_named_tensor *tensor;
} tn_archive;

/* format: bytes to archive and back; files are the host's. Parsed tensors may point into
 * `bytes`, at any alignment; names and texts come from host->alloc. [setup] */
typedef struct tn_format {
    TN_HEAD
    tn_status (*parse)(const void *self, tn_call *, const void *bytes, size_t size,
                       tn_archive *);
    tn_status (*emit)(const void *self, tn_call *, const tn_archive *,
                      tn_status (*put)(void *to, const void *bytes, size_t size),
                      void *to);
} tn_format;

#endif
