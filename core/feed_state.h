/* feed_state.h - what the files feed*.c share. */
#ifndef CORE_FEED_STATE_H
#define CORE_FEED_STATE_H

#include "core/feed.h"

/* Fields with room for a batch. */
typedef struct tn_feed_buffers {
    void *block[TN_MAX_FIELDS];
    tn_field field[TN_MAX_FIELDS];
} tn_feed_buffers;

typedef struct tn_feed_stage {
    tn_instance *transform;
    tn_data_info after;
    tn_feed_buffers out;
} tn_feed_stage;

/* The transforms of one use: [0] evaluation (only the `always` ones), [1] training. Each
 * has its own instances, as infer may tell them different things. */
typedef struct tn_feed_chain {
    int32_t stages;
    tn_feed_stage *stage;
} tn_feed_chain;

struct tn_feed {
    tn_env *env;
    int32_t real;
    tn_cfg section, options; /* of the config: without what the host takes for itself */
    tn_cfg *section_item[1], **option;
    tn_instance *dataset;
    tn_data_info info; /* as the dataset says, counts after the split */
    tn_feed_buffers read;
    tn_feed_chain chain[2];
    double validation;
    int64_t batch;
    int32_t shuffle, drop_last;
    const tn_cfg *transforms;
    tn_key key;
    int32_t source[TN_SPLITS];  /* the dataset's split behind each of ours */
    int64_t *member[TN_SPLITS]; /* sample numbers there; NULL: all */
    int64_t *order, epoch;      /* of the training samples in this epoch; -1: none yet */
};

/* Streams of random numbers from the seed. */
enum { TN_FEED_SPLIT = 1, TN_FEED_SHUFFLE, TN_FEED_TRANSFORM };

tn_status tn_feed_options(tn_feed *, const tn_cfg *root, tn_error *);
tn_status tn_feed_check_info(const tn_instance *, const tn_data_info *, tn_error *);
tn_status tn_feed_buffers_new(tn_feed *, const tn_data_info *, tn_feed_buffers *,
                              tn_error *);
tn_status tn_feed_chains_new(tn_feed *, tn_error *);
/* "net.yaml:3:8: NAME: " in front of what a plugin reported. */
tn_status tn_feed_blame(const tn_instance *, tn_status, tn_error *);
/* That what is in the buffers is finite and in range. index: sample numbers in the
 * file. */
tn_status tn_feed_check(const tn_feed *, const tn_instance *, const tn_data_info *,
                        const tn_feed_buffers *, int32_t split, const int64_t *index,
                        int64_t first, int64_t samples, tn_error *);

#endif
