/* roofline.c - the limits of this machine: arithmetic in registers, bandwidth of memory and
 * caches, and what it costs to call threads together. Williams, Waterman, Patterson, "Roofline:
 * an insightful visual performance model for multicore architectures", CACM 52 (2009).
 *
 *     bench/roofline [--threads N] [--repeats N] [--quick]
 *
 * A JSON line for each limit, with one thread and with all: the best and the median of the
 * repeats. Bandwidth as in STREAM (McCalpin 1995): triad, a = b + s c, counts 12 bytes an
 * element; `read` is a sum. Arrays that fit the L2 cache of a core, arrays that fit only L3,
 * and arrays that fit neither. */
#include "cli/peak.h"
#include "harness.h"
#include "plugins/backend/blis/pool.h"

#define MOST_REPEATS 100
#define PEAK_ROUNDS 1000000
#define FORKS 2000

typedef struct roof {
    int threads, repeats;
    tn_blis_pool *pool;
    double rate[MOST_REPEATS];
} roof;

/* lower: less is better. */
static void report(roof *r, const char *kind, const char *unit, int lower)
{
    qsort(r->rate, (size_t)r->repeats, sizeof *r->rate, bench_order);
    printf("{\"kind\": \"%s\", \"threads\": %d, \"best\": %.4g, \"median\": %.4g, "
           "\"unit\": \"%s\"}\n",
           kind, r->threads, r->rate[lower ? 0 : r->repeats - 1], r->rate[r->repeats / 2],
           unit);
    fflush(stdout);
}

/* ---- arithmetic ------------------------------------------------------------------------ */

typedef struct peak_run {
    const cli_peak *peak;
    int64_t rounds;
} peak_run;

static void run_peak(void *data, int64_t i, int32_t worker)
{
    const peak_run *run = data;
    (void)i, (void)worker;
    run->peak->run(run->rounds);
}

static void measure_peak(roof *r, const cli_peak *p, int64_t rounds)
{
    char kind[64];
    peak_run run = {p, rounds};
    for (int i = 0; i < r->repeats; i++) {
        const double start = bench_now();
        tn_blis_pool_run(r->pool, r->threads, run_peak, &run);
        r->rate[i] = 1e-9 * p->work * (double)rounds * r->threads / (bench_now() - start);
    }
    snprintf(kind, sizeof kind, "%s %s", p->name, p->real ? "double" : "float");
    report(r, kind, "GFLOP/s", 0);
}

/* ---- bandwidth ------------------------------------------------------------------------- */

#define WIDE 16 /* floats */
typedef float wide __attribute__((vector_size(WIDE * sizeof(float))));

typedef struct stream {
    float *a, *b, *c;
    int64_t n; /* elements, a multiple of 4 WIDE */
} stream;

#define STREAMS(isa, target)                                              \
    target static void triad_##isa(const stream *s)                       \
    {                                                                     \
        wide *a = (wide *)s->a;                                           \
        const wide *b = (const wide *)s->b, *c = (const wide *)s->c;      \
        for (int64_t i = 0; i < s->n / WIDE; i++) a[i] = b[i] + 3 * c[i]; \
        __asm__ volatile("" : : "r"(a) : "memory");                       \
    }                                                                     \
    target static void read_##isa(const stream *s)                        \
    {                                                                     \
        const wide *b = (const wide *)s->b;                               \
        wide sum[4] = {{0}, {0}, {0}, {0}};                               \
        for (int64_t i = 0; i < s->n / WIDE; i += 4)                      \
            for (int k = 0; k < 4; k++) sum[k] += b[i + k];               \
        const wide all = sum[0] + sum[1] + sum[2] + sum[3];               \
        __asm__ volatile("" : : "m"(all));                                \
    }

STREAMS(plain, )
#ifdef __x86_64__
STREAMS(avx2, __attribute__((target("avx2"))))
STREAMS(avx512, __attribute__((target("avx512f"))))
#endif

typedef void kernel(const stream *);

static kernel *choose(int reads)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) return reads ? read_avx512 : triad_avx512;
    if (__builtin_cpu_supports("avx2")) return reads ? read_avx2 : triad_avx2;
#endif
    return reads ? read_plain : triad_plain;
}

typedef struct stream_run {
    const stream *all;
    kernel *kernel;
    int threads, times;
} stream_run;

/* Each thread has a part of its own. */
static void run_part(void *data, int64_t i, int32_t worker)
{
    const stream_run *r = data;
    const stream *s = r->all;
    const int64_t n = s->n / r->threads / (4 * WIDE) * (4 * WIDE), at = n * i;
    const stream part = {s->a + at, s->b + at, s->c + at, n};
    (void)worker;
    for (int k = 0; k < r->times; k++) r->kernel(&part);
}

static void run_stream(const roof *r, const stream *s, kernel *run, int times)
{
    stream_run all = {s, run, r->threads, times};
    tn_blis_pool_run(r->pool, r->threads, run_part, &all);
}

static void touch(const stream *s)
{
    for (int64_t i = 0; i < s->n; i++) s->a[i] = s->b[i] = s->c[i] = 1;
}

static void measure_stream(roof *r, const stream *s, const char *place, int reads,
                           int times)
{
    char kind[64];
    const double bytes = (reads ? 4.0 : 12.0) * (double)s->n * times;
    for (int i = 0; i < r->repeats; i++) {
        const double start = bench_now();
        run_stream(r, s, choose(reads), times);
        r->rate[i] = 1e-9 * bytes / (bench_now() - start);
    }
    snprintf(kind, sizeof kind, "%s %s", place, reads ? "read" : "triad");
    report(r, kind, "GB/s", 0);
}

/* mib: of all three arrays together. */
static int measure_place(roof *r, const char *place, double mib, int times)
{
    const int64_t n = (int64_t)(mib * (1 << 20) / 12) / (4 * WIDE) * (4 * WIDE);
    const size_t bytes = (size_t)n * sizeof(float);
    stream s = {.a = aligned_alloc(64, bytes),
                .b = aligned_alloc(64, bytes),
                .c = aligned_alloc(64, bytes),
                .n = n};
    const int failed = !s.a || !s.b || !s.c;
    if (!failed) {
        run_stream(r, &s, touch, 1);
        measure_stream(r, &s, place, 0, times);
        measure_stream(r, &s, place, 1, times);
    }
    free(s.a);
    free(s.b);
    free(s.c);
    return failed;
}

/* ---- threads --------------------------------------------------------------------------- */

static void nothing(void *data, int64_t i, int32_t worker)
{
    (void)data, (void)i, (void)worker;
}

static void measure_fork(roof *r)
{
    for (int i = 0; i < r->repeats; i++) {
        const double start = bench_now();
        for (int k = 0; k < FORKS; k++)
            tn_blis_pool_run(r->pool, r->threads, nothing, NULL);
        r->rate[i] = 1e6 * (bench_now() - start) / FORKS;
    }
    report(r, "fork and join", "us", 1);
}

static int measure_all(roof *r, int quick)
{
    for (const cli_peak *p = cli_peaks; p->name; p++)
        if (p->here()) measure_peak(r, p, quick ? PEAK_ROUNDS / 20 : PEAK_ROUNDS);
    measure_fork(r);
    return measure_place(r, "L2", 0.375 * r->threads, quick ? 100 : 1000) ||
           measure_place(r, "L3", 12, quick ? 2 : 20) ||
           measure_place(r, "memory", quick ? 192 : 768, 1);
}

int main(int count, char **argument)
{
    static roof r = {.repeats = 15};
    int most = tn_blis_cores(), quick = 0;
    for (int i = 1; i < count; i++) {
        if (!strcmp(argument[i], "--quick"))
            quick = 1, r.repeats = 5;
        else if (i + 1 < count && !strcmp(argument[i], "--threads"))
            most = (int)strtol(argument[++i], NULL, 10);
        else if (i + 1 < count && !strcmp(argument[i], "--repeats"))
            r.repeats = (int)strtol(argument[++i], NULL, 10);
        else
            return fputs("usage: roofline [--threads N] [--repeats N] [--quick]\n",
                         stderr),
                   2;
    }
    if (r.repeats < 1 || r.repeats > MOST_REPEATS || most < 1) return 2;
    for (r.threads = 1; r.threads <= most; r.threads += r.threads < most ? most - 1 : 1) {
        r.pool = tn_blis_pool_new(r.threads);
        const int failed = !r.pool || measure_all(&r, quick);
        tn_blis_pool_free(r.pool);
        if (failed) return fputs("out of memory\n", stderr), 1;
    }
    return 0;
}
