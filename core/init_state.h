/* init_state.h - first weights from a file while they are read: init_from.c reads the file and takes
 * its tensors, init_names.c says what they are called. */
#ifndef CORE_INIT_STATE_H
#define CORE_INIT_STATE_H

#include "core/model.h"

#define TN_INIT_NAME 1024

typedef struct tn_init_source {
    tn_env *env;
    tn_graph *graph;
    const tn_cfg *cfg, *names, *ignore, *fresh;
    const char *path;
    char in_folder[4096]; /* what path is then */
    tn_archive archive;
    void *bytes;
    bool torch, channels_first;
    bool *used, *applied; /* tensors of the file; entries of names */
    int64_t *channels;    /* of the input of each node */
    tn_error *error;
} tn_init_source;

/* A parameter or state that is to be read. */
typedef struct tn_init_target {
    const char *name;
    const tn_tensor *value;
    int32_t axis; /* along the features of the input; -1: none */
    int32_t node;
    int32_t parts; /* of torch; at least 1 */
    tn_torch_part part[TN_MAX_TORCH];
} tn_init_target;

/* What the file calls a part of the target: its layer as `names` has it, then the part's own name. */
tn_status tn_init_name(const tn_init_source *, const tn_init_target *, int32_t part,
                       char out[TN_INIT_NAME]);
/* Whether a pattern of the list (NULL: there are none) fits. */
bool tn_init_listed(const tn_cfg *list, const char *name);
/* Every entry of names has named something; every one of fresh is of a parameter or state. */
tn_status tn_init_check_names(const tn_init_source *);
tn_status tn_init_check_fresh(const tn_init_source *);

#endif
