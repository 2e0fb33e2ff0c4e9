/* peak.c - see peak.h. As many chains of dependent operations as hide the latency of each. */
#include "cli/peak.h"

#include <stddef.h>
#include <time.h>

#define CHAINS 12
#define ROUNDS 20000
#define TRIES 100

#ifdef __x86_64__
#include <immintrin.h>

#define PEAK(name, isa, vector, set, multiply_add, constraint)                          \
    __attribute__((target(isa))) static void name(int64_t rounds)                       \
    {                                                                                   \
        const vector by = set(0.999f), plus = set(0.5f);                                \
        vector x[CHAINS];                                                               \
        for (int i = 0; i < CHAINS; i++) x[i] = by;                                     \
        for (int64_t n = 0; n < rounds; n++) {                                          \
            for (int i = 0; i < CHAINS; i++) x[i] = multiply_add(x[i], by, plus);       \
            __asm__ volatile("" : "+" constraint(x[0]), "+" constraint(x[CHAINS / 2])); \
        }                                                                               \
        for (int i = 0; i < CHAINS; i++) __asm__ volatile("" : : constraint(x[i]));     \
    }

#define APART_PS(x, by, plus) _mm_add_ps(_mm_mul_ps(x, by), plus)
#define APART_PD(x, by, plus) _mm_add_pd(_mm_mul_pd(x, by), plus)
PEAK(sse2_float, "sse2", __m128, _mm_set1_ps, APART_PS, "x")
PEAK(sse2_double, "sse2", __m128d, _mm_set1_pd, APART_PD, "x")
PEAK(avx2_float, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, "x")
PEAK(avx2_double, "avx2,fma", __m256d, _mm256_set1_pd, _mm256_fmadd_pd, "x")
PEAK(avx512_float, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, "v")
PEAK(avx512_double, "avx512f", __m512d, _mm512_set1_pd, _mm512_fmadd_pd, "v")

static bool has_sse2(void)
{
    return true;
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f");
}

const cli_peak cli_peaks[] = {
    {"sse2", 0, 2 * CHAINS * 4, has_sse2, sse2_float},
    {"sse2", 1, 2 * CHAINS * 2, has_sse2, sse2_double},
    {"avx2", 0, 2 * CHAINS * 8, has_avx2, avx2_float},
    {"avx2", 1, 2 * CHAINS * 4, has_avx2, avx2_double},
    {"avx512", 0, 2 * CHAINS * 16, has_avx512, avx512_float},
    {"avx512", 1, 2 * CHAINS * 8, has_avx512, avx512_double},
    {0},
};
#else
const cli_peak cli_peaks[] = {{0}};
#endif

const cli_peak *cli_widest(int32_t real)
{
    const cli_peak *widest = NULL;
    for (const cli_peak *p = cli_peaks; p->name; p++)
        if (p->real == real && p->here()) widest = p;
    return widest;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cli_peak_of_thread(int32_t real)
{
    const cli_peak *p = cli_widest(real);
    double best = 0;
    for (int i = 0; p && i < TRIES; i++) {
        const double start = now();
        p->run(ROUNDS);
        const double rate = 1e-9 * p->work * ROUNDS / (now() - start);
        if (rate > best) best = rate;
    }
    return best;
}
