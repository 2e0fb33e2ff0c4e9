/* kernel_pack.h - packing for kernels, and memory that is read against its grain. Included by kernel.c,
 * for one instruction set and precision. */
#ifndef BACKEND_BLIS_KERNEL_PACK_H
#define BACKEND_BLIS_KERNEL_PACK_H

/* Where memory is read against its grain: in squares of SIDE rows and columns, put together
 * from halves of rows so that few shuffles are left. */
#define SIDE ((int64_t)(32 / sizeof(real)))
#define PANEL ((int64_t)(PANEL_BYTES / sizeof(real)))
typedef real square_row
    __attribute__((vector_size(32), aligned(sizeof(real)), may_alias));
typedef real half_row __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));

#if TN_REAL_BITS == 32
INLINE square_row join(const real *low, const real *high)
{
    return (square_row)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)),
                                            _mm_loadu_ps(high), 1);
}

/* Four columns of a square, from its eight rows. */
INLINE void turn_half(const real *const *row, int64_t at, square_row *column)
{
    const square_row a = join(row[0] + at, row[4] + at),
                     b = join(row[1] + at, row[5] + at),
                     c = join(row[2] + at, row[6] + at),
                     d = join(row[3] + at, row[7] + at);
    const square_row ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13),
                     ab_high = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15),
                     cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13),
                     cd_high = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    column[0] = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13);
    column[1] = __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
    column[2] = __builtin_shufflevector(ab_high, cd_high, 0, 1, 8, 9, 4, 5, 12, 13);
    column[3] = __builtin_shufflevector(ab_high, cd_high, 2, 3, 10, 11, 6, 7, 14, 15);
}
#else
INLINE square_row join(const real *low, const real *high)
{
    return (square_row)_mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low)),
                                            _mm_loadu_pd(high), 1);
}

INLINE void turn_half(const real *const *row, int64_t at, square_row *column)
{
    const square_row a = join(row[0] + at, row[2] + at),
                     b = join(row[1] + at, row[3] + at);
    column[0] = __builtin_shufflevector(a, b, 0, 4, 2, 6);
    column[1] = __builtin_shufflevector(a, b, 1, 5, 3, 7);
}
#endif

INLINE square_row get(const real *from)
{
    return *(const square_row *)from;
}

INLINE void put(real *into, square_row value)
{
    *(square_row *)into = value;
}

/* Where `width` rows of such memory begin; those past `count` repeat the last. */
INLINE void find_rows(const real *from, int64_t side, int64_t count, int64_t width,
                      const real **row)
{
    for (int64_t j = 0; j < width; j++)
        row[j] = from + (j < count ? j : count - 1) * side;
}

/* What will be read next lies `ahead` in the rows, and is fetched on the way: processors do not
 * foresee so many short runs. It may lie outside the matrix. */
INLINE void fetch_next(const real *const *row, int64_t k, int64_t ahead)
{
    UNROLL for (int64_t i = 0; i < SIDE; i++) __builtin_prefetch(
        (const void *)((uintptr_t)(row[i] + k) + (uintptr_t)ahead * sizeof(real)), 0, 2);
}

/* Steps lie side by side in memory: its rows become columns. A few steps at a time, so that
 * what is written stays in the L1 cache until it is whole. */
INLINE void turn(const tn_blis_strip *s, const int64_t width)
{
    enum { STEPS = 64 };
    const real *row[PANEL_BYTES / sizeof(real)];
    real *into = s->into;
    const int64_t depth = s->depth, whole = depth / LINE * LINE;
    find_rows(s->from, s->side, s->count, width, row);
    for (int64_t from = 0; from < whole; from += STEPS) {
        const int64_t end = from + STEPS < whole ? from + STEPS : whole;
        for (int64_t j = 0; j < width; j += SIDE)
            for (int64_t k = from; k < end; k += LINE) {
                fetch_next(row + j, k, s->ahead);
                UNROLL for (int64_t i = 0; i < LINE; i += SIDE / 2)
                {
                    square_row column[SIDE / 2];
                    turn_half(row + j, k + i, column);
                    UNROLL for (int64_t q = 0; q < SIDE / 2; q++)
                        put(into + (k + i + q) * width + j, column[q]);
                }
            }
    }
    for (int64_t k = whole; k < depth; k++)
        for (int64_t j = 0; j < width; j++) into[k * width + j] = row[j][k];
}

INLINE void copy_half(const real *from, real *into)
{
    *(half_row *)into = *(const half_row *)from;
}

/* Values lie side by side in memory. The last vector of each step, or its half, may overlap the one
 * before, so that nothing past `count` is read. */
INLINE void copy(const tn_blis_strip *s, const int64_t width)
{
    const int64_t depth = s->depth, step = s->step, count = s->count,
                  whole = count / SIDE * SIDE;
    const real *from = s->from;
    real *into = s->into;
    for (int64_t k = 0; k < depth; k++, from += step, into += width) {
        if (count == width) {
            UNROLL for (int64_t j = 0; j < width; j += SIDE) put(into + j, get(from + j));
            continue;
        }
        const square_row none = {0};
        UNROLL for (int64_t j = 0; j < width; j += SIDE)
            put(into + j, j < whole ? get(from + j) : none);
        if (whole == count) continue;
        if (whole) {
            put(into + count - SIDE, get(from + count - SIDE));
        } else if (count >= SIDE / 2) {
            copy_half(from, into);
            copy_half(from + count - SIDE / 2, into + count - SIDE / 2);
        } else {
            for (int64_t j = 0; j < count; j++) into[j] = from[j];
        }
    }
}

static void pick(const tn_blis_strip *s, int64_t width)
{
    const real *from = s->from;
    real *into = s->into;
    for (int64_t k = 0; k < s->depth; k++, from += s->step, into += width)
        for (int64_t j = 0; j < width; j++)
            into[j] = j < s->count ? from[j * s->side] : 0;
}

INLINE void pack(const tn_blis_strip *s, const int64_t width)
{
    if (s->side == 1)
        copy(s, width);
    else if (s->step == 1)
        turn(s, width);
    else
        pick(s, width);
}

#endif
