/* graph.h - a network: nodes with inferred shapes, parameters, states.
 *
 * Nodes stand in the order of computation; the first are the inputs. Blocks are expanded while the
 * graph is built, so that they see the shapes before them; depth (16) and count (10,000) are
 * limited. The last node is the output. */
#ifndef CORE_GRAPH_H
#define CORE_GRAPH_H

#include "core/inputs.h"

#define TN_MAX_INPUTS 64
#define TN_NODE_NAME 64
#define TN_TORCH_NAME 40

typedef struct tn_graph_name tn_graph_name; /* graph_name.c */

/* A copy of a weight as the backend packs it, or who makes its products prepares it, which all
 * inference plans share (real/packed.c). */
typedef struct tn_packed {
    struct tn_graph *graph;
    atomic_ullong of;        /* version of the weights that it is a copy of; 0: none */
    unsigned long long seen; /* version when the weight was last asked for */
    void *at;
    /* rows, cols and strides of what was packed, who reads it, who makes the product */
    int64_t layout[6];
} tn_packed;

typedef struct tn_graph_node {
    char name[TN_NODE_NAME]; /* "dense", "relu_2", "residual.dense"; unique */
    tn_instance *layer;      /* NULL of inputs */
    int32_t inputs, *input;
    bool read;    /* by another node */
    tn_node spec; /* spec.in points into the graph */
    int32_t first_param, params;
    int32_t first_state, states;
    char rules[96]; /* of its parameters, for the table; "": there are none */
} tn_graph_node;

/* What the section `parameters` says of a parameter. */
typedef struct tn_rule {
    bool frozen;
    double lr_factor; /* times the optimizer's learning rate */
    /* Numbers or schedules in place of the optimizer's; NULL: none. */
    const tn_cfg *lr, *weight_decay;
    char text[64]; /* for the table: "lr x 0.1"; "": nothing */
} tn_rule;

typedef struct tn_graph_param {
    char name[128];     /* "dense.weight" */
    tn_param_spec spec; /* without its names, which were the plugin's */
    char torch[TN_MAX_TORCH][TN_TORCH_NAME]; /* of spec.torch; "": none */
    int32_t node;
    int32_t owner;   /* -1: the node; else the parameter whose parametrization it is of */
    tn_tensor value; /* host order: rank as in spec.shape, contiguous */
    tn_ref init;     /* NULL: filled */
    tn_instance *made_init;    /* one that `init: auto` made: the parameter's own */
    tn_instance *regularizer;  /* the first of a list; borrowed; NULL: none */
    char init_text[96];        /* for the table: "he (auto: relu)" */
    char regularizer_text[96]; /* "l2, max_norm"; "": none */
    bool decays;               /* weight */
    bool given;                /* its first value comes from a file: it is not drawn */
    tn_rule rule;
    tn_packed packed;
    /* Of a parametrized weight, whose value is the raw one. */
    const tn_instance *parametrization; /* NULL: the value is what the layer uses */
    tn_shape raw;                       /* (out, the rest) */
    tn_node parametrized;   /* spec of the parametrization; in points to raw */
    int32_t first_own, own; /* its parameters, and its states */
    int32_t first_own_state, own_states;
} tn_graph_param;

typedef struct tn_graph_state {
    char name[128];
    int32_t node;
    bool given; /* as of a parameter */
    tn_tensor value;
    double fill;  /* what it begins with */
    bool carried; /* from batch to batch of one epoch */
} tn_graph_state;

typedef struct tn_graph {
    tn_env *env;
    int32_t real;
    int32_t inputs, nodes, params, states;
    tn_graph_node *node;
    tn_graph_param *param;
    tn_graph_state *state;
    uint64_t seed;
    int64_t budget; /* bytes that further parameters and states may take */
    tn_instance *init, *regularizer; /* the model's defaults; NULL: auto, none */
    int32_t blocks, instances, names, name_room;
    tn_instance **block;    /* expanded; their nodes use what they read from the config */
    tn_instance **instance; /* with dials or numbers of use in training; borrowed */
    tn_graph_name *name;
    atomic_ullong version;   /* of weights, states and dials: see tn_graph_changed */
    atomic_bool handed_out;  /* a program may write to them at any time: no copies */
    pthread_mutex_t packing; /* of packed */
} tn_graph;

/* From `model:` (a list), `init:`, `regularizer:` of the config's root, with parameters of zeros,
 * which are read or drawn next. A network whose parameters and states take more bytes than `most`
 * is refused. */
tn_status tn_graph_build(tn_env *, const tn_cfg *root, const tn_inputs *, int32_t real,
                         uint64_t seed, int64_t most, tn_graph **, tn_error *);
/* Whether all layers and inputs are read: in a new network nobody means to give what has no effect. */
tn_status tn_graph_check_read(const tn_graph *, const tn_cfg *root, tn_error *);
/* The same with one input, and with first values. */
tn_status tn_graph_new(tn_env *, const tn_cfg *root, const tn_shape *input, int32_t real,
                       uint64_t seed, int64_t most, tn_graph **, tn_error *);
/* First values of all parameters that are not given, and of what parametrizations have. */
tn_status tn_graph_draw(tn_graph *, tn_error *);
void tn_graph_free(tn_graph *);

/* Data-driven initializers (calibrate) on a first batch, an array for each input; nothing if there
 * is none. */
tn_status tn_graph_calibrate(tn_graph *, const void *const *x, int64_t samples,
                             tn_error *);

/* Sets the dials of layers, parametrizations and regularizers; the end of an epoch for their
 * schedules; all instances with numbers to keep. */
void tn_graph_tick(tn_graph *, const tn_clock *);
void tn_graph_epoch(tn_graph *, const tn_clock *, const tn_event *);
void tn_graph_walk(tn_graph *, void (*visit)(void *, tn_instance *), void *);

/* An epoch begins: states that are carried through one begin anew. */
void tn_graph_forget(tn_graph *);
/* Bytes of those states; copies them out, or back. */
size_t tn_graph_carried_size(const tn_graph *);
void tn_graph_carried_copy(tn_graph *, void *bytes, bool back);

/* Weights, states or dials have changed: packed copies and folds are out of date. */
void tn_graph_changed(tn_graph *);

/* Whether batches of so many samples can be trained on. */
tn_status tn_graph_check_batch(const tn_graph *, int64_t samples, tn_error *);

tn_inputs tn_graph_inputs(const tn_graph *);
/* An error for calls that hand over one array, where there are several inputs. */
tn_status tn_graph_has_one(const tn_graph *, const char *call, tn_error *);
const tn_shape *tn_graph_output(const tn_graph *);
/* The node that makes what comes out, in whatever shape. */
const tn_graph_node *tn_graph_origin(const tn_graph *);

/* Behind a flattened image of several positions, features stand position by position here and
 * channel by channel in frameworks that keep channels first. The number of channels for the features
 * of each node; 0: there is one order; -1: they are a mixture that nobody knows the order of. */
void tn_graph_channels(const tn_graph *, int64_t *channels);
/* Whether name is `stem` itself or something in it; the same of the pattern of a shell. */
bool tn_name_within(const char *name, const char *stem);
bool tn_name_fits(const char *name, const char *pattern);
/* The parameter, or layer that has any, that `word` was meant to name; NULL: none is near. */
const char *tn_graph_meant(const tn_graph *, const char *word);

/* Whether a config freezes the parameter of that name. */
bool tn_rules_freeze(const tn_cfg *root, const char *name);

/* The axis of a parameter that runs along the features of its node's input; -1: none. */
int32_t tn_graph_feature_axis(const tn_graph_param *);
/* Likewise of a state. */
int32_t tn_graph_state_axis(const tn_graph *, const tn_graph_state *);

#endif
