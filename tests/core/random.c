/* random.c - Philox-4x32-10 against the vectors published with Random123, and the
 * distributions made from it. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tenon/random.h"

typedef struct known {
    uint32_t counter[4], key[2], out[4];
} known;

static const known answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static const tn_key key = {{2026, 7}};

Test(random, philox_gives_the_known_answers)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint32_t out[4];
        tn_philox(answers[i].counter, (tn_key){{answers[i].key[0], answers[i].key[1]}},
                  out);
        cr_assert_arr_eq(out, answers[i].out, sizeof out);
    }
}

Test(random, a_run_is_its_elements_wherever_it_starts)
{
    uint32_t run[137];
    for (uint64_t first = 0; first < 9; first++)
        for (int64_t n = 0; n <= 137; n++) {
            memset(run, 0, sizeof run);
            tn_random_run(key, first, n, run);
            for (int64_t i = 0; i < n; i++)
                cr_assert_eq(run[i], tn_random_bits(key, first + (uint64_t)i));
        }
}

/* Counters that pass 2^32, where the upper halves of lanes come in. */
Test(random, lanes_give_the_words_of_single_counters)
{
#ifdef TN_PHILOX_IN_LANES
    static uint32_t each[64 * 4], lanes[64 * 4];
    const uint64_t firsts[] = {0, 5, 0xffffffffu - 20, UINT64_MAX - 11};
    for (int i = 0; i < 4; i++) {
        tn_philox_each(key, firsts[i], 64, each);
        if (__builtin_cpu_supports("avx2")) {
            tn_philox_256(key, firsts[i], 64, lanes);
            cr_assert_arr_eq(lanes, each, sizeof each);
        }
        memset(lanes, 0, sizeof lanes);
        if (__builtin_cpu_supports("avx512f")) {
            tn_philox_512(key, firsts[i], 64, lanes);
            cr_assert_arr_eq(lanes, each, sizeof each);
        }
    }
#else
    cr_skip_test("this compiler or processor has no lanes");
#endif
}

Test(random, derived_keys_differ)
{
    const tn_key a = tn_key_derive(key, 1, 2), b = tn_key_derive(key, 2, 1);
    cr_assert_neq(a.word[0], b.word[0]);
    cr_assert_neq(a.word[0], key.word[0]);
}

/* Mean and variance of n draws within 5 standard errors of the law's. */
Test(random, uniform_has_its_moments_and_its_open_interval)
{
    const int64_t n = 1000000;
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++) {
        const double u = tn_random_uniform(key, (uint64_t)i);
        cr_assert(u > 0 && u < 1);
        sum += u, square += (u - 0.5) * (u - 0.5);
    }
    cr_assert_float_eq(sum / (double)n, 0.5, 5 * sqrt(1.0 / 12 / (double)n));
    cr_assert_float_eq(square / (double)n, 1.0 / 12, 5 * sqrt(1.0 / 180 / (double)n));
}

Test(random, normal_has_its_moments)
{
    const int64_t n = 1000000;
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++) {
        const double z = tn_random_normal(key, (uint64_t)i);
        sum += z, square += z * z;
    }
    cr_assert_float_eq(sum / (double)n, 0, 5 * sqrt(1.0 / (double)n));
    cr_assert_float_eq(square / (double)n, 1, 5 * sqrt(2.0 / (double)n));
}
