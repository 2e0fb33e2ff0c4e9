/* harness.h - how every benchmark measures: a warm-up, then many timed repeats, and the
 * median with the quartiles as spread, as one JSON object a line. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WARM_UP_SECONDS 0.3
#define SECONDS 1.5
#define MOST_REPEATS 10000
#define LEAST_REPEATS 5

static double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int bench_order(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first argument, or 0: as many threads as there are cores. */
static inline int bench_threads(int count, char **argument)
{
    return count > 1 ? (int)strtol(argument[1], NULL, 10) : 0;
}

/* Times `once(data)`, which does `work` units of work (samples, operations), and prints
 * units a second: {"benchmark": ..., "median": ..., "low": quartile, "high": quartile,
 * ...}. once returns non-zero on failure, as does this. */
static inline int bench_run(const char *name, const char *unit, double work, int threads,
                            int (*once)(void *data), void *data)
{
    static double seconds[MOST_REPEATS];
    const double start = bench_now();
    int repeats = 0;
    do
        if (once(data)) return 1;
    while (bench_now() - start < WARM_UP_SECONDS);
    const double begin = bench_now();
    while (repeats < LEAST_REPEATS ||
           (repeats < MOST_REPEATS && bench_now() - begin < SECONDS)) {
        const double t = bench_now();
        if (once(data)) return 1;
        seconds[repeats++] = bench_now() - t;
    }
    qsort(seconds, (size_t)repeats, sizeof *seconds, bench_order);
    printf("{\"benchmark\": \"%s\", \"framework\": \"tenon\", \"unit\": \"%s\", "
           "\"threads\": %d, \"repeats\": %d, \"median\": %.6g, \"low\": %.6g, "
           "\"high\": %.6g, \"microseconds\": %.2f}\n",
           name, unit, threads, repeats, work / seconds[repeats / 2],
           work / seconds[repeats * 3 / 4], work / seconds[repeats / 4],
           1e6 * seconds[repeats / 2]);
    fflush(stdout);
    return 0;
}

#endif
