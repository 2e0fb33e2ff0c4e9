/* model.h - a graph with what is needed to save it and to predict from any thread, and the
 * archives that models and checkpoints are kept in. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include <pthread.h>

#include "core/plan.h"

struct tn_idle_plan;

struct tn_model {
    tn_env *env;
    tn_config *config; /* its own copy, with `input:` filled in */
    tn_graph *graph;
    const char **classes; /* texts live in config; or NULL */
    int32_t class_count;
    int64_t chunk; /* samples of an inference plan */
    bool low;      /* `memory: low` */
    bool has_lock;
    pthread_mutex_t lock; /* of idle */
    struct tn_idle_plan *idle;
    tn_score *score; /* of the last evaluation, with names; NULL: none */
};

/* `config` becomes the model's own, also on failure. `most`: as of tn_graph_new. Not `fresh`: all
 * parameters are read next, so that none is drawn or taken from `init_from:`. */
tn_status tn_model_make(tn_env *, tn_config *config, const tn_inputs *, int64_t most,
                        bool fresh, tn_model **, tn_error *);
/* Parameters and states from the file of the section `init_from:` of a config's root, if there is
 * one; those parameters are then given. */
tn_status tn_init_from(tn_graph *, const tn_cfg *root, tn_error *);
/* `seed:` and `precision:` of a config's root. */
tn_status tn_model_settings(const tn_cfg *root, uint64_t *seed, int32_t *real,
                            tn_error *);
/* Names that the data has for its classes, where the config gives none and their number fits the
 * outputs. */
tn_status tn_model_name_classes(tn_model *, const char *const *names, int32_t count,
                                tn_error *);
/* Parameter or state i; false past the last. */
bool tn_model_part(const tn_model *, int32_t i, const char **name, tn_tensor *);

/* A deep copy, places included, that shares nothing. */
tn_config *tn_config_copy(tn_env *, const tn_config *, tn_error *);

/* Through the format plugin, atomically. */
tn_status tn_archive_write(tn_env *, const char *path, const tn_archive *, tn_error *);
/* `bytes` holds what the archive's tensors point into, at any alignment; free both with
 * tn_archive_free. */
tn_status tn_archive_read(tn_env *, const char *path, tn_archive *, void **bytes,
                          tn_error *);
void tn_archive_free(tn_env *, tn_archive *, void *bytes);
const char *tn_archive_text(const tn_archive *, const char *key); /* NULL: not there */
/* The tensor called name; NULL: there is none. *from starts as 0 and makes look-ups in the order of
 * writing fast: the search goes round from where the last one ended. */
const tn_named_tensor *tn_archive_find(const tn_archive *, const char *name,
                                       int64_t *from);
/* Copies the tensor called name into `into`, whose dtype and shape it must have. */
tn_status tn_archive_take(const tn_archive *, const char *name, const tn_tensor *into,
                          int64_t *from, tn_error *);

/* Keys of the texts, and the newest version of what they stand for. */
#define TN_KEY_VERSION "tenon.version"
#define TN_KEY_CONFIG "tenon.config"
#define TN_KEY_BACKEND "tenon.backend" /* only of checkpoints */
#define TN_KEY_DATA "tenon.data"       /* tn_feed_text, only of checkpoints */
#define TN_KEY_TORCH "tenon.torch"     /* tn_torch_layout, only of models */
#define TN_FILE_VERSION 1
/* Checks TN_KEY_VERSION and gives the config. */
tn_status tn_archive_config(const tn_archive *, const char **text, tn_error *);

#endif
