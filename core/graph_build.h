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

/* Host slots param and state (infer only). */
tn_status tn_graph_declare_param(tn_calling *, const tn_param_spec *);
tn_status tn_graph_declare_state(tn_calling *, const char *name, const tn_shape *,
                                 double fill);

/* Adds all nodes of a list behind node `input`; *last is the number of the last one. `prefix`
 * stands before their names ("residual."). */
tn_status tn_graph_add_list(tn_graph *, const tn_cfg *list, const char *prefix,
                            int32_t input, int32_t depth, int32_t *last, tn_error *);

/* Chooses initializers and regularizers, and draws all parameters. */
tn_status tn_graph_fill(tn_graph *, const tn_cfg *root, tn_error *);
/* The initializer of parameter i fills it. */
tn_param_info tn_graph_param_info(const tn_graph *, int32_t param);

/* Makes room for one more item of an array that grows by doubling. */
tn_status tn_graph_room(tn_graph *, void **array, int32_t count, size_t size, tn_error *);

#endif
