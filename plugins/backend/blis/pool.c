/* pool.c - see pool.h. Threads wait for work by spinning for a moment, as the parts of a step
 * follow each other closely, then asleep in the kernel.
 *
 * Invariant: the fields of a work change only while it is closed and nobody is inside. Who
 * enters does so by one atomic operation that fails once it is closed. */
#include "pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINE 64     /* bytes; what different threads write lies on lines apart */
#define SHARES 64   /* hand-outs of work per thread, at most */
#define SPINS 20000 /* before a thread sleeps: about half a millisecond */
#define OPEN (1ULL << 31)
#define NUMBER(state) ((uint32_t)((state) >> 32))
#define INSIDE(state) ((uint32_t)(state) & ~(uint32_t)OPEN)

/* What a worker begins with: neighbours, as those of the work before and the next lie in its own
 * cache. Others help with what is left of it. */
typedef struct range {
    _Alignas(LINE) atomic_int_least64_t next;
    int64_t end;
} range;

typedef struct member {
    tn_blis_pool *pool;
    int32_t worker;
    pthread_t thread;
} member;

struct tn_blis_pool {
    /* The work. */
    void (*body)(void *data, int64_t i, int32_t worker);
    void *data;
    int64_t share;
    unsigned mode; /* how its caller rounds */
    range *range;  /* of each worker */
    /* Its number (upper half), whether it is open, and how many threads are inside. */
    _Alignas(LINE) atomic_uint_least64_t state;
    _Alignas(LINE) atomic_uint number; /* of the last work, or of the end */
    atomic_int sleepers;
    atomic_bool ends;
    _Alignas(LINE) atomic_flag taken; /* by a caller */
    int32_t threads, started;
    pid_t process; /* whose threads they are: a fork has none */
    member member[];
};

static _Thread_local int32_t here; /* this thread's number in the work it is inside of */
static _Thread_local bool inside_work;

static void relax(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

/* Rounding, and what becomes of subnormal numbers. */
static unsigned get_mode(void)
{
#ifdef __x86_64__
    return __builtin_ia32_stmxcsr();
#else
    return 0;
#endif
}

static void set_mode(unsigned mode)
{
#ifdef __x86_64__
    __builtin_ia32_ldmxcsr(mode);
#else
    (void)mode;
#endif
}

/* ---- work ----------------------------------------------------------------------------- */

static void work_on(tn_blis_pool *p, range *r, int32_t worker)
{
    for (;;) {
        const int64_t first = atomic_fetch_add_explicit(&r->next, p->share,
                                                        memory_order_relaxed);
        const int64_t end = first + p->share < r->end ? first + p->share : r->end;
        if (first >= r->end) return;
        for (int64_t i = first; i < end; i++) p->body(p->data, i, worker);
    }
}

static void work(tn_blis_pool *p, int32_t worker)
{
    here = worker, inside_work = true;
    for (int32_t i = 0; i < p->threads; i++)
        work_on(p, &p->range[(worker + i) % p->threads], worker);
    here = 0, inside_work = false;
}

static void work_alone(int64_t n, void (*body)(void *data, int64_t i, int32_t worker),
                       void *data)
{
    for (int64_t i = 0; i < n; i++) body(data, i, here);
}

/* Whether there is work other than number `last` and this thread is inside of it now. */
static bool enter(tn_blis_pool *p, uint32_t *last)
{
    uint64_t state = atomic_load_explicit(&p->state, memory_order_relaxed);
    while ((state & OPEN) && NUMBER(state) != *last)
        if (atomic_compare_exchange_weak_explicit(&p->state, &state, state + 1,
                                                  memory_order_acquire,
                                                  memory_order_relaxed)) {
            *last = NUMBER(state);
            return true;
        }
    return false;
}

/* ---- the threads ---------------------------------------------------------------------- */

static void futex(atomic_uint *at, int what, unsigned value)
{
    syscall(SYS_futex, at, what, value, NULL, NULL, 0);
}

/* Until there is work after number `last`, or the end, which has a number, too: a thread that the
 * system sets aside just before it sleeps must not miss it. */
static void await(tn_blis_pool *p, uint32_t last)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&p->number, memory_order_acquire) != last) return;
        relax();
    }
    atomic_fetch_add(&p->sleepers, 1);
    futex(&p->number, FUTEX_WAIT_PRIVATE, last);
    atomic_fetch_sub(&p->sleepers, 1);
}

static void *serve(void *data)
{
    const member *mine = data;
    tn_blis_pool *p = mine->pool;
    uint32_t done = 0, seen = 0;
    while (!atomic_load(&p->ends)) {
        if (enter(p, &done)) {
            set_mode(p->mode);
            work(p, mine->worker);
            atomic_fetch_sub_explicit(&p->state, 1, memory_order_release);
        }
        await(p, seen);
        seen = atomic_load(&p->number);
    }
    return NULL;
}

static bool start_one(tn_blis_pool *p, int32_t worker)
{
    member *m = &p->member[worker - 1];
    *m = (member){.pool = p, .worker = worker};
    return !pthread_create(&m->thread, NULL, serve, m);
}

/* As many as there can be: work does not depend on it. They leave signals to the program. */
static void start(tn_blis_pool *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    p->process = getpid();
    while (p->started + 1 < p->threads && start_one(p, p->started + 1)) p->started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the caller ----------------------------------------------------------------------- */

/* Nobody enters from now on; waits for those inside, who might need this core. */
static void finish(tn_blis_pool *p)
{
    uint64_t state = atomic_fetch_and(&p->state, ~OPEN);
    for (int i = 0; INSIDE(state); i++) {
        if (i < SPINS)
            relax();
        else
            sched_yield();
        state = atomic_load_explicit(&p->state, memory_order_acquire);
    }
}

static void share_out(tn_blis_pool *p, int64_t n)
{
    const int64_t each = n / p->threads, more = n % p->threads;
    int64_t first = 0;
    for (int32_t i = 0; i < p->threads; i++) {
        range *r = &p->range[i];
        atomic_store_explicit(&r->next, first, memory_order_relaxed);
        first = r->end = first + each + (i < more);
    }
    p->share = n / (SHARES * p->threads) + 1;
}

void tn_blis_pool_run(tn_blis_pool *p, int64_t n,
                      void (*body)(void *data, int64_t i, int32_t worker), void *data)
{
    if (n <= 1 || p->threads == 1 || inside_work || atomic_flag_test_and_set(&p->taken)) {
        work_alone(n, body, data);
        return;
    }
    if (!p->process) start(p);
    const uint32_t number = atomic_load_explicit(&p->number, memory_order_relaxed) + 1;
    p->body = body, p->data = data, p->mode = get_mode();
    share_out(p, n);
    atomic_store_explicit(&p->state, (uint64_t)number << 32 | OPEN, memory_order_release);
    atomic_store(&p->number, number);
    if (atomic_load(&p->sleepers)) futex(&p->number, FUTEX_WAKE_PRIVATE, INT_MAX);
    work(p, 0);
    finish(p);
    atomic_flag_clear(&p->taken);
}

/* ---- beginning and end ---------------------------------------------------------------- */

int32_t tn_blis_cores(void)
{
    cpu_set_t mine;
    if (!sched_getaffinity(0, sizeof mine, &mine)) return CPU_COUNT(&mine);
    const long all = sysconf(_SC_NPROCESSORS_ONLN); /* more than a cpu_set_t can name */
    return all > 0 && all < INT32_MAX ? (int32_t)all : 1;
}

tn_blis_pool *tn_blis_pool_new(int32_t threads)
{
    const size_t size = sizeof(tn_blis_pool) + (size_t)(threads - 1) * sizeof(member),
                 whole = (size + LINE - 1) / LINE * LINE;
    tn_blis_pool *p = aligned_alloc(LINE, whole + (size_t)threads * sizeof(range));
    if (!p) return NULL;
    *p = (tn_blis_pool){.taken = ATOMIC_FLAG_INIT, .threads = threads};
    p->range = (range *)(void *)((char *)p + whole);
    return p;
}

void tn_blis_pool_free(tn_blis_pool *p)
{
    if (!p) return;
    atomic_store(&p->ends, true);
    atomic_fetch_add(&p->number, 1);
    futex(&p->number, FUTEX_WAKE_PRIVATE, INT_MAX);
    for (int32_t i = 0; p->process == getpid() && i < p->started; i++)
        pthread_join(p->member[i].thread, NULL);
    free(p);
}
