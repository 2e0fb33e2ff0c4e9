/* model.h - a graph with what is needed to save it and to predict from any thread. */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include <pthread.h>

#include "core/plan.h"

struct tn_model {
    tn_env *env;
    tn_config *config; /* resolved; owned unless borrowed */
    bool owns_config;
    tn_graph *graph;
    char **classes;    /* or NULL */
    pthread_mutex_t lock; /* of the pool of inference plans */
    struct tn_idle_plan *idle;
};

/* Tensors of parameters and states (and more, for checkpoints), plus texts, through the format
 * plugin `safetensors`, atomically. */
tn_status tn_archive_write(tn_env *, const char *path, const tn_archive *, tn_error *);
/* `bytes` holds what the archive's tensors point into; free both with tn_archive_free. */
tn_status tn_archive_read(tn_env *, const char *path, tn_archive *, void **bytes, tn_error *);
void tn_archive_free(tn_env *, tn_archive *, void *bytes);

#endif
