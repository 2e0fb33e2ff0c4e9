/* config_copy.c - a config of one's own: nodes, texts and places. The names of files are shared
 * between neighbouring nodes, as they are in what is copied. */
#include <string.h>

#include "core/config_tree.h"
#include "core/model.h"

typedef struct copier {
    tn_tree *tree;
    const char *from, *to; /* the file name copied last */
} copier;

static const char *copy_file(copier *c, const char *file, tn_error *e)
{
    if (!file || file == c->from) return file ? c->to : NULL;
    c->from = file;
    c->to = tn_tree_text(c->tree, file, strlen(file), e);
    return c->to;
}

static tn_cfg *copy_node(copier *c, const tn_cfg *from, tn_error *e)
{
    const char *file = copy_file(c, from->file, e);
    tn_cfg *node = file || !from->file ? tn_tree_node(c->tree, from->type, file, e)
                                       : NULL;
    if (!node) return NULL;
    node->quoted = from->quoted;
    node->line = from->line, node->column = from->column;
    node->text = tn_tree_text(c->tree, from->text, strlen(from->text), e);
    if (from->key) node->key = tn_tree_text(c->tree, from->key, strlen(from->key), e);
    if (!node->text || (from->key && !node->key)) return NULL;
    for (int32_t i = 0; i < from->count; i++) {
        tn_cfg *item = copy_node(c, from->item[i], e);
        if (!item || tn_tree_append(c->tree, node, item, e)) return NULL;
    }
    return node;
}

tn_config *tn_config_copy(tn_env *env, const tn_config *from, tn_error *e)
{
    tn_config *config = tn_memory_get(&env->memory, sizeof *config, e);
    copier c = {.tree = tn_tree_new(&env->memory, e)};
    if (config && c.tree) {
        config->env = env;
        config->blocks = c.tree;
        config->root = copy_node(&c, from->root, e);
        if (config->root) return config;
    }
    tn_tree_free(c.tree);
    tn_memory_put(&env->memory, config);
    return NULL;
}
