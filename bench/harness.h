/* harness.h - how every benchmark measures: a warm-up, then blocks of calls, each long enough for
 * the clock. The time of a call is the median over the blocks; beside it stand the shortest,
 * which is what the machine can do when nothing else runs, a 95 % interval of the median from
 * resampled blocks (Efron and Tibshirani, "An introduction to the bootstrap", 1993, section
 * 13.3), and the range of the middle 80 % as a share of the median. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP_SECONDS 0.2
#define BLOCK_SECONDS 1e-3
#define MOST_BLOCKS 1000
#define RESAMPLES 200

typedef struct bench_time {
    double median, low, high, least, spread; /* seconds of one call; spread: a share */
    int64_t blocks, calls;
} bench_time;

/* `worked`: what the calling thread has worked, which other programs do not add to. */
static inline double bench_clock(int worked)
{
    struct timespec t;
    clock_gettime(worked ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline double bench_now(void)
{
    return bench_clock(0);
}

static int bench_order(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers that only have to look random and be the same each time (Steele, Lea and Flood,
 * "Fast splittable pseudorandom number generators", 2014: SplitMix64). */
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/* ---- what the blocks say --------------------------------------------------------------- */

static inline void bench_resample(const double *block, int64_t n, bench_time *to)
{
    static double draw[MOST_BLOCKS], median[RESAMPLES];
    uint64_t state = 1;
    for (int k = 0; k < RESAMPLES; k++) {
        for (int64_t i = 0; i < n; i++)
            draw[i] = block[bench_random(&state) % (uint64_t)n];
        qsort(draw, (size_t)n, sizeof *draw, bench_order);
        median[k] = draw[n / 2];
    }
    qsort(median, RESAMPLES, sizeof *median, bench_order);
    to->low = median[RESAMPLES / 40];
    to->high = median[RESAMPLES - 1 - RESAMPLES / 40];
}

static inline void bench_summarize(double *block, int64_t n, int64_t calls,
                                   bench_time *to)
{
    qsort(block, (size_t)n, sizeof *block, bench_order);
    *to = (bench_time){.median = block[n / 2],
                       .least = block[0],
                       .spread = (block[n * 9 / 10] - block[n / 10]) / block[n / 2],
                       .blocks = n,
                       .calls = calls};
    bench_resample(block, n, to);
}

/* ---- measuring ------------------------------------------------------------------------- */

typedef struct bench_limits {
    double seconds; /* of measuring; the warm-up comes on top */
    int64_t calls;  /* 0: as many as the seconds hold; else so many, each a block */
} bench_limits;

/* Seconds of a call of `once`; negative: it failed. */
static inline double bench_warm_up(double seconds, int (*once)(void *), void *data)
{
    const double most = seconds < WARM_UP_SECONDS ? seconds : WARM_UP_SECONDS;
    const double start = bench_now();
    int64_t calls = 0;
    do {
        if (once(data)) return -1;
        calls++;
    } while (bench_now() - start < most);
    return (bench_now() - start) / (double)calls;
}

/* Calls of a block: 0, if one fails. */
static inline int64_t bench_block(const bench_limits *limits, int (*once)(void *),
                                  void *data)
{
    if (limits->calls) return 1;
    const double call = bench_warm_up(limits->seconds, once, data);
    if (call < 0) return 0;
    double length = limits->seconds / MOST_BLOCKS;
    if (length < BLOCK_SECONDS) length = BLOCK_SECONDS;
    return call < length ? (int64_t)(length / call) : 1;
}

/* Times once(data), which returns non-zero on failure, as does this. */
static inline int bench_measure(const bench_limits *limits, int (*once)(void *),
                                void *data, bench_time *to)
{
    static double block[MOST_BLOCKS];
    const int64_t of_block = bench_block(limits, once, data);
    if (!of_block) return 1;
    const int64_t most = limits->calls ? limits->calls : MOST_BLOCKS;
    const double begin = bench_now();
    int64_t n = 0;
    do {
        const double t = bench_now();
        for (int64_t i = 0; i < of_block; i++)
            if (once(data)) return 1;
        block[n++] = (bench_now() - t) / (double)of_block;
    } while (n < most && n < MOST_BLOCKS &&
             (limits->calls || bench_now() - begin < limits->seconds));
    bench_summarize(block, n, n * of_block, to);
    return 0;
}

/* `count` floats between -0.5 and 0.5, on a cache line of their own; NULL: out of memory. */
static inline float *bench_numbers(size_t count)
{
    float *data = aligned_alloc(64, (count * sizeof *data + 63) / 64 * 64);
    for (size_t i = 0; data && i < count; i++) data[i] = (float)(i * 7 % 13) / 13 - 0.5f;
    return data;
}

/* ---- memory ---------------------------------------------------------------------------- */

/* "VmRSS:" now, or "VmHWM:" the most since bench_forget_peak; MiB, 0 where nobody knows. */
static inline double bench_memory(const char *what)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, what, strlen(what))) kib = strtod(line + strlen(what), NULL);
    if (file) fclose(file);
    return kib / 1024;
}

static inline void bench_forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5", file);
    fclose(file);
}

/* ---- workloads: what bench/workloads.c and peers in C are asked ------------------------- */

typedef struct bench_asked {
    bench_limits limits;
    int threads, serves;
} bench_asked;

/* Takes an option and its value; 0: it is none of these, or its value is missing. */
static inline int bench_take(int count, char **argument, int *i, bench_asked *to)
{
    const char *name = argument[*i];
    if (!strcmp(name, "--serve")) return to->serves = 1;
    if (*i + 1 == count) return 0;
    const char *value = argument[*i + 1];
    if (!strcmp(name, "--threads"))
        to->threads = (int)strtol(value, NULL, 10);
    else if (!strcmp(name, "--seconds"))
        to->limits.seconds = strtod(value, NULL);
    else if (!strcmp(name, "--steps"))
        to->limits.calls = strtol(value, NULL, 10);
    else
        return 0;
    return ++*i;
}

/* run(data), once, or for each line of standard input, which holds the seconds of it. */
static inline int bench_answer(bench_asked *asked, int (*run)(void *), void *data)
{
    char line[64];
    if (!asked->serves) return run(data);
    while (fgets(line, sizeof line, stdin)) {
        asked->limits.seconds = strtod(line, NULL);
        if (run(data)) return 1;
    }
    return 0;
}

#endif
