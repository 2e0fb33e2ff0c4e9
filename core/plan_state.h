/* plan_state.h - what a plan holds; plan_new.c makes it, plan.c runs it.
 *
 * Invariant: everything a step touches is allocated by tn_plan_new. Views, and at inference
 * layers that are then the identity, have no memory of their own: node i's values live with
 * node home[i]. A gradient is set by the first consumer that gives one and added to by others. */
#ifndef CORE_PLAN_STATE_H
#define CORE_PLAN_STATE_H

#include "core/arena.h"
#include "core/graph_build.h"

typedef struct tn_plan_node {
    int32_t home; /* node that holds the values: i itself, or an earlier one */
    bool wants;   /* a gradient: some parameter lies at or before this node */
    bool given;   /* in this backward: the gradient has a first part */
    void *value, *gradient;
    int64_t size; /* of one sample */
    tn_layer_facts facts;
    tn_unit unit;
} tn_plan_node;

/* A parametrized weight: the parametrization as a unit with one sample, the raw weight. */
typedef struct tn_plan_weight {
    tn_layer_facts facts;
    tn_node spec;
    tn_unit unit;
    void *value, *gradient; /* of the weight in use */
} tn_plan_weight;

struct tn_plan {
    tn_graph *graph;
    const tn_instance *backend;
    const tn_real_ops *ops;
    int64_t max_samples;
    bool training;
    size_t real_size;
    tn_plan_node *node;
    /* Per parameter: its parametrization, NULL where there is none or where it is the identity
     * at inference; its gradient of this pass; what has accumulated before (total itself is NULL
     * where nothing does). */
    tn_plan_weight **weight;
    void **gradient, **total;
    double *row_values; /* of the loss: two per row */
    tn_arena arena;     /* all of the above */
};

/* The stream of random numbers of node `number` (stream 1) or parametrization (2). */
tn_key tn_plan_key(const tn_plan *, int32_t number, uint64_t stream);

#endif
