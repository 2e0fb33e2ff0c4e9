/* kernel.c - the inner kernels: a tile of the result in registers, and packing.
 *
 * Compiled for each instruction set (KERNEL_NAME, KERNEL_BYTES of a vector, KERNEL_ROWS of
 * the tallest tile) and precision (TN_REAL_BITS), with contraction: `acc += a * b` is one
 * fused multiply-add, which is what makes the bits the same for all of them.
 *
 * Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM
 * TOMS 34(3), 2008; the tile is as tall as registers allow, its width two vectors. */
#include "kernel.h"

#include <stddef.h>
#include <string.h>

#if TN_REAL_BITS == 64
typedef double real;
#else
typedef float real;
#endif

typedef real vector __attribute__((vector_size(KERNEL_BYTES)));
typedef real in_memory
    __attribute__((vector_size(KERNEL_BYTES), aligned(sizeof(real)), may_alias));

#define LANES ((int64_t)(KERNEL_BYTES / sizeof(real)))
#define PITCH ((KERNEL_ROWS + 7) / 8 * 8)
#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* ---- a tile ------------------------------------------------------------------------- */

/* Inlined with constant rows, wide (vectors) and by_row, so that acc lives in registers.
 * Rows of A are reached from three pointers: more would not fit beside the rest. */
INLINE void multiply(const int rows, const int wide, const bool by_row,
                     const tn_blis_tile *t, int64_t col)
{
    vector acc[KERNEL_ROWS][2];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < wide; j++)
        acc[i][j] = (vector){0};
    const int64_t step = by_row ? 1 : t->a_step, row = by_row ? t->a_row : 1;
    const real *a0 = t->a, *a5 = rows > 5 ? a0 + 5 * row : a0,
               *a10 = rows > 10 ? a0 + 10 * row : a0;
    const real *b = (const real *)t->b + col;
    for (int64_t k = 0; k < t->depth; k++) {
        vector x[2];
        UNROLL for (int j = 0; j < wide; j++) x[j] = *(const in_memory *)(b + j * LANES);
        UNROLL for (int i = 0; i < rows; i++)
        {
            const real a = i < 5    ? a0[i * row]
                           : i < 10 ? a5[(i - 5) * row]
                                    : a10[(i - 10) * row];
            UNROLL for (int j = 0; j < wide; j++) acc[i][j] += a * x[j];
        }
        a0 += step, a5 += step, a10 += step, b += t->b_step;
    }
    real *out = (real *)t->out + col;
    if (t->add)
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < wide; j++)
            acc[i][j] += *(in_memory *)(out + i * t->out_row + j * LANES);
    if (t->bias) UNROLL for (int j = 0; j < wide; j++)
        {
            const vector bias = *(const in_memory *)((const real *)t->bias + col +
                                                     j * LANES);
            UNROLL for (int i = 0; i < rows; i++) acc[i][j] += bias;
        }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < wide; j++) *
        (in_memory *)(out + i * t->out_row + j * LANES) = acc[i][j];
}

#define KERNELS(r)                                                 \
    static void row_##r##_2(const tn_blis_tile *t, int64_t col)    \
    {                                                              \
        multiply(r, 2, true, t, col);                              \
    }                                                              \
    static void row_##r##_1(const tn_blis_tile *t, int64_t col)    \
    {                                                              \
        multiply(r, 1, true, t, col);                              \
    }                                                              \
    static void column_##r##_2(const tn_blis_tile *t, int64_t col) \
    {                                                              \
        multiply(r, 2, false, t, col);                             \
    }                                                              \
    static void column_##r##_1(const tn_blis_tile *t, int64_t col) \
    {                                                              \
        multiply(r, 1, false, t, col);                             \
    }
#if KERNEL_ROWS == 14
#define EACH(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14)
#else
#define EACH(F) F(1) F(2) F(3) F(4) F(5) F(6)
#endif
EACH(KERNELS)

typedef void kernel(const tn_blis_tile *t, int64_t col);
#define OF_ROWS(r) {{column_##r##_1, column_##r##_2}, {row_##r##_1, row_##r##_2}},
static kernel *const kernels[KERNEL_ROWS][2][2] = {EACH(OF_ROWS)};

static void multiply_tile(const tn_blis_tile *t)
{
    kernel *const *const of = kernels[t->rows - 1][t->a_row != 1];
    int64_t col = 0;
    for (; col + 2 * LANES <= t->cols; col += 2 * LANES) of[1](t, col);
    if (col < t->cols) of[0](t, col);
}

/* ---- packing ------------------------------------------------------------------------ */

/* Where memory is read against its grain: in squares of a vector of 32 bytes each way,
 * put together from halves so that few shuffles are left. */
#define SIDE ((int64_t)(32 / sizeof(real)))
typedef real square_row
    __attribute__((vector_size(32), aligned(sizeof(real)), may_alias));
typedef real half_row __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));

#if TN_REAL_BITS == 32
INLINE square_row join(const real *low, const real *high)
{
    const half_row a = *(const half_row *)low, b = *(const half_row *)high;
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}

/* Four columns of a square, from its eight rows at `row`. */
INLINE void turn_half(const real *const *row, int64_t at, real *into, int64_t width)
{
    const square_row a = join(row[0] + at, row[4] + at),
                     b = join(row[1] + at, row[5] + at),
                     c = join(row[2] + at, row[6] + at),
                     d = join(row[3] + at, row[7] + at);
    const square_row ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13),
                     ab_high = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15),
                     cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13),
                     cd_high = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    *(square_row *)into = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13);
    *(square_row *)(into + width) = __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7,
                                                            14, 15);
    *(square_row *)(into + 2 * width) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 8,
                                                                9, 4, 5, 12, 13);
    *(square_row *)(into + 3 * width) = __builtin_shufflevector(ab_high, cd_high, 2, 3,
                                                                10, 11, 6, 7, 14, 15);
}
#else
INLINE square_row join(const real *low, const real *high)
{
    const half_row a = *(const half_row *)low, b = *(const half_row *)high;
    return __builtin_shufflevector(a, b, 0, 1, 2, 3);
}

INLINE void turn_half(const real *const *row, int64_t at, real *into, int64_t width)
{
    const square_row a = join(row[0] + at, row[2] + at),
                     b = join(row[1] + at, row[3] + at);
    *(square_row *)into = __builtin_shufflevector(a, b, 0, 4, 2, 6);
    *(square_row *)(into + width) = __builtin_shufflevector(a, b, 1, 5, 3, 7);
}
#endif

/* Steps lie side by side in memory: SIDE rows of it become columns. Rows past `count`
 * repeat the last. What comes after this block is fetched on the way: it is read next, and
 * processors do not foresee so many short runs. */
static void turn(const tn_blis_strip *s, int64_t first)
{
    const real *row[32 / sizeof(real)];
    real *into = (real *)s->into + first;
    for (int64_t j = 0; j < SIDE; j++) {
        const int64_t at = first + j < s->count ? first + j : s->count - 1;
        row[j] = (const real *)s->from + at * s->side;
    }
    int64_t k = 0;
    for (; k + SIDE <= s->depth; k += SIDE) {
        if (k % (64 / (int64_t)sizeof(real)) == 0)
            for (int64_t j = 0; j < SIDE; j++)
                __builtin_prefetch(
                    (const void *)((uintptr_t)(row[j] + k) + DEPTH * sizeof(real)), 0, 2);
        turn_half(row, k, into + k * s->width, s->width);
        turn_half(row, k + SIDE / 2, into + (k + SIDE / 2) * s->width, s->width);
    }
    for (; k < s->depth; k++)
        for (int64_t j = 0; j < SIDE; j++) into[k * s->width + j] = row[j][k];
}

/* Values lie side by side in memory. The last vector of each step may overlap the one
 * before, so that nothing past `count` is read. */
static void copy(const tn_blis_strip *s)
{
    const real *from = s->from;
    real *into = s->into;
    const int64_t whole = s->count / SIDE * SIDE, last = s->count - SIDE;
    for (int64_t k = 0; k < s->depth; k++, from += s->step, into += s->width) {
        for (int64_t j = whole; j < s->width; j += SIDE)
            *(square_row *)(into + j) = (square_row){0};
        for (int64_t j = 0; j < whole; j += SIDE)
            *(square_row *)(into + j) = *(const square_row *)(from + j);
        if (whole && whole < s->count)
            *(square_row *)(into + last) = *(const square_row *)(from + last);
        else
            for (int64_t j = whole; j < s->count; j++) into[j] = from[j];
    }
}

static void pick(const tn_blis_strip *s)
{
    const real *from = s->from;
    real *into = s->into;
    for (int64_t k = 0; k < s->depth; k++, from += s->step, into += s->width)
        for (int64_t j = 0; j < s->width; j++)
            into[j] = j < s->count ? from[j * s->side] : 0;
}

static void pack(const tn_blis_strip *s)
{
    if (s->side == 1)
        copy(s);
    else if (s->step == 1)
        for (int64_t first = 0; first < s->width; first += SIDE) turn(s, first);
    else
        pick(s);
}

#define NAME__(name, bits) tn_blis_##name##_f##bits
#define NAME_(name, bits) NAME__(name, bits)
#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)

const tn_blis_kernels NAME_(KERNEL_NAME, TN_REAL_BITS) = {.name = TEXT(KERNEL_NAME),
                                                          .rows = KERNEL_ROWS,
                                                          .pitch = PITCH,
                                                          .lanes = LANES,
                                                          .multiply = multiply_tile,
                                                          .pack = pack};
