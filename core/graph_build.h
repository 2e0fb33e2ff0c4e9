/* graph_build.h - what the files that build a graph call in each other. */
#ifndef CORE_GRAPH_BUILD_H
#define CORE_GRAPH_BUILD_H

#include "core/graph.h"
#include "core/real/unit.h"

/* A graph being built: where a layer's infer declares what it has. */
typedef struct tn_setup {
    tn_graph *graph;
    int32_t node;
    int32_t
        owner; /* parameter whose parametrization declares; -1: the node's layer does */
} tn_setup;

/* What is around a list of layers. */
typedef struct tn_around {
    const tn_instance *block; /* NULL: the model itself */
    const char *prefix;       /* before the names of its nodes: "residual." */
    int32_t depth;            /* blocks around it */
} tn_around;

/* Host slots param and state (infer only). */
tn_status tn_graph_declare_param(tn_calling *, const tn_param_spec *);
tn_status tn_graph_declare_state(tn_calling *, const char *name, const tn_shape *,
                                 double fill);
/* Sets n elements from `first` on. */
void tn_graph_fill(tn_tensor *, int64_t first, int64_t n, double value);

/* Adds all nodes of a list behind node `input` (-1: the first layer must name what it reads); *last is the number of the last one. */
tn_status tn_graph_add_list(tn_graph *, const tn_cfg *list, const tn_around *,
                            int32_t input, int32_t *last, tn_error *);

/* The node of that name, or the output of the block; -1: there is none. */
int32_t tn_graph_find(const tn_graph *, const char *name);
/* The nearest name of a node or block; NULL: none is near. */
const char *tn_graph_nearest(const tn_graph *, const char *name);
/* Takes stem + tail, or the first of stem_2 + tail, ... that is free, for `node` (-1: a prefix).
 * Longer names than fit are cut: the caller sees to it that they do. */
tn_status tn_graph_take_name(tn_graph *, const char *stem, const char *tail, int32_t node,
                             char name[TN_NODE_NAME], tn_error *);
uint64_t tn_graph_hash(const char *name);

/* Whether the shapes that infer left are what the layer's kernels rely on. */
tn_status tn_graph_check_shapes(const tn_instance *layer, const tn_layer_facts *,
                                const tn_node *, const tn_graph_param *, int32_t params,
                                tn_error *);

/* Chooses parametrizations, initializers and regularizers of all parameters. */
tn_status tn_graph_equip(tn_graph *, const tn_cfg *root, tn_error *);
/* The section `parameters`: what it says of each. */
tn_status tn_graph_read_rules(tn_graph *, const tn_cfg *root, tn_error *);
/* What the initializer of parameter i is told. */
tn_param_info tn_graph_param_info(const tn_graph *, int32_t param);
/* Puts place and name of the parameter in front of what its initializer reported; nothing on
 * TN_OK. */
tn_status tn_graph_blame_init(const tn_graph *, int32_t param, tn_status, tn_error *);

/* Makes room for one more item of an array that grows by doubling. */
tn_status tn_graph_room(tn_graph *, void **array, int32_t count, size_t size, tn_error *);

#endif
