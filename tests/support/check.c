/* check.c - environment, numbers, and what lives as long as a test; see check.h. */
#include "check.h"
#include "note.h"
#include "opening.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what lives as long as the test ------------------------------------------------ */

typedef struct kept {
    struct kept *next;
    void *what;
    void (*release)(void *);
} kept;

static kept *last_kept;

const void *check_kept(void)
{
    return last_kept;
}

void check_release(const void *since)
{
    while (last_kept != since) {
        kept *k = last_kept;
        last_kept = k->next;
        k->release(k->what);
        free(k);
    }
}

static void release_all(void)
{
    check_release(NULL);
}

void check_keep(void *what, void (*release)(void *))
{
    kept *k = malloc(sizeof *k);
    cr_assert_not_null(k);
    if (!last_kept) atexit(release_all);
    *k = (kept){last_kept, what, release};
    last_kept = k;
}

void *check_room(int64_t n, size_t size)
{
    void *block = calloc((size_t)(n > 0 ? n : 1), size);
    cr_assert_not_null(block);
    check_keep(block, free);
    return block;
}

/* ---- environments ------------------------------------------------------------------ */

typedef struct opened {
    const char *backend;
    int32_t threads;
    tn_env *env;
} opened;

/* Those that are open, in the order in which they were kept: so the last one goes first. */
static opened envs[20];
static tn_env *env;

static void free_env(void *one)
{
    opened *at = envs;
    while (at->env != one) at++;
    at->env = NULL;
    if (one == env) env = NULL;
    tn_env_free(one);
}

void check_env_as(const char *backend, int32_t threads)
{
    opened *at = envs;
    while (at->env && (strcmp(at->backend, backend) || at->threads != threads)) at++;
    cr_assert(at + 1 < envs + sizeof envs / sizeof *envs);
    if (!at->env) {
        *at = (opened){backend, threads, open_env(backend, threads)};
        check_keep(at->env, free_env);
    }
    env = at->env;
}

tn_env *check_env(void)
{
    if (!env) check_env_as("reference", 2);
    return env;
}

static void free_instance(void *instance)
{
    tn_instance_free(instance);
}

tn_instance *check_plugin(const char *kind, const char *name, const char *options,
                          int32_t real)
{
    tn_instance *instance = NULL;
    tn_error e = {0};
    const tn_status status = tn_instance_named(check_env(), kind, name, options, real,
                                               &instance, &e);
    cr_assert_eq(status, TN_OK, "%s", e.text);
    check_keep(instance, free_instance);
    return instance;
}

tn_shape check_shape(int32_t rank, int64_t a, int64_t b, int64_t c)
{
    return (tn_shape){.rank = rank, .dim = {a, b, c}};
}

void check_random(double *to, int64_t n, uint32_t seed)
{
    const tn_key key = {{seed, 77}};
    for (int64_t i = 0; i < n; i++) to[i] = 2 * tn_random_uniform(key, (uint64_t)i) - 1;
}

int64_t check_draw(uint32_t seed, int32_t i, int64_t lo, int64_t hi)
{
    const uint32_t bits = tn_random_bits((tn_key){{seed, 31}}, (uint64_t)i);
    return lo + (int64_t)(bits % (uint32_t)(hi - lo + 1));
}

tn_shape check_draw_shape(uint32_t seed, int32_t least_rank, int32_t most_rank,
                          int64_t most)
{
    tn_shape s = {.rank = (int32_t)check_draw(seed, 100, least_rank, most_rank)};
    for (int32_t i = 0; i < s.rank; i++) s.dim[i] = check_draw(seed, 101 + i, 1, most);
    return s;
}

tn_shape check_draw_rows(uint32_t seed, int32_t least_rank, int32_t most_rank,
                         int64_t most, int64_t width)
{
    tn_shape s = check_draw_shape(seed, least_rank, most_rank, most);
    s.dim[s.rank - 1] = width;
    return s;
}

void check_near(const double *a, const double *b, int64_t n, double tolerance,
                const char *what)
{
    note_near(a, b, n, tolerance, what);
}

void check_alike(const double *a, const double *b, int64_t n, double tolerance,
                 const char *what)
{
    for (int64_t i = 0; i < n; i++)
        cr_assert(fabs(a[i] - b[i]) <= tolerance, "%s[%lld]: got %.17g, expected %.17g",
                  what, (long long)i, a[i], b[i]);
}
