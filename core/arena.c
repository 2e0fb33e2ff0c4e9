/* arena.c - see arena.h. Slabs are linked, the newest first; only the newest has room. */
#include "core/arena.h"

#if defined __SANITIZE_ADDRESS__
#define SLABS 0
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SLABS 0
#endif
#endif
#ifndef SLABS
#define SLABS 1
#endif

typedef struct tn_slab {
    struct tn_slab *older;
    size_t used, size;
    _Alignas(64) char bytes[];
} tn_slab;

static tn_slab *add_slab(tn_arena *a, size_t bytes, tn_error *e)
{
    const size_t size = SLABS && bytes < a->slab ? a->slab : bytes;
    if (size > SIZE_MAX - sizeof(tn_slab)) {
        tn_error_set(e, TN_ENOMEM, "out of memory: %zu bytes are too many", bytes);
        return NULL;
    }
    tn_slab *slab = tn_memory_get(a->memory, sizeof *slab + size, e);
    if (!slab) return NULL;
    slab->size = size;
    slab->older = a->newest;
    return a->newest = slab;
}

void *tn_arena_get(tn_arena *a, size_t count, size_t size, tn_error *e)
{
    if (size && count > (SIZE_MAX - a->align) / size) {
        tn_error_set(e, TN_ENOMEM, "out of memory: %zu x %zu bytes are too many", count,
                     size);
        return NULL;
    }
    const size_t bytes = (count * size + a->align - 1) & ~(a->align - 1);
    tn_slab *slab = a->newest;
    if (!SLABS || !slab || slab->size - slab->used < bytes) slab = add_slab(a, bytes, e);
    if (!slab) return NULL;
    slab->used += bytes;
    return slab->bytes + slab->used - bytes;
}

bool tn_arena_cuts(void)
{
    return SLABS;
}

void tn_arena_clear(tn_arena *a)
{
    while (a->newest) {
        tn_slab *older = a->newest->older;
        tn_memory_put(a->memory, a->newest);
        a->newest = older;
    }
}
