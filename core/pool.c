/* pool.c - see pool.h. A list of links; the newest first. */
#include "core/pool.h"

#include <stdio.h>
#include <string.h>

typedef struct link {
    struct link *next;
    void *block;
    tn_config *document;
} link_of;

struct tn_pool {
    tn_memory *memory;
    link_of *first;
};

tn_pool *tn_pool_new(tn_memory *m, tn_error *e)
{
    tn_pool *pool = tn_memory_get(m, sizeof *pool, e);
    if (pool) pool->memory = m;
    return pool;
}

void tn_pool_free(tn_pool *pool)
{
    if (!pool) return;
    tn_memory *m = pool->memory;
    while (pool->first) {
        link_of *link = pool->first;
        pool->first = link->next;
        tn_config_free(link->document);
        tn_memory_put(m, link->block);
        tn_memory_put(m, link);
    }
    tn_memory_put(m, pool);
}

static link_of *add_link(tn_pool *pool, tn_error *e)
{
    link_of *link = tn_memory_get(pool->memory, sizeof *link, e);
    if (!link) return NULL;
    link->next = pool->first;
    return pool->first = link;
}

void *tn_pool_get(tn_pool *pool, size_t count, size_t size, tn_error *e)
{
    link_of *link = add_link(pool, e);
    if (!link) return NULL;
    return link->block = tn_memory_array(pool->memory, count, size, e);
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
    char *document = tn_memory_get(pool->memory, room, e);
    link_of *link = document ? add_link(pool, e) : NULL;
    if (link) {
        snprintf(document, room, "{%s: %s}", key, text);
        link->document = tn_config_read(pool->memory, document, strlen(document), name,
                                        e);
    }
    tn_memory_put(pool->memory, document);
    if (!link || !link->document) return NULL;
    const tn_cfg *root = link->document->root;
    if (root->count == 1) return root->item[0];
    tn_error_set(e, TN_EINVAL, "%s: '%s' is not one value", name, text);
    return NULL;
}
