/* memory.c - the one allocator, and sizes that cannot overflow.
 *
 * A block lies 64 bytes behind a header that remembers its size, so that used is exact
 * and every block starts on a cache line. Memory fresh from the system is zero already, so
 * large blocks cost nothing until they are used. */
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGNMENT = 64, LARGE = 4 << 20 };

typedef union header {
    struct {
        size_t bytes;
        void *start; /* what the C library gave */
    };
    char line[ALIGNMENT];
} header;

/* "12.5 MiB" */
static void amount(size_t bytes, char *text, size_t size)
{
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int u = 0;
    size_t tenths = 0;
    while (bytes >= 1024) tenths = bytes % 1024 * 10 / 1024, bytes /= 1024, u++;
    if (u)
        snprintf(text, size, "%zu.%zu %s", bytes, tenths, unit[u]);
    else
        snprintf(text, size, "%zu %s", bytes, unit[u]);
}

static tn_status no_room(tn_memory *m, size_t bytes, bool limited, tn_error *e)
{
    char asked[32], used[32], limit[32];
    amount(bytes, asked, sizeof asked);
    amount(atomic_load(&m->used), used, sizeof used);
    amount(m->limit, limit, sizeof limit);
    if (limited)
        return tn_error_set(e, TN_ENOMEM,
                            "memory: %s more do not fit, %s of %s are in use; "
                            "raise --max-memory or make batch or model smaller",
                            asked, used, limit);
    return tn_error_set(e, TN_ENOMEM,
                        "memory: the system has no %s more, %s are in use; make "
                        "batch or model smaller",
                        asked, used);
}

/* Adds to used if the limit allows it. */
static bool reserve(tn_memory *m, size_t bytes)
{
    size_t used = atomic_load(&m->used);
    do {
        if (bytes > SIZE_MAX - used) return false;
        if (m->limit && used + bytes > m->limit) return false;
    } while (!atomic_compare_exchange_weak(&m->used, &used, used + bytes));
    size_t peak = atomic_load(&m->peak);
    while (peak < used + bytes &&
           !atomic_compare_exchange_weak(&m->peak, &peak, used + bytes)) {
    }
    return true;
}

/* Large blocks on large pages: a twentieth of the faults, and addresses that a processor finds
 * without a walk. The system may say no. */
static void ask_for_large_pages(char *start, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t skip = (page - (uintptr_t)start % page) % page;
    if (size >= LARGE)
        (void)madvise(start + skip, (size - skip) / page * page, MADV_HUGEPAGE);
}

void *tn_memory_get(tn_memory *m, size_t bytes, tn_error *e)
{
    atomic_fetch_add(&m->calls, 1);
    if (!reserve(m, bytes)) return (void)no_room(m, bytes, m->limit != 0, e), NULL;
    /* an empty block has a byte, so that its address points into it: leak checkers ask */
    const size_t more = ALIGNMENT - 1 + sizeof(header) + (bytes == 0);
    char *start = bytes > PTRDIFF_MAX - more ? NULL : calloc(1, more + bytes);
    if (!start) {
        atomic_fetch_sub(&m->used, bytes);
        no_room(m, bytes, false, e);
        return NULL;
    }
    ask_for_large_pages(start, more + bytes);
    header *h = (header *)(start +
                           (ALIGNMENT - (uintptr_t)start % ALIGNMENT) % ALIGNMENT);
    h->start = start;
    h->bytes = bytes;
    return h + 1;
}

void *tn_memory_array(tn_memory *m, size_t count, size_t size, tn_error *e)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        tn_error_set(e, TN_ENOMEM,
                     "memory: %zu elements of %zu bytes are more than there can be",
                     count, size);
        return NULL;
    }
    return tn_memory_get(m, bytes, e);
}

void *tn_memory_grow(tn_memory *m, void *block, size_t bytes, tn_error *e)
{
    if (!block) return tn_memory_get(m, bytes, e);
    const size_t old = ((header *)block - 1)->bytes;
    if (bytes <= old) return block;
    void *grown = tn_memory_get(m, bytes, e);
    if (!grown) return NULL;
    memcpy(grown, block, old);
    tn_memory_put(m, block);
    return grown;
}

char *tn_memory_text(tn_memory *m, const char *text, tn_error *e)
{
    const size_t size = strlen(text) + 1;
    char *copy = tn_memory_get(m, size, e);
    if (copy) memcpy(copy, text, size);
    return copy;
}

void tn_memory_put(tn_memory *m, void *block)
{
    if (!block) return;
    header *h = (header *)block - 1;
    atomic_fetch_sub(&m->used, h->bytes);
    free(h->start);
}

bool tn_size_mul(int64_t a, int64_t b, int64_t *out)
{
    int64_t product;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) return false;
    *out = product;
    return true;
}

bool tn_size_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) return false;
    *out = sum;
    return true;
}

bool tn_shape_size(const tn_shape *s, int64_t *out)
{
    if (s->rank < 0 || s->rank > TN_MAX_RANK) return false;
    int64_t n = 1;
    for (int32_t i = 0; i < s->rank; i++)
        if (s->dim[i] < 1 || !tn_size_mul(n, s->dim[i], &n)) return false;
    *out = n;
    return true;
}

bool tn_shape_same(const tn_shape *a, const tn_shape *b)
{
    bool same = a->rank == b->rank;
    for (int32_t i = 0; same && i < a->rank; i++) same = a->dim[i] == b->dim[i];
    return same;
}

void tn_shape_text(const tn_shape *s, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "(");
    for (int32_t i = 0; i < s->rank && i < TN_MAX_RANK && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? ", " : "",
                                 (long long)s->dim[i]);
    if (used < size) snprintf(text + used, size - used, ")");
}
