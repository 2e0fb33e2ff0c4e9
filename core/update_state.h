/* update_state.h - what an updater holds. update_new.c makes it, update_bench.c what all its steps
 * share, update_own.c what `parameters` adds; update.c steps it.
 *
 * Invariant: a frozen parameter has no part, so nothing that goes over the parts knows of it. */
#ifndef CORE_UPDATE_STATE_H
#define CORE_UPDATE_STATE_H

#include "core/real/step.h"
#include "core/update.h"

#define TN_MAX_CHAIN 8

/* A learning rate or a decay that `parameters` gives, for all that have it. */
typedef struct tn_own_dial {
    tn_dial_state dial;
    double value; /* as of the last tick */
    /* Of a decay: what the dials of each optimizer of the chain say with it. `copy` are those of
     * optimizers that have a decay. */
    bool decay;
    const double *now[TN_MAX_CHAIN];
    double *copy[TN_MAX_CHAIN];
} tn_own_dial;

struct tn_updater {
    tn_graph *graph;
    tn_instance *optimizer; /* outermost; owns those it wraps */
    const tn_instance *chain[TN_MAX_CHAIN];
    int32_t first_slot[TN_MAX_CHAIN];
    int32_t length, slots, passes;
    tn_instance **gradient;
    int32_t gradients;
    const tn_step_table *table;
    tn_bench bench;
    tn_part *part; /* of each parameter that is trained, in their order */
    int32_t parts;
    double elements; /* of all of them */
    tn_own_dial *own;
    int32_t owns;
    bool *takes;   /* [params] */
    tn_sink *sink; /* [params] */
    bool armed;    /* sinks are those of this step */
    void **slot;   /* [parts][slots] */
    void **shown; /* [parts]: the view's values while not in the weights; NULL: no view */
    int32_t viewer; /* which of the chain shows a view */
    bool viewing;
    int64_t counted; /* the step that the optimizers have counted */
};

/* update_bench.c: once there are parts. */
tn_status tn_updater_make_bench(tn_updater *, tn_error *);
void tn_updater_free_bench(tn_updater *);
/* update_own.c: own learning rates and decays of all parts. */
tn_status tn_updater_make_own(tn_updater *, tn_error *);
void tn_updater_free_own(tn_updater *);
void tn_updater_tick_own(tn_updater *, const tn_clock *);

#endif
