/* npy_element.h - the types of a NumPy array's elements that are read, and one element. */
#ifndef DATASET_NPY_ELEMENT_H
#define DATASET_NPY_ELEMENT_H

#include <stdint.h>
#include <string.h>

typedef enum npy_type {
    NPY_F16,
    NPY_F32,
    NPY_F64,
    NPY_BOOL, /* from here on whole */
    NPY_U8,
    NPY_U16,
    NPY_U32,
    NPY_I8,
    NPY_I16,
    NPY_I32,
    NPY_I64,
    NPY_TYPES
} npy_type;

typedef struct npy_known_type {
    const char *name; /* as the header has it */
    size_t size;
} npy_known_type;

static inline const npy_known_type *npy_known(npy_type type)
{
    static const npy_known_type known[NPY_TYPES] = {
        [NPY_F16] = {"'<f2'", 2},  [NPY_F32] = {"'<f4'", 4}, [NPY_F64] = {"'<f8'", 8},
        [NPY_BOOL] = {"'|b1'", 1}, [NPY_U8] = {"'|u1'", 1},  [NPY_U16] = {"'<u2'", 2},
        [NPY_U32] = {"'<u4'", 4},  [NPY_I8] = {"'|i1'", 1},  [NPY_I16] = {"'<i2'", 2},
        [NPY_I32] = {"'<i4'", 4},  [NPY_I64] = {"'<i8'", 8}};
    return &known[type];
}

static inline int npy_type_is_whole(npy_type type)
{
    return type >= NPY_BOOL;
}

/* IEEE 754 binary16; a float has room for each. */
static inline float npy_half(uint16_t half)
{
    const uint32_t exponent = half >> 10 & 31, fraction = half & 1023;
    const float small = (float)fraction * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &small, sizeof bits);
    if (exponent) bits = (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    bits |= (uint32_t)(half >> 15) << 31;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define NPY_ELEMENT(TYPE, VALUE)                                     \
    {                                                                \
        TYPE value;                                                  \
        memcpy(&value, at + (size_t)i * sizeof value, sizeof value); \
        return VALUE;                                                \
    }

/* Element i of whole numbers from `at` on, which may be unaligned. */
static inline int64_t npy_whole_at(npy_type type, const unsigned char *at, int64_t i)
{
    switch (type) {
    case NPY_BOOL: return at[i] != 0;
    case NPY_U16: NPY_ELEMENT(uint16_t, value)
    case NPY_U32: NPY_ELEMENT(uint32_t, value)
    case NPY_I8: NPY_ELEMENT(int8_t, value)
    case NPY_I16: NPY_ELEMENT(int16_t, value)
    case NPY_I32: NPY_ELEMENT(int32_t, value)
    case NPY_I64: NPY_ELEMENT(int64_t, value)
    default: return at[i];
    }
}

/* Of any; integers beyond 2^53 are rounded. */
static inline double npy_real_at(npy_type type, const unsigned char *at, int64_t i)
{
    switch (type) {
    case NPY_F16: NPY_ELEMENT(uint16_t, (double)npy_half(value))
    case NPY_F32: NPY_ELEMENT(float, (double)value)
    case NPY_F64: NPY_ELEMENT(double, value)
    default: return (double)npy_whole_at(type, at, i);
    }
}

#endif
