/* step_part.h - one instance at work on one parameter: what the files of the update share. */
#ifndef CORE_REAL_STEP_PART_H
#define CORE_REAL_STEP_PART_H

#include "core/real/step.h"
#include "core/real/tiles.h"

/* A parameter in one step, and whose statistics the bench holds meanwhile. */
typedef struct tn_on_part {
    const tn_bench *bench;
    tn_part *part;
    const tn_chain *chain; /* NULL: not in a step */
    tn_space space;
    const tn_instance *reducing;   /* NULL: nobody's */
    const tn_reduction *reduction; /* its */
    int64_t groups;
} tn_on_part;

static inline double tn_rate_of(const tn_chain *c, const tn_part *part)
{
    return part->rate ? *part->rate : c->rate * part->factor;
}

/* What number `which` of a chain is told of its step on a part. */
static inline tn_update tn_update_of(const tn_chain *c, int32_t which,
                                     const tn_part *part, int32_t pass)
{
    return (tn_update){.step = c->step,
                       .rate = tn_rate_of(c, part),
                       .decays = part->decays,
                       .sparse = part->sparse,
                       .pass = pass,
                       .numbers = c->at[which]->numbers};
}

/* What its dials say to a part. */
static inline const double *tn_dials_of(const tn_chain *c, int32_t which,
                                        const tn_part *part)
{
    return part->now ? part->now[which] : c->at[which]->now;
}

static inline const tn_regularizer *tn_regularizer_of(const tn_instance *instance)
{
    return instance->vtable;
}

static inline uint64_t tn_step_of(const tn_on_part *on)
{
    return on->chain ? (uint64_t)on->chain->step : 0;
}

typedef struct tn_step_frame {
    tn_tile tile;
    const void *stat[TN_MAX_OWN];
} tn_step_frame;

/* Who draws random numbers: each has a stream of its own, for every parameter and step; the
 * regularizers of one weight share theirs. */
enum {
    TN_DRAWS_REGULARIZER,
    TN_DRAWS_OPTIMIZER,    /* plus its place in the chain */
    TN_DRAWS_GRADIENT = 64 /* plus its number */
};

const tn_reduction *TN(tn_reduction_of)(const tn_instance *);
bool TN(tn_is_proximal)(const tn_instance *regularizer);
/* Whether its prox is one beside the gradient. */
bool TN(tn_is_beside)(const tn_instance *regularizer);
int32_t TN(tn_slots_of)(const tn_instance *optimizer);

/* `reducing` may be NULL, or have no reduction. */
tn_on_part TN(tn_on_part_of)(const tn_bench *, tn_part *, const tn_chain *,
                             const tn_instance *reducing);
void TN(tn_step_frame_fill)(tn_step_frame *, const tn_on_part *, const tn_instance *,
                            uint64_t draws, int64_t first, int64_t n);
void TN(tn_slots_at)(const tn_part *, int32_t first_slot, int32_t count, int64_t first,
                     tn_real **slot);

/* Sums and statistics over this parameter, unless they are over several. */
void TN(tn_reduce_part)(const tn_on_part *);
/* Adds or merges `from` of one part of what is summed into that of another. */
void TN(tn_add_sums)(const tn_instance *reducing, double *into, const double *from);
/* Those over all parameters, in their order, where the reduction is over all. */
void TN(tn_reduce_all)(const tn_bench *, const tn_instance *reducing, const tn_chain *,
                       tn_part *, int32_t count);
/* The same in two parts: sums over each parameter; then, once of each, statistics over those from `from`
 * to `to` - 1. */
void TN(tn_sum_parts)(const tn_bench *, const tn_instance *reducing, const tn_chain *,
                      tn_part *, int32_t count);
void TN(tn_join_parts)(const tn_bench *, const tn_instance *reducing, const tn_chain *,
                       tn_part *, int32_t from, int32_t to);

/* stage.c: adding to the kernels of the next pass over a part, in their order; transforms by
 * number, optimizers by their place in the chain. */
void TN(tn_add_maps)(const tn_on_part *, int32_t from, int32_t to);
void TN(tn_add_penalty)(const tn_on_part *, const tn_instance *regularizer);
void TN(tn_add_decay)(const tn_on_part *, const tn_chain *,
                      const tn_instance *regularizer);
void TN(tn_add_before)(const tn_on_part *, const tn_chain *, int32_t i);
void TN(tn_add_update)(const tn_on_part *, const tn_chain *, int32_t i);
void TN(tn_add_to_iterate)(const tn_on_part *, const tn_chain *, int32_t i);
void TN(tn_add_between)(const tn_on_part *, const tn_chain *, int32_t i, int32_t pass);
void TN(tn_add_prox)(const tn_on_part *, const tn_chain *,
                     const tn_instance *regularizer);
/* Not a prox, but its steps, into the bench; there is an optimizer that tells them. */
void TN(tn_add_steps)(const tn_on_part *, const tn_chain *);
/* The number of the optimizer by whose steps a prox goes; -1: none tells. */
int32_t TN(tn_sizing)(const tn_chain *);
/* The pass: over n elements from `first` on, with their gradient (NULL: nobody reads it); over
 * one part in the tiles of its space; over all parts. */
void TN(tn_run_stages)(const tn_part *, int64_t first, int64_t n, tn_real *g);
void TN(tn_run_part)(const tn_on_part *);
void TN(tn_run_all)(const tn_bench *, const tn_part *, int32_t count);
/* Tasks of the bench, by all threads if they are to do so many elements that it is worth it. */
void TN(tn_each_task)(const tn_bench *, int64_t elements,
                      void (*body)(void *data, int64_t task, int32_t worker), void *data);
/* A sink's `wrote`: the pass over a block. */
void TN(tn_take_block)(const void *part, int64_t row, int64_t col, int64_t rows,
                       int64_t cols, void *data, int64_t stride);

/* step_blocks.c: sums over a gradient as a product makes it, block by block. */
void TN(tn_blocks_begin)(tn_part *);
void TN(tn_blocks_add)(const void *part, int64_t row, int64_t col, int64_t rows,
                       int64_t cols, void *data, int64_t stride);
bool TN(tn_blocks_known)(const tn_part *);
/* The sums, as if all blocks were there in their order; known no longer. */
void TN(tn_blocks_sum)(const tn_bench *, tn_part *, double *sums);

/* step_whole.c: regularizers that see whole weights. */
tn_status TN(tn_penalize_whole)(const tn_on_part *, const tn_instance *regularizer,
                                tn_error *);
tn_status TN(tn_prox_whole)(const tn_on_part *, const tn_chain *,
                            const tn_instance *regularizer, tn_error *);
/* NAN: it failed. */
double TN(tn_penalty_whole)(const tn_on_part *, const tn_instance *regularizer);

/* step_apart.c */
double TN(tn_step_penalty)(tn_bench *, tn_part *);
/* Transforms numbers from .. to - 1, without sums that are not there. */
void TN(tn_map_all)(tn_bench *, const tn_chain *, tn_part *, int32_t count, int32_t from,
                    int32_t to);
/* Whether some penalty's gradient has to be added by a pass over the whole weight. */
bool TN(tn_any_adds_whole)(const tn_part *);
/* Stages for those that are added element by element; passes for the others. */
void TN(tn_add_penalties)(const tn_on_part *);
tn_status TN(tn_add_whole_penalties)(const tn_on_part *, tn_error *);
/* Adds the gradients of all penalties, in passes of their own. */
tn_status TN(tn_penalize_all)(tn_bench *, const tn_chain *, tn_part *, int32_t count,
                              tn_error *);
/* Takes the sums of all transforms, and makes those that must be passes of their own; *left: the
 * first of those that are left for the update's pass. *penalized: a transform wanted gradients of
 * penalties, and they are in. */
tn_status TN(tn_transform_all)(tn_bench *, const tn_chain *, tn_part *, int32_t count,
                               int32_t *left, bool *penalized, tn_error *);
void TN(tn_step_view)(tn_bench *, const tn_chain *, int32_t which, const tn_part *,
                      void *out);

#endif
