/* pool.c - see pool.h. */
#include "core/pool.h"

#include "core/arena.h"

#include <stdio.h>
#include <string.h>

enum { SLAB_BYTES = 1024, ALIGN = 16 };

typedef struct kept {
    struct kept *next;
    tn_config *document;
} kept;

struct tn_pool {
    tn_arena arena;
    kept *first; /* the newest document */
};

tn_pool *tn_pool_new(tn_memory *m, tn_error *e)
{
    tn_pool *pool = tn_memory_get(m, sizeof *pool, e);
    if (pool) pool->arena = (tn_arena){.memory = m, .slab = SLAB_BYTES, .align = ALIGN};
    return pool;
}

void tn_pool_free(tn_pool *pool)
{
    if (!pool) return;
    tn_memory *m = pool->arena.memory;
    for (kept *k = pool->first; k; k = k->next) tn_config_free(k->document);
    tn_arena_clear(&pool->arena);
    tn_memory_put(m, pool);
}

void *tn_pool_get(tn_pool *pool, size_t count, size_t size, tn_error *e)
{
    return tn_arena_get(&pool->arena, count, size, e);
}

char *tn_pool_text(tn_pool *pool, const char *text, tn_error *e)
{
    const size_t size = strlen(text) + 1;
    char *copy = tn_pool_get(pool, size, 1, e);
    if (copy) memcpy(copy, text, size);
    return copy;
}

const tn_cfg *tn_pool_read(tn_pool *pool, const char *key, const char *text,
                           const char *name, tn_error *e)
{
    const size_t room = strlen(key) + strlen(text) + sizeof "{: }";
    char *document = tn_memory_get(pool->arena.memory, room, e);
    kept *k = document ? tn_pool_get(pool, 1, sizeof *k, e) : NULL;
    if (k) {
        snprintf(document, room, "{%s: %s}", key, text);
        k->document = tn_config_read(pool->arena.memory, document, strlen(document), name,
                                     e);
        k->next = pool->first;
        pool->first = k;
    }
    tn_memory_put(pool->arena.memory, document);
    if (!k || !k->document) return NULL;
    const tn_cfg *root = k->document->root;
    if (root->count == 1) return root->item[0];
    tn_error_set(e, TN_EINVAL, "%s: '%s' is not one value", name, text);
    return NULL;
}
