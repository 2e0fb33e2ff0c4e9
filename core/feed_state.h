/* feed_state.h - what the files feed*.c share. */
#ifndef CORE_FEED_STATE_H
#define CORE_FEED_STATE_H

#include "core/feed.h"
#include "core/feed_order.h"

/* Fields with room for a batch. */
typedef struct tn_feed_buffers {
    void *block[TN_MAX_FIELDS];
    tn_field field[TN_MAX_FIELDS];
} tn_feed_buffers;

typedef struct tn_feed_stage {
    tn_instance *transform;
    tn_data_info after;
    tn_feed_buffers out; /* of all stages but the last, which writes to the slot */
} tn_feed_stage;

/* The transforms of one use: [0] evaluation (only the `always` ones), [1] training. Each
 * has its own instances, as infer may tell them different things. */
typedef struct tn_feed_chain {
    int32_t stages;
    tn_feed_stage *stage;
} tn_feed_chain;

/* A batch as it is asked for. */
typedef struct tn_feed_place {
    int32_t split;
    int64_t epoch, batch; /* epoch: 0 but for training; batch may be TN_FEED_END */
    int64_t pass;         /* which time in this update, see tn_course */
} tn_feed_place;

/* A batch that was made. Both uses write to the same blocks. */
typedef struct tn_feed_slot {
    void *block[TN_MAX_FIELDS];
    tn_field field[2][TN_MAX_FIELDS]; /* of evaluation and training */
    tn_feed_place place;
    int64_t samples;
    tn_status status; /* whether making it failed, and how */
    tn_error error;
} tn_feed_slot;

enum { TN_FEED_SLOTS = 3 }; /* one in use, one ready, one being made */
enum { TN_FEED_END = -1 };  /* nothing comes any more */

typedef struct tn_ahead tn_ahead; /* feed_ahead.c */

struct tn_feed {
    tn_env *env;
    int32_t real;
    tn_cfg section, options; /* of the config: without what the host takes for itself */
    tn_cfg *section_item[1], **option;
    tn_instance *dataset;
    tn_data_info info;    /* as the dataset says, counts after the split */
    tn_feed_buffers read; /* what transforms begin with; without them unused */
    tn_feed_chain chain[2];
    tn_feed_slot slot[TN_FEED_SLOTS]; /* [0] alone as long as no thread works ahead */
    int64_t bytes;                    /* that making a batch writes */
    tn_ahead *ahead;                  /* NULL: batches are made when they are asked for */
    double validation;
    int64_t batch;
    int32_t shuffle, drop_last;
    bool shuffles_unsaid; /* by default, that is */
    const tn_cfg *transforms;
    tn_key key;
    int32_t source[TN_SPLITS];  /* the dataset's split behind each of ours */
    int64_t *member[TN_SPLITS]; /* sample numbers there; NULL: all */
    /* Of the training samples: [0] the order of order_epoch[0], [1] with a thread that of the
     * next epoch, drawn bit by bit while this one runs; epoch -1: none yet. */
    tn_shuffle order[2];
    int64_t order_epoch[2], last_epoch; /* no order is drawn ahead from last_epoch on */
};

/* Streams of random numbers from the seed. */
enum { TN_FEED_SPLIT = 1, TN_FEED_SHUFFLE, TN_FEED_TRANSFORM };

tn_status tn_feed_options(tn_feed *, const tn_cfg *root, tn_error *);
/* What the options leave open, once the dataset is. */
tn_status tn_feed_settle(tn_feed *, tn_error *);
tn_status tn_feed_check_info(const tn_instance *, const tn_data_info *, tn_error *);
tn_status tn_feed_buffers_new(tn_feed *, const tn_data_info *, tn_feed_buffers *,
                              tn_error *);
void tn_feed_buffers_free(tn_memory *, tn_feed_buffers *);
tn_status tn_feed_chains_new(tn_feed *, tn_error *);
tn_status tn_feed_slot_new(tn_feed *, tn_feed_slot *, tn_error *);
void tn_feed_slot_free(tn_memory *, tn_feed_slot *);

tn_key tn_feed_key(const tn_feed *, uint64_t purpose, uint64_t a, uint64_t b);
/* feed_make.c: the batch of slot->place into the slot. apart: on the feed's own thread. */
tn_status tn_feed_make(tn_feed *, tn_feed_slot *, bool apart, tn_error *);
/* feed_ahead.c: the slot that has the batch of that place, which stays as it is until the next
 * is asked for. */
const tn_feed_slot *tn_ahead_take(tn_feed *, const tn_feed_place *);
/* "net.yaml:3:8: NAME: " in front of what a plugin reported. */
tn_status tn_feed_blame(const tn_instance *, tn_status, tn_error *);
/* That `samples` samples from number `first` on, counted in the batch, are finite and in range.
 * number: the sample numbers of the batch in the file; NULL: from `start` on. */
typedef struct tn_feed_rows {
    int32_t split;
    const int64_t *number;
    int64_t start, first, samples;
} tn_feed_rows;
tn_status tn_feed_check(const tn_feed *, const tn_instance *, const tn_data_info *,
                        const tn_field *, const tn_feed_rows *, tn_error *);

#endif
