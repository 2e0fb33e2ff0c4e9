/* arena.h - pieces of memory that live and die together.
 *
 * Pieces are cut from slabs; one that is larger than a slab gets a slab of its own. Under
 * AddressSanitizer every piece does, so that it sees a step from one into the next. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/memory.h"

typedef struct tn_arena {
    tn_memory *memory;
    size_t slab, align; /* bytes of a slab; of a piece, a power of two up to 64 */
    struct tn_slab *newest;
} tn_arena;

/* Zeroed, aligned; count * size is checked for overflow. NULL: out of memory. */
void *tn_arena_get(tn_arena *, size_t count, size_t size, tn_error *);
/* Whether pieces are cut from slabs. */
bool tn_arena_cuts(void);
/* Gives back all pieces; the arena is empty and may be used again. */
void tn_arena_clear(tn_arena *);

#endif
