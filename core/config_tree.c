/* config_tree.c - nodes in blocks. A parent's item array doubles when its count is a
 * power of two, so the arrays left behind are never larger than the one in use. */
#include "core/config_tree.h"

#include <string.h>

enum { SLAB_BYTES = 16 << 10, ALIGN = 16 };

tn_tree *tn_tree_new(tn_memory *m, tn_error *e)
{
    tn_tree *t = tn_memory_get(m, sizeof *t, e);
    if (t) t->arena = (tn_arena){.memory = m, .slab = SLAB_BYTES, .align = ALIGN};
    return t;
}

void tn_tree_free(tn_tree *t)
{
    if (!t) return;
    tn_memory *m = t->arena.memory;
    tn_arena_clear(&t->arena);
    tn_memory_put(m, t);
}

char *tn_tree_text(tn_tree *t, const char *text, size_t size, tn_error *e)
{
    char *copy = tn_arena_get(&t->arena, 1, size + 1, e);
    if (copy && size) memcpy(copy, text, size);
    return copy;
}

tn_cfg *tn_tree_node(tn_tree *t, tn_cfg_type type, const char *file, tn_error *e)
{
    if (t->nodes >= TN_CFG_NODES) {
        tn_error_set(e, TN_EINVAL,
                     "more than %d values, aliases counted as often as they are "
                     "used",
                     TN_CFG_NODES);
        return NULL;
    }
    tn_cfg *node = tn_arena_get(&t->arena, 1, sizeof *node, e);
    if (!node) return NULL;
    t->nodes++;
    node->type = type;
    node->text = "";
    node->file = file;
    return node;
}

tn_status tn_tree_append(tn_tree *t, tn_cfg *parent, tn_cfg *item, tn_error *e)
{
    const size_t count = (size_t)parent->count;
    if (!(count & (count - 1))) {
        tn_cfg **grown = tn_arena_get(&t->arena, 1,
                                      (count ? 2 * count : 1) * sizeof *grown, e);
        if (!grown) return TN_ENOMEM;
        if (count) memcpy(grown, parent->item, count * sizeof *grown);
        parent->item = grown;
    }
    parent->item[parent->count++] = item;
    return TN_OK;
}

tn_cfg *tn_tree_copy(tn_tree *t, const tn_cfg *from, tn_error *e)
{
    tn_cfg *node = tn_tree_node(t, from->type, from->file, e);
    if (!node) return NULL;
    *node = *from;
    node->count = 0;
    for (int32_t i = 0; i < from->count; i++) {
        tn_cfg *item = tn_tree_copy(t, from->item[i], e);
        if (!item || tn_tree_append(t, node, item, e)) return NULL;
    }
    return node;
}

int32_t tn_tree_depth(const tn_cfg *cfg)
{
    int32_t deepest = 0;
    if (cfg->type == TN_CFG_SCALAR) return 0;
    for (int32_t i = 0; i < cfg->count; i++) {
        const int32_t depth = tn_tree_depth(cfg->item[i]);
        if (depth > deepest) deepest = depth;
    }
    return deepest + 1;
}
