/* feed.h - from a dataset to batches: split, shuffle, transforms.
 *
 * The order of an epoch is a permutation drawn from (seed, epoch) alone; the validation split
 * is drawn from the seed alone. So any batch of any epoch can be made at any time, which is all
 * that resuming needs. */
#ifndef CORE_FEED_H
#define CORE_FEED_H

#include "core/instance.h"

typedef struct tn_feed tn_feed;

typedef struct tn_batch {
    int64_t samples;
    int32_t fields;
    tn_field field[TN_MAX_FIELDS]; /* as tn_feed_info says; points into the feed */
} tn_batch;

/* From `data:` of the root: one dataset plugin, whose host options are validation (fraction of
 * the training set), batch, shuffle (default true), drop_last (default false), transforms. */
tn_status tn_feed_new(tn_env *, const tn_cfg *root, int32_t real, uint64_t seed,
                      tn_feed **, tn_error *);
void tn_feed_free(tn_feed *);

/* Counts after the split, fields after the transforms (training: true) or before. */
const tn_data_info *tn_feed_info(const tn_feed *, bool training);
/* How much data there is and of what shape, by which a run that is resumed knows its own: "90
 * training and 30 validation samples of input (6), target (3 classes)". */
#define TN_FEED_TEXT 1000
void tn_feed_text(const tn_feed *, char text[TN_FEED_TEXT]);
int64_t tn_feed_batch_size(const tn_feed *);
int64_t tn_feed_batches(const tn_feed *, int32_t split);
/* What keeps the batches of an epoch from following each other as the dataset's samples do: an
 * option of the data; NULL: they do. */
const char *tn_feed_breaks(const tn_feed *);
/* The batch is the feed's and stays until the next is asked for.
 * Batch number `batch` of `split`; of TN_TRAIN in the order of `epoch`, others in file order.
 * Checks that real values are finite and labels in range (sample number in the message). */
tn_status tn_feed_batch(tn_feed *, int32_t split, int64_t epoch, int64_t batch,
                        tn_batch *, tn_error *);
/* In which order batches are going to be asked for: training's from a place on; after an epoch,
 * of a run of `epochs`, all of validation. With epochs 0 one split to its end. An update takes
 * `accumulate` batches, `passes` times over. Whoever asks otherwise gets what is asked for, but
 * waits for it. */
typedef struct tn_course {
    int64_t epochs, accumulate, passes;
} tn_course;

/* From here to tn_feed_stop a thread makes batches ahead, if one of this size is worth a hand-over
 * and the data may be read by it. Neither changes a bit of a batch. */
tn_status tn_feed_start(tn_feed *, const tn_course *, int32_t split, int64_t epoch,
                        int64_t batch, tn_error *);
void tn_feed_stop(tn_feed *);

/* Number of the field called name, or -1. */
int32_t tn_feed_find(const tn_data_info *, const char *name);

#endif
