/* pool.h - blocks and documents that are given back together. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/config.h"

typedef struct tn_pool tn_pool;

tn_pool *tn_pool_new(tn_memory *, tn_error *);
void tn_pool_free(tn_pool *); /* NULL: nothing happens */
/* count * size bytes, zeroed. */
void *tn_pool_get(tn_pool *, size_t count, size_t size, tn_error *);
char *tn_pool_text(tn_pool *, const char *text, tn_error *);
/* Reads `text`, a YAML value in flow style, as the value of a map's only key; the pool
 * keeps the document. `name` stands for the file in messages. */
const tn_cfg *tn_pool_read(tn_pool *, const char *key, const char *text, const char *name,
                           tn_error *);

#endif
