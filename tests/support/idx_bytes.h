/* idx_bytes.h - tiny IDX files, plain and compressed. */
#ifndef TESTS_SUPPORT_IDX_BYTES_H
#define TESTS_SUPPORT_IDX_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/disk.h"

typedef struct idx_bytes {
    unsigned char at[4096];
    size_t size;
} idx_bytes;

/* Sizes of the axes, 0 ends them; elements count up from `first`, `modulus` of them. */
static inline idx_bytes idx_counting(const uint32_t *dim, unsigned first,
                                     unsigned modulus)
{
    idx_bytes b = {{0, 0, 8}, 4};
    size_t n = 1;
    for (; *dim; dim++, b.at[3]++) {
        for (int shift = 24; shift >= 0; shift -= 8)
            b.at[b.size++] = (unsigned char)(*dim >> shift);
        n *= *dim;
    }
    for (size_t i = 0; i < n; i++) b.at[b.size++] = (unsigned char)(first + i % modulus);
    return b;
}

/* In one stored deflate block (RFC 1951, 3.2.4), so that no compressor is needed. */
static inline idx_bytes idx_packed(const idx_bytes *plain)
{
    idx_bytes b = {{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1}, 11};
    const unsigned n = (unsigned)plain->size, m = ~n;
    uint32_t crc = 0xffffffffu;
    b.at[b.size++] = (unsigned char)n, b.at[b.size++] = (unsigned char)(n >> 8);
    b.at[b.size++] = (unsigned char)m, b.at[b.size++] = (unsigned char)(m >> 8);
    memcpy(b.at + b.size, plain->at, plain->size);
    b.size += plain->size;
    for (size_t i = 0; i < plain->size; i++) {
        crc ^= plain->at[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    crc = ~crc;
    for (int shift = 0; shift < 32; shift += 8)
        b.at[b.size++] = (unsigned char)(crc >> shift);
    for (int shift = 0; shift < 32; shift += 8)
        b.at[b.size++] = (unsigned char)(n >> shift);
    return b;
}

static inline void idx_write(const char *path, const idx_bytes *b)
{
    test_write(path, b->at, b->size);
}

#endif
