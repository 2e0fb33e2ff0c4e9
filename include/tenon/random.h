/* random.h - counter-based random numbers, inline, from Philox-4x32-10 (philox.h).
 *
 * A number is a pure function of (key, index), so a mask is the same on any thread, in any
 * split, when it is computed again in the backward pass, and after a resume. */
#ifndef TENON_RANDOM_H
#define TENON_RANDOM_H

#include <math.h>

#include "tenon/philox.h"

/* An independent stream for (a, b), e.g. (node, step). */
static inline tn_key tn_key_derive(tn_key key, uint64_t a, uint64_t b)
{
    const uint32_t counter[4] = {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b,
                                 (uint32_t)(b >> 32)};
    uint32_t out[4];
    tn_philox(counter, key, out);
    return (tn_key){{out[0], out[1]}};
}

/* Four 32-bit words per counter: element i is word i % 4 of counter i / 4. */
static inline uint32_t tn_random_bits(tn_key key, uint64_t i)
{
    const uint64_t block = i / 4;
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), 0, 0};
    uint32_t out[4];
    tn_philox(counter, key, out);
    return out[i % 4];
}

/* The bits of elements first .. first + n - 1: the fast way to fill a run. */
static inline void tn_random_run(tn_key key, uint64_t first, int64_t n, uint32_t *bits)
{
    int64_t i = 0;
    for (; i < n && (first + (uint64_t)i) % 4; i++)
        bits[i] = tn_random_bits(key, first + (uint64_t)i);
    tn_philox_run(key, (first + (uint64_t)i) / 4, (n - i) / 4, bits + i);
    for (i += (n - i) / 4 * 4; i < n; i++)
        bits[i] = tn_random_bits(key, first + (uint64_t)i);
}

/* Uniform on (0, 1): 52 bits from element i's pair of words, never 0 and never 1. */
static inline double tn_random_uniform(tn_key key, uint64_t i)
{
    const uint32_t counter[4] = {(uint32_t)i, (uint32_t)(i >> 32), 1, 0};
    uint32_t out[4];
    tn_philox(counter, key, out);
    const uint64_t bits = ((uint64_t)out[0] << 20) ^ (out[1] >> 12);
    return ((double)bits + 0.5) * 0x1p-52;
}

/* Standard normal by Box and Muller (1958). */
static inline double tn_random_normal(tn_key key, uint64_t i)
{
    const double u = tn_random_uniform(key, 2 * i), v = tn_random_uniform(key, 2 * i + 1);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586477 * v);
}

#endif
