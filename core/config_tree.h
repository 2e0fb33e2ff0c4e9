/* config_tree.h - what a config's tree lives in, for the config*.c files.
 *
 * Nodes, texts and lists of items lie in blocks that are freed together with the tree.
 * Only tn_tree_append adds to a parent. */
#ifndef CORE_CONFIG_TREE_H
#define CORE_CONFIG_TREE_H

#include "core/arena.h"
#include "core/config.h"

enum {
    TN_CFG_DEPTH = 64,
    TN_CFG_NODES = 100000,
    TN_CFG_ANCHORS = 1000,
    TN_CFG_KEY = 128, /* bytes */
    TN_CFG_BYTES = 16 << 20
};

typedef struct tn_tree {
    tn_arena arena;
    int32_t nodes;
} tn_tree;

tn_tree *tn_tree_new(tn_memory *, tn_error *);
void tn_tree_free(tn_tree *);

/* size bytes of text and a zero behind them. */
char *tn_tree_text(tn_tree *, const char *text, size_t size, tn_error *);
tn_cfg *tn_tree_node(tn_tree *, tn_cfg_type, const char *file, tn_error *);
tn_status tn_tree_append(tn_tree *, tn_cfg *parent, tn_cfg *item, tn_error *);
/* A deep copy; texts are shared. */
tn_cfg *tn_tree_copy(tn_tree *, const tn_cfg *, tn_error *);
/* Levels of lists and maps: 0 for a scalar. */
int32_t tn_tree_depth(const tn_cfg *);

/* Parses one YAML document of any type into the tree; NULL on error. Without places
 * nodes and messages have no line and column: `file` says it all. */
tn_cfg *tn_tree_parse(tn_tree *, const char *text, size_t size, const char *file,
                      bool places, tn_error *);

#endif
