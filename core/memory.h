/* memory.h - the one allocator: 64-byte aligned, zeroed, counted, limited.
 *
 * Invariant: used is the sum of the sizes of all live blocks; calls only grows. Both
 * are atomic, so blocks may come and go on any thread. Every block remembers its size
 * in a 64-byte header. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stdatomic.h>

#include "core/error.h"

typedef struct tn_memory {
    atomic_size_t used, peak;
    size_t limit; /* 0: none */
    atomic_llong calls;
} tn_memory;

/* Zeroed; NULL and TN_ENOMEM with a message when past the limit or out of memory. 0
 * bytes is a valid block. */
void *tn_memory_get(tn_memory *, size_t bytes, tn_error *);
/* count * size, checked for overflow. */
void *tn_memory_array(tn_memory *, size_t count, size_t size, tn_error *);
/* Grows a block (contents kept, the new part zeroed); the old block stays valid on
 * failure. */
void *tn_memory_grow(tn_memory *, void *block, size_t bytes, tn_error *);
char *tn_memory_text(tn_memory *, const char *text, tn_error *);
void tn_memory_put(tn_memory *, void *block); /* NULL: nothing happens */

/* a * b and a + b, false on overflow (or a negative operand). */
bool tn_size_mul(int64_t a, int64_t b, int64_t *out);
bool tn_size_add(int64_t a, int64_t b, int64_t *out);
/* Elements of a shape, false on overflow or an axis < 1. */
bool tn_shape_size(const tn_shape *, int64_t *out);
bool tn_shape_same(const tn_shape *, const tn_shape *);
/* "(28, 28, 1)" */
void tn_shape_text(const tn_shape *, char *text, size_t size);

#endif
