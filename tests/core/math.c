/* math.c - tn_exp and its kin against the C library in a wider type, at their edges, and on
 * the vector units that this processor has; sums in lanes. */
#define TN_HOST
#define TN_REAL_BITS 32
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tenon/plugin.h"

#include "tenon/math.h"
#include "tenon/random.h"
#include "tests/support/rounds.h"

#define SAMPLES (uint64_t) test_rounds(1000000, 20000000)

enum { BLOCK = 1000 };
#define FUNCTIONS(F) F(exp) F(log) F(log1p) F(tanh) F(sigmoid) F(expm1) F(erf) F(erfc)

typedef void float_map(int64_t n, const float *x, float *y);
typedef void double_map(int64_t n, const double *x, double *y);

#define MAPS(name, path, attribute)                                                \
    attribute static void name##_f32_##path(int64_t n, const float *x, float *y)   \
    {                                                                              \
        for (int64_t i = 0; i < n; i++) y[i] = tn_##name(x[i]);                    \
    }                                                                              \
    attribute static void name##_f64_##path(int64_t n, const double *x, double *y) \
    {                                                                              \
        for (int64_t i = 0; i < n; i++) y[i] = tn_##name(x[i]);                    \
    }
#define PLAIN(name) MAPS(name, plain, )
FUNCTIONS(PLAIN)

static long double sigmoidl(long double x)
{
    return 1 / (1 + expl(-x));
}

typedef struct function {
    const char *name;
    float_map *small;
    double_map *large;
    long double (*exact)(long double);
    double least; /* where it is defined from */
    double most;  /* units that it may be off */
} function;

static const function functions[] = {
    {"exp", exp_f32_plain, exp_f64_plain, expl, -INFINITY, 2},
    {"log", log_f32_plain, log_f64_plain, logl, 0, 2},
    {"log1p", log1p_f32_plain, log1p_f64_plain, log1pl, -1, 2},
    {"tanh", tanh_f32_plain, tanh_f64_plain, tanhl, -INFINITY, 2.6},
    {"sigmoid", sigmoid_f32_plain, sigmoid_f64_plain, sigmoidl, -INFINITY, 2.5},
    {"expm1", expm1_f32_plain, expm1_f64_plain, expm1l, -INFINITY, 2.1},
    {"erf", erf_f32_plain, erf_f64_plain, erfl, -INFINITY, 2},
    {"erfc", erfc_f32_plain, erfc_f64_plain, erfcl, -INFINITY, 5},
};

/* Distance in units in the last place of a type with `digits` bits and this least exponent;
 * beyond its largest number the next power of two counts for infinity. */
static double distance(double y, long double exact, int digits, int least, int most)
{
    if (isnan(exact) || isnan(y)) return isnan(exact) && isnan(y) ? 0 : INFINITY;
    if (y == (double)exact || (isinf(y) && y * (double)exact > 0 &&
                               fabsl(exact) >= ldexpl(1 - ldexpl(1, -digits - 1), most)))
        return 0;
    const int exponent = exact == 0 ? least : ilogbl(exact);
    return (double)(fabsl((long double)y - exact) /
                    ldexpl(1, (exponent < least ? least : exponent) - digits + 1));
}

/* Half of them any bits, half of the size that arguments have. */
static double sample(uint64_t i, bool wide)
{
    const tn_key key = {{2026, 11}};
    if (i % 2) return (2 * tn_random_uniform(key, i) - 1) * (i % 4 == 1 ? 2 : 100);
    const uint64_t bits = (uint64_t)tn_random_bits(key, i) << 32 |
                          tn_random_bits(key, i + 1);
    double large;
    float small;
    memcpy(&large, &bits, sizeof large);
    memcpy(&small, &bits, sizeof small);
    return wide ? large : (double)small;
}

Test(math, floats_are_right_within_a_few_units)
{
    static float x[BLOCK], y[BLOCK];
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        for (uint64_t at = 0; at < SAMPLES; at += BLOCK) {
            for (int i = 0; i < BLOCK; i++) x[i] = (float)sample(at + (uint64_t)i, false);
            functions[f].small(BLOCK, x, y);
            for (int i = 0; i < BLOCK; i++) {
                const double off = distance(
                    (double)y[i], functions[f].exact((long double)x[i]), 24, -126, 128);
                cr_assert(off <= functions[f].most, "%s(%a) = %a, %g units off",
                          functions[f].name, (double)x[i], (double)y[i], off);
            }
        }
}

Test(math, doubles_are_right_within_a_few_units)
{
    static double x[BLOCK], y[BLOCK];
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        for (uint64_t at = 0; at < SAMPLES; at += BLOCK) {
            for (int i = 0; i < BLOCK; i++) x[i] = sample(at + (uint64_t)i, true);
            functions[f].large(BLOCK, x, y);
            for (int i = 0; i < BLOCK; i++) {
                const double off = distance(y[i], functions[f].exact((long double)x[i]),
                                            53, -1022, 1024);
                cr_assert(off <= functions[f].most, "%s(%a) = %a, %g units off",
                          functions[f].name, x[i], y[i], off);
            }
        }
}

Test(math, edges)
{
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        const double x[] = {0,
                            -0.0,
                            NAN,
                            INFINITY,
                            -INFINITY,
                            -1,
                            0x1p-1074,
                            -0x1p-1074,
                            0x1p-1022,
                            0x1.fffffffffffffp1023,
                            -0x1.fffffffffffffp1023};
        double y[11];
        functions[f].large(11, x, y);
        for (int i = 0; i < 11; i++) {
            const double exact = (double)functions[f].exact((long double)x[i]);
            if (x[i] < functions[f].least || isnan(exact))
                cr_assert(isnan(y[i]), "%s(%g)", functions[f].name, x[i]);
            else
                cr_assert(distance(y[i], (long double)exact, 53, -1022, 1024) <=
                              (x[i] == -1 ? functions[f].most : 0),
                          "%s(%g) = %g", functions[f].name, x[i], y[i]);
        }
    }
    cr_assert(signbit(tn_tanh(-0.0)) && signbit(tn_tanh(-0.0f)));
    cr_assert(signbit(tn_erf(-0.0)) && signbit(tn_erf(-0.0f)));
    cr_assert(signbit(tn_expm1(-0.0)) && signbit(tn_expm1(-0.0f)));
}

Test(math, exp_leaves_its_range_where_it_should)
{
    cr_assert(isfinite(tn_exp(88.72283f)) && isinf(tn_exp(88.72284f)));
    cr_assert(isfinite(tn_exp(709.782712893384)) && isinf(tn_exp(709.7827128933841)));
    cr_assert(tn_exp(-103.97207f) == 0x1p-149f && tn_exp(-103.97209f) == 0);
    cr_assert(tn_exp(-745.1332191019411) == 0x1p-1074 && tn_exp(-745.1332191019413) == 0);
    cr_assert(isfinite(tn_expm1(88.72283f)) && isinf(tn_expm1(88.72284f)));
    cr_assert(isfinite(tn_expm1(709.782712893384)) && isinf(tn_expm1(709.7827128933841)));
    cr_assert(tn_erfc(10.0f) > 0 && tn_erfc(10.06f) == 0);
    cr_assert(tn_erfc(27.2) > 0 && tn_erfc(27.3) == 0);
    cr_assert_eq(tn_exp(0.0f), 1);
    cr_assert_eq(tn_log(1.0), 0);
}

#ifdef __x86_64__
#define WITH_AVX2(name) MAPS(name, avx2, __attribute__((target("avx2"))))
#define WITH_AVX512(name) MAPS(name, avx512, __attribute__((target("avx512f"))))
FUNCTIONS(WITH_AVX2)
FUNCTIONS(WITH_AVX512)

#define SAME(name, path)                                                                \
    for (uint64_t at = 0; at < SAMPLES / 4; at += BLOCK) {                              \
        float x[BLOCK], y[BLOCK], other[BLOCK];                                         \
        double wide_x[BLOCK], wide_y[BLOCK], wide_other[BLOCK];                         \
        for (int i = 0; i < BLOCK; i++) {                                               \
            x[i] = (float)sample(at + (uint64_t)i, false);                              \
            wide_x[i] = sample(at + (uint64_t)i, true);                                 \
        }                                                                               \
        name##_f32_plain(BLOCK, x, y);                                                  \
        name##_f32_##path(BLOCK, x, other);                                             \
        name##_f64_plain(BLOCK, wide_x, wide_y);                                        \
        name##_f64_##path(BLOCK, wide_x, wide_other);                                   \
        for (int i = 0; i < BLOCK; i++)                                                 \
            cr_assert((isnan(y[i]) || !memcmp(&y[i], &other[i], 4)) &&                  \
                          (isnan(wide_y[i]) || !memcmp(&wide_y[i], &wide_other[i], 8)), \
                      "%s of %a or %a", #name, (double)x[i], wide_x[i]);                \
    }
#define SAME_AVX2(name) SAME(name, avx2)
#define SAME_AVX512(name) SAME(name, avx512)

Test(math, avx2_has_the_same_bits)
{
    if (!__builtin_cpu_supports("avx2")) cr_skip_test("this processor has no AVX2");
    FUNCTIONS(SAME_AVX2)
}

Test(math, avx512_has_the_same_bits)
{
    if (!__builtin_cpu_supports("avx512f")) cr_skip_test("this processor has no AVX-512");
    FUNCTIONS(SAME_AVX512)
}
#endif

Test(math, sums_take_every_element_once)
{
    for (int64_t n = 0; n < 100; n++) {
        int64_t visits = 0;
        const double sum = TN_SUM(i, n, (visits++, (double)(i + 1)));
        cr_assert_eq(sum, (double)(n * (n + 1) / 2));
        cr_assert_eq(visits, n);
    }
}

Test(math, the_largest_is_found_wherever_it_stands)
{
    for (int64_t n = 1; n < 100; n++)
        for (int64_t place = 0; place < n; place++)
            cr_assert_eq(TN_MAX(i, n, (float)(i == place ? -1 : -2 - i)), -1);
    cr_assert_eq(TN_MAX(i, 0, (float)i), -INFINITY);
}
