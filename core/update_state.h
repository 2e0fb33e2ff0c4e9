/* update_state.h - what an updater holds. update_new.c makes it, update.c steps it. */
#ifndef CORE_UPDATE_STATE_H
#define CORE_UPDATE_STATE_H

#include "core/real/step.h"
#include "core/update.h"

#define TN_MAX_CHAIN 8

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
    tn_part *part;
    double elements; /* of all parameters */
    bool *takes;     /* [params] */
    tn_sink *sink;   /* [params] */
    bool armed;      /* sinks are those of this step */
    void **slot;     /* [params][slots] */
    void **shown; /* the view's values while they are not in the weights; NULL: no view */
    int32_t viewer; /* which of the chain shows a view */
    bool viewing;
    int64_t counted; /* the step that the optimizers have counted */
};

#endif
