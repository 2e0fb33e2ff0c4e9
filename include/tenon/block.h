/* block.h - the kind that expands options and input shapes into a subgraph.
 * Include it after plugin.h. */
#ifndef TENON_BLOCK_H
#define TENON_BLOCK_H

#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif

/* A block's hands. Nodes are numbers; -1 after an error, which the host remembers: expand returns
 * any status then. Layers added here that have no init, regularizer or parametrization of their
 * own get those that the config gives the block. */
typedef struct tn_builder tn_builder;
struct tn_builder {
    /* A node of layer (or block) `name`; `options` is YAML flow text such as
     * "{units: 10, bias: false}" or NULL. */
    int32_t (*add)(tn_builder *, tn_call *, const char *name, const char *options,
                   int32_t inputs, const int32_t *input);
    /* All nodes of a GRAPH option, or of an item of a GRAPHS option, behind `input`; the last
     * one's number. */
    int32_t (*add_graph)(tn_builder *, tn_call *, tn_graph_ref, int32_t input);
    /* Valid until the next add or add_graph: copy what is needed longer. NULL: no such node. */
    const tn_shape *(*shape)(tn_builder *, int32_t node);
};

/* block: expands into nodes; returns the number of its output through *out. [setup] */
typedef struct tn_block {
    TN_HEAD
    tn_status (*expand)(const void *self, tn_call *, tn_builder *, int32_t inputs,
                        const int32_t *input, int32_t *out);
} tn_block;

#endif
