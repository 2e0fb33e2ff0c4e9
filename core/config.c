/* config.c - configs as the library's users meet them: from a file or a text, with
 * overrides. What the tree lives in goes with the config. */
#include <string.h>

#include "core/config_tree.h"
#include "core/env.h"
#include "core/file.h"

static tn_status read_root(tn_config *config, const char *text, size_t size,
                           const char *file, tn_error *e)
{
    tn_cfg *root = tn_tree_parse(config->blocks, text, size, file, true, e);
    if (!root) return TN_EINVAL;
    if (tn_cfg_null(root)) root->type = TN_CFG_MAP, root->text = "";
    if (root->type != TN_CFG_MAP)
        return tn_cfg_error(root, e, TN_EINVAL,
                            "expected a map ('model: ...' and so on), got %s",
                            root->type == TN_CFG_LIST ? "a list" : "a single value");
    config->root = root;
    return TN_OK;
}

tn_config *tn_config_read(tn_memory *m, const char *text, size_t size, const char *file,
                          tn_error *e)
{
    tn_config *config = tn_memory_get(m, sizeof *config, e);
    if (!config) return NULL;
    config->blocks = tn_tree_new(m, e);
    if (config->blocks && !read_root(config, text, size, file, e)) return config;
    tn_tree_free(config->blocks);
    tn_memory_put(m, config);
    return NULL;
}

static tn_config *with_sets(tn_env *env, tn_config *config, const char *const *sets,
                            int32_t count, tn_error *e)
{
    if (!config) return NULL;
    config->env = env;
    for (int32_t i = 0; i < count; i++) {
        if (!tn_config_set(config, sets[i], e)) continue;
        tn_config_free(config);
        return NULL;
    }
    return config;
}

tn_config *tn_config_load(tn_env *env, const char *path, const char *const *sets,
                          int32_t set_count, tn_error *e)
{
    void *text;
    size_t size;
    if (tn_file_read(&env->memory, path, TN_CFG_BYTES, &text, &size, e)) return NULL;
    tn_config *config = tn_config_read(&env->memory, text, size, path, e);
    tn_memory_put(&env->memory, text);
    return with_sets(env, config, sets, set_count, e);
}

tn_config *tn_config_parse(tn_env *env, const char *text, const char *name,
                           const char *const *sets, int32_t set_count, tn_error *e)
{
    tn_config *config = tn_config_read(&env->memory, text, strlen(text), name, e);
    return with_sets(env, config, sets, set_count, e);
}

void tn_config_free(tn_config *config)
{
    if (!config) return;
    tn_tree *tree = config->blocks;
    tn_memory *memory = tree->arena.memory;
    tn_tree_free(tree);
    tn_memory_put(memory, config);
}
