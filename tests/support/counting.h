/* counting.h - what this process asks the C library for: blocks of memory, by any thread, and
 * locks, by this thread and by others. For one suite's own file: it defines malloc and its kin. */
#ifndef TESTS_SUPPORT_COUNTING_H
#define TESTS_SUPPORT_COUNTING_H

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_llong counted_blocks, counted_locks;
static _Thread_local long long own_locks;

/* ---- memory -------------------------------------------------------------------------- */

#ifdef __has_feature
#define COUNTING_FEATURE(name) __has_feature(name)
#else
#define COUNTING_FEATURE(name) 0
#endif
#if defined __SANITIZE_THREAD__ || COUNTING_FEATURE(thread_sanitizer)
#define COUNTS_LOCKS 0 /* the sanitizer has to see them itself */
#else
#define COUNTS_LOCKS 1
#endif

#if defined __SANITIZE_ADDRESS__ || COUNTING_FEATURE(address_sanitizer) || !COUNTS_LOCKS
/* The sanitizer's allocator is in the place of the library's; it tells. */
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
                                              void (*)(const volatile void *));

static void count_block(const volatile void *block, size_t size)
{
    (void)block, (void)size;
    atomic_fetch_add(&counted_blocks, 1);
}

static void forget_block(const volatile void *block)
{
    (void)block;
}

__attribute__((constructor)) static void count_blocks(void)
{
    __sanitizer_install_malloc_and_free_hooks(count_block, forget_block);
}
#else
/* In glibc these are malloc and its kin under names that nobody replaces. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size)
{
    atomic_fetch_add(&counted_blocks, 1);
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    atomic_fetch_add(&counted_blocks, 1);
    return __libc_calloc(n, size);
}

void *realloc(void *block, size_t size)
{
    atomic_fetch_add(&counted_blocks, 1);
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    atomic_fetch_add(&counted_blocks, 1);
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    return aligned_alloc(alignment, size);
}

int posix_memalign(void **to, size_t alignment, size_t size)
{
    *to = aligned_alloc(alignment, size);
    return *to ? 0 : ENOMEM;
}
#endif

/* ---- locks --------------------------------------------------------------------------- */

#if COUNTS_LOCKS
#define COUNT_LOCK(name, type)                                \
    int name(type *lock)                                      \
    {                                                         \
        static int (*real)(type *);                           \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name); \
        own_locks++;                                          \
        atomic_fetch_add(&counted_locks, 1);                  \
        return real(lock);                                    \
    }
COUNT_LOCK(pthread_mutex_lock, pthread_mutex_t)
COUNT_LOCK(pthread_mutex_trylock, pthread_mutex_t)
COUNT_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
COUNT_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
#endif

typedef struct counts {
    long long blocks, own_locks, other_locks;
} counts;

__attribute__((unused)) static counts count_now(void)
{
    return (counts){atomic_load(&counted_blocks), own_locks,
                    atomic_load(&counted_locks) - own_locks};
}

__attribute__((unused)) static counts count_since(counts before)
{
    const counts now = count_now();
    return (counts){now.blocks - before.blocks, now.own_locks - before.own_locks,
                    now.other_locks - before.other_locks};
}

#endif
