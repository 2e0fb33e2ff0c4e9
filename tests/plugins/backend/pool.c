/* The threads of the blis backend: every part of a work is done once, by whoever is there. */
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A thread that goes to sleep is set aside by the system first, for so many microseconds. */
static atomic_uint set_aside;
#define syscall(number, at, what, ...)                                   \
    (usleep((what) == FUTEX_WAIT_PRIVATE ? atomic_load(&set_aside) : 0), \
     syscall(number, at, what, __VA_ARGS__))

#include "plugins/backend/blis/pool.c"

#include <criterion/criterion.h>
#include <sys/wait.h>

#include "tests/support/rounds.h"

#define MOST 5000
#define CALLS (int)test_rounds(2000, 200000)

typedef struct count {
    tn_blis_pool *pool;
    int32_t threads;
    int64_t n;
    int visits[MOST];
    _Atomic int strangers;
} count;

static void visit(void *data, int64_t i, int32_t worker)
{
    count *c = data;
    c->visits[i]++; /* no two threads may have it */
    if (worker < 0 || worker >= c->threads) c->strangers++;
}

/* Each of n parts was done `times` times. */
static void done(const count *c, int64_t n, int times)
{
    for (int64_t i = 0; i < n; i++)
        cr_assert_eq(c->visits[i], times, "part %d of %d: %d times", (int)i, (int)n,
                     c->visits[i]);
    cr_assert_eq(c->strangers, 0);
}

static count *count_new(int32_t threads)
{
    count *c = calloc(1, sizeof *c);
    c->threads = threads;
    c->pool = tn_blis_pool_new(threads);
    cr_assert_not_null(c->pool);
    return c;
}

static void count_free(count *c)
{
    tn_blis_pool_free(c->pool);
    free(c);
}

Test(pool, every_part_is_done_once)
{
    const int32_t threads[] = {1, 2, 3, 7, 16}; /* also far more than there are cores */
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++)
        for (int64_t n = 0; n < MOST; n = 3 * n + 1) {
            count *c = count_new(threads[k]);
            for (int times = 1; times <= 20; times++) {
                tn_blis_pool_run(c->pool, n, visit, c);
                done(c, n,
                     times); /* what threads wrote is there when the caller goes on */
            }
            count_free(c);
        }
}

static void wait_for_sleep(const tn_blis_pool *p)
{
    while (atomic_load((atomic_int *)(uintptr_t)&p->sleepers) < p->started) usleep(1000);
}

#ifdef __x86_64__
static void see_mode(void *data, int64_t i, int32_t worker)
{
    unsigned *mode = data;
    mode[i] = __builtin_ia32_stmxcsr() & 0xffc0u; /* without what has happened */
}

Test(pool, threads_round_as_their_caller_does)
{
    enum { FLUSH = 0x8040, PARTS = 4000 };
    const unsigned before = __builtin_ia32_stmxcsr();
    unsigned *mode = calloc(PARTS, sizeof *mode);
    tn_blis_pool *p = tn_blis_pool_new(4);
    for (int k = 0; k < 20; k++) {
        __builtin_ia32_ldmxcsr(k % 2 ? before | FLUSH : before);
        tn_blis_pool_run(p, PARTS, see_mode, mode);
        __builtin_ia32_ldmxcsr(before);
        for (int i = 0; i < PARTS; i++)
            cr_assert_eq(mode[i], (k % 2 ? before | FLUSH : before) & 0xffc0u);
    }
    tn_blis_pool_free(p);
    free(mode);
}
#endif

Test(pool, sleeping_threads_are_woken)
{
    count *c = count_new(3);
    for (int times = 1; times <= 5; times++) {
        tn_blis_pool_run(c->pool, MOST, visit, c);
        done(c, MOST, times);
        wait_for_sleep(c->pool);
    }
    count_free(c);
}

/* The end of the threads waits for them: it must reach those who are just about to sleep. */
Test(pool, threads_that_fall_asleep_end)
{
    atomic_store(&set_aside, 5000);
    for (int tries = 0; tries < 20; tries++) {
        count *c = count_new(4);
        tn_blis_pool_run(c->pool, MOST, visit, c);
        done(c, MOST, 1);
        wait_for_sleep(c->pool);
        count_free(c);
    }
}

static void note_worker(void *data, int64_t i, int32_t worker)
{
    count *c = data;
    c->visits[worker]++;
    usleep(2000); /* long enough for a sleeper to come */
    (void)i;
}

Test(pool, all_threads_work)
{
    count *c = count_new(4);
    for (int tries = 0; tries < 100; tries++) {
        tn_blis_pool_run(c->pool, 40, note_worker, c);
        if (c->visits[1] && c->visits[2] && c->visits[3]) break;
    }
    for (int i = 0; i < 4; i++) cr_assert(c->visits[i] > 0, "thread %d never came", i);
    count_free(c);
}

static void within(void *data, int64_t i, int32_t worker)
{
    count *c = data;
    (void)worker;
    if (!i) tn_blis_pool_run(c->pool, c->n, visit, c);
}

Test(pool, work_within_work_stays_on_its_thread)
{
    count *c = count_new(3);
    c->n = 100;
    tn_blis_pool_run(c->pool, 10, within, c);
    done(c, 100, 1);
    count_free(c);
}

static void *call_often(void *data)
{
    count *c = data;
    for (int i = 0; i < CALLS; i++) tn_blis_pool_run(c->pool, 50, visit, c);
    return NULL;
}

Test(pool, two_callers_do_not_wait_for_each_other)
{
    count *first = count_new(3), *second = calloc(1, sizeof *second);
    pthread_t thread;
    second->pool = first->pool, second->threads = 3;
    cr_assert_eq(pthread_create(&thread, NULL, call_often, second), 0);
    call_often(first);
    pthread_join(thread, NULL);
    done(first, 50, CALLS);
    done(second, 50, CALLS);
    free(second);
    count_free(first);
}

Test(pool, a_forked_process_works_alone)
{
    count *c = count_new(3);
    tn_blis_pool_run(c->pool, 100, visit, c);
    const pid_t child = fork();
    if (!child) {
        tn_blis_pool_run(c->pool, 100, visit, c);
        for (int i = 0; i < 100; i++)
            if (c->visits[i] != 2) _exit(1);
        tn_blis_pool_free(c->pool);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && !WEXITSTATUS(status));
    tn_blis_pool_run(c->pool, 100, visit, c);
    done(c, 100, 2);
    count_free(c);
}
