/* update.h - from gradients to new weights: gradient transforms, then regularizers, optimizers
 * and prox. */
#ifndef CORE_UPDATE_H
#define CORE_UPDATE_H

#include "core/plan.h"

typedef struct tn_updater tn_updater;

/* From `optimizer:` and `gradient:` (a list) of the config's root. */
tn_status tn_updater_new(tn_graph *, const tn_cfg *root, tn_updater **, tn_error *);
void tn_updater_free(tn_updater *);

int32_t tn_updater_passes(const tn_updater *);
double tn_updater_rate(const tn_updater *); /* learning rate as of the last tick */
/* Sets all dials: optimizer, gradient, regularizers. */
void tn_updater_tick(tn_updater *, const tn_clock *);
/* As tn_instance_check_dials, of what `parameters` gives. */
tn_status tn_updater_check_own(const tn_updater *, const tn_clock *, tn_error *);
void tn_updater_epoch(tn_updater *, const tn_clock *, const tn_event *);

/* Of transforms that count what they cut: how many there are, the name of number i, and the share of
 * all elements that it has cut since the counts were cleared. */
int32_t tn_updater_counting(const tn_updater *);
const char *tn_updater_cutter(const tn_updater *, int32_t i);
double tn_updater_cut(const tn_updater *, int32_t i);
void tn_updater_clear_counts(tn_updater *);

/* Penalties of all regularizers at the current weights. */
double tn_updater_penalty(tn_updater *);
/* After pass 0 .. passes - 2 (moves weights). */
void tn_updater_between(tn_updater *, tn_plan *, int64_t step, int32_t pass);
/* Parameters that are updated while their gradient is made, where the plan can: weights of at
 * least `least` elements, with optimizers that keep at most `slots` values of each, where nothing
 * needs the whole gradient first. The bits are those of an update afterwards. */
const bool *tn_updater_takes(const tn_updater *);
void tn_updater_take_from(tn_updater *, int64_t least, int32_t slots);
/* Sinks for the backward pass of a step that has one; tn_updater_apply ends the step. Without
 * `update` gradients are only looked at. NULL: there is nothing to do in that pass. */
tn_sink *tn_updater_sinks(tn_updater *, int64_t step, bool update);
/* The gradients may have been changed since the backward pass. */
void tn_updater_changed(tn_updater *);
/* The update; step is 1 for the first. */
tn_status tn_updater_apply(tn_updater *, tn_plan *, int64_t step, tn_error *);
/* Swaps the evaluation view in (true) or the training weights back (false); nothing when the
 * optimizer has no view. */
void tn_updater_view(tn_updater *, bool evaluate);

/* Slots as named tensors ("slot.0.dense.weight"), for checkpoints: the tensor of slot i, until
 * false. */
bool tn_updater_slot(const tn_updater *, int32_t i, char name[192], tn_tensor *);
/* All instances with numbers to keep. */
void tn_updater_walk(tn_updater *, void (*visit)(void *, tn_instance *), void *);

#endif
