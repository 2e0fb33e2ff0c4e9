/* philox.h - Philox-4x32-10: 128 random bits from a key and a counter. Salmon, Moraes, Dror,
 * Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4. random.h includes
 * this file. */
#ifndef TENON_PHILOX_H
#define TENON_PHILOX_H

#include <string.h>

#include "tenon/types.h"

static inline void tn_philox(const uint32_t counter[4], tn_key key, uint32_t out[4])
{
    uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
    uint32_t k0 = key.word[0], k1 = key.word[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)0xD2511F53u * a, q = (uint64_t)0xCD9E8D57u * c;
        a = (uint32_t)(q >> 32) ^ b ^ k0;
        c = (uint32_t)(p >> 32) ^ d ^ k1;
        b = (uint32_t)q;
        d = (uint32_t)p;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
}

/* The four words of each of the counters block .. block + n - 1, one by one. */
static inline void tn_philox_each(tn_key key, uint64_t block, int64_t n, uint32_t *bits)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t at = block + (uint64_t)i;
        const uint32_t counter[4] = {(uint32_t)at, (uint32_t)(at >> 32), 0, 0};
        tn_philox(counter, key, bits + 4 * i);
    }
}

/* The same, LANES counters at a time, each in a 64-bit lane of whose halves only the lower
 * counts; n is a multiple of LANES. Compilers do not find this by themselves: they would have to
 * see that all products are of 32-bit numbers. */
#if defined __x86_64__ && defined __has_builtin
#if __has_builtin(__builtin_shufflevector)
#define TN_PHILOX_IN_LANES

#ifdef __clang__
#define TN_PRODUCT_512(a, b) (((a)&0xFFFFFFFFu) * (b))
#define TN_PRODUCT_256(a, b) (((a)&0xFFFFFFFFu) * (b))
#else
typedef int tn_words_512 __attribute__((vector_size(64)));
typedef int tn_words_256 __attribute__((vector_size(32)));
#define TN_PRODUCT_512(a, b)                                            \
    (tn_lanes_512) __builtin_ia32_pmuludq512_mask(                      \
        (tn_words_512)(a), (tn_words_512)(b),                           \
        (__typeof__((long long)0) __attribute__((vector_size(64)))){0}, \
        (unsigned char)255)
#define TN_PRODUCT_256(a, b) \
    (tn_lanes_256) __builtin_ia32_pmuludq256((tn_words_256)(a), (tn_words_256)(b))
#endif

#define TN_PHILOX_LANES(BITS, TARGET, NUMBERS, FRONT, BACK)                            \
    typedef uint64_t tn_lanes_##BITS __attribute__((vector_size(BITS / 8)));           \
    __attribute__((target(TARGET))) static inline void tn_philox_##BITS(               \
        tn_key key, uint64_t block, int64_t n, uint32_t *bits)                         \
    {                                                                                  \
        const tn_lanes_##BITS zero = {0}, p_factor = zero + 0xD2511F53u,               \
                              q_factor = zero + 0xCD9E8D57u, number = {NUMBERS};       \
        for (int64_t i = 0; i < n; i += BITS / 64) {                                   \
            tn_lanes_##BITS a = number + (block + (uint64_t)i), b = a >> 32, c = zero, \
                            d = zero;                                                  \
            uint32_t k0 = key.word[0], k1 = key.word[1];                               \
            for (int round = 0; round < 10; round++) {                                 \
                const tn_lanes_##BITS p = TN_PRODUCT_##BITS(a, p_factor),              \
                                      q = TN_PRODUCT_##BITS(c, q_factor);              \
                a = (q >> 32) ^ b ^ k0;                                                \
                c = (p >> 32) ^ d ^ k1;                                                \
                b = q;                                                                 \
                d = p;                                                                 \
                k0 += 0x9E3779B9u;                                                     \
                k1 += 0xBB67AE85u;                                                     \
            }                                                                          \
            const tn_lanes_##BITS ab = (a & 0xFFFFFFFFu) | b << 32,                    \
                                  cd = (c & 0xFFFFFFFFu) | d << 32;                    \
            const tn_lanes_##BITS front = __builtin_shufflevector(ab, cd, FRONT),      \
                                  back = __builtin_shufflevector(ab, cd, BACK);        \
            memcpy(bits + 4 * i, &front, sizeof front);                                \
            memcpy(bits + 4 * i + BITS / 32, &back, sizeof back);                      \
        }                                                                              \
    }
#define TN_LIST(...) __VA_ARGS__
TN_PHILOX_LANES(512, "avx512f", TN_LIST(0, 1, 2, 3, 4, 5, 6, 7),
                TN_LIST(0, 8, 1, 9, 2, 10, 3, 11), TN_LIST(4, 12, 5, 13, 6, 14, 7, 15))
TN_PHILOX_LANES(256, "avx2", TN_LIST(0, 1, 2, 3), TN_LIST(0, 4, 1, 5),
                TN_LIST(2, 6, 3, 7))
#endif
#endif

/* The four words of each of the counters block .. block + n - 1. */
static inline void tn_philox_run(tn_key key, uint64_t block, int64_t n, uint32_t *bits)
{
    int64_t done = 0;
#ifdef TN_PHILOX_IN_LANES
    if (__builtin_cpu_supports("avx512f"))
        tn_philox_512(key, block, done = n / 8 * 8, bits);
    else if (__builtin_cpu_supports("avx2"))
        tn_philox_256(key, block, done = n / 4 * 4, bits);
#endif
    tn_philox_each(key, block + (uint64_t)done, n - done, bits + 4 * done);
}

#endif
