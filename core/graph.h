/* graph.h - a network: nodes with inferred shapes, parameters, states.
 *
 * Nodes stand in the order of computation; node 0 is the input. Blocks are expanded while the
 * graph is built, so that they see the shapes before them; depth (16) and count (10,000) are
 * limited. The last node is the output. */
#ifndef CORE_GRAPH_H
#define CORE_GRAPH_H

#include "core/instance.h"

#define TN_MAX_INPUTS 64

typedef struct tn_graph_node {
    char name[64];      /* "dense", "relu_2", "residual.dense"; unique */
    tn_instance *layer; /* NULL for node 0 */
    int32_t inputs, *input;
    tn_node spec; /* spec.in points into the graph */
    int32_t first_param, params;
    int32_t first_state, states;
} tn_graph_node;

typedef struct tn_graph_param {
    char name[128]; /* "dense.weight" */
    tn_param_spec spec;
    int32_t node, index; /* index among the parameters of its owner */
    int32_t owner;   /* -1: the node; else the parameter whose parametrization it is of */
    tn_tensor value; /* host order: rank as in spec.shape, contiguous */
    tn_instance *init, *regularizer; /* borrowed; NULL: none, or fill */
    tn_instance *made_init;          /* one that `init: auto` made: the parameter's own */
    char init_text[96];              /* for the table: "he (auto: relu)" */
    bool decays;                     /* weight */
    /* Of a parametrized weight, whose value is the raw one. */
    const tn_instance *parametrization; /* NULL: the value is what the layer uses */
    tn_shape raw;                       /* (out, the rest) */
    tn_node parametrized;   /* spec of the parametrization; in points to raw */
    int32_t first_own, own; /* its parameters, and its states */
    int32_t first_own_state, own_states;
} tn_graph_param;

typedef struct tn_graph_state {
    char name[128];
    int32_t node, index, owner; /* as of a parameter */
    tn_tensor value;
    double fill;
} tn_graph_state;

typedef struct tn_graph {
    tn_env *env;
    int32_t real;
    int32_t nodes, params, states;
    tn_graph_node *node;
    tn_graph_param *param;
    tn_graph_state *state;
    uint64_t seed;
    tn_instance *init, *regularizer; /* the model's defaults; NULL: auto, none */
} tn_graph;

/* From `model:` (a list), `init:`, `regularizer:` of the config's root. Weights are drawn. */
tn_status tn_graph_new(tn_env *, const tn_cfg *root, const tn_shape *input, int32_t real,
                       uint64_t seed, tn_graph **, tn_error *);
void tn_graph_free(tn_graph *);

/* Data-driven initializers (calibrate) on a first batch; nothing if there is none. */
tn_status tn_graph_calibrate(tn_graph *, const void *x, int64_t samples, tn_error *);

/* Sets the dials of layers and regularizers; the end of an epoch for their schedules; all
 * instances with numbers to keep. */
void tn_graph_tick(tn_graph *, const tn_clock *);
void tn_graph_epoch(tn_graph *, const tn_clock *);
void tn_graph_walk(tn_graph *, void (*visit)(void *, tn_instance *), void *);

const tn_shape *tn_graph_output(const tn_graph *);

#endif
