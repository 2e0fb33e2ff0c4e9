/* kernel.c - the inner kernels: a tile of the result in registers. Packing: kernel_pack.h.
 *
 * Compiled for each instruction set (KERNEL_NAME, KERNEL_BYTES of a vector, KERNEL_ROWS of
 * the tallest tile) and precision (TN_REAL_BITS). Products are added by fused multiply-adds,
 * named (add_product) or by contraction of `acc += a * b`, which is what makes the bits the
 * same for all of them.
 *
 * Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM
 * TOMS 34(3), 2008; the tile is as tall as registers allow, its width two vectors. */
#include "kernel.h"

#include <immintrin.h>

#if TN_REAL_BITS == 64
typedef double real;
#else
typedef float real;
#endif

typedef real vector __attribute__((vector_size(KERNEL_BYTES)));
typedef real in_memory
    __attribute__((vector_size(KERNEL_BYTES), aligned(sizeof(real)), may_alias));

#define LANES ((int64_t)(KERNEL_BYTES / sizeof(real)))
#define WIDTH (2 * LANES)
#define PITCH ((KERNEL_ROWS + 7) / 8 * 8)
#define LINE_BYTES 64
#define LINE ((int64_t)(LINE_BYTES / sizeof(real)))
/* Steps of B that are fetched: few rows are soon done. Where each is the line behind the one before,
 * processors foresee them. */
#define AHEAD(rows, packed) \
    ((packed) && WIDTH * sizeof(real) <= LINE_BYTES ? 0 : (rows) > 4 ? 16 : 64)
#define AT_ONCE 8  /* steps of a loop */
#define POINTERS 8 /* to rows of A */
_Static_assert(AT_ONCE *PACE % LINE_BYTES == 0, "what is used next is fetched by lines");
#define INLINE static inline __attribute__((always_inline))
/* Keeps compilers from adding to a value ahead of the loop what an address can be made of. */
#define HIDE(value) __asm__("" : "+r"(value))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#include "kernel_pack.h"

/* ---- a tile ------------------------------------------------------------------------- */

/* Sums of columns from `col` of the bias on, to their place. */
INLINE void finish(const int rows, const int wide, const tn_blis_tile *t, vector acc[][2],
                   real *out, int64_t col)
{
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

/* sum += a b, rounded once. The instruction is named, as compilers that choose among its kin move sums
 * from register to register, and some to memory. */
INLINE void add_product(vector *sum, vector a, vector b)
{
#if TN_REAL_BITS == 64
    __asm__("vfmadd231pd %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b));
#else
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b));
#endif
}

/* Without rounding, and with the sign of a zero. */
INLINE vector broadcast(const real *value)
{
    return *value - (vector){0};
}

/* Where A is: pointers to its rows, to each if there are registers for so many, else to each fifth, to
 * the first one if they lie side by side; and how many bytes lie between rows, from each to the third
 * behind it, between steps, and from the first step to this one. (An address is a sum with a register
 * times 1, 2, 4 or 8.) */
typedef struct operand_a {
    const char *at[POINTERS];
    int64_t row, thrice, step, now;
} operand_a;

INLINE int rows_by_pointer(const int rows, const bool by_row)
{
    return !by_row ? rows : rows <= POINTERS ? 1 : 5;
}

INLINE operand_a find_a(const int rows, const bool by_row, const tn_blis_tile *t,
                        const real *from)
{
    const int64_t size = (int64_t)sizeof(real), row = size * (by_row ? t->a_row : 1);
    const int group = rows_by_pointer(rows, by_row);
    operand_a a = {
        .row = row, .thrice = 3 * row, .step = size * (by_row ? 1 : t->a_step)};
    UNROLL for (int g = 0; group * g < rows; g++)
    {
        a.at[g] = (const char *)from + group * g * row;
        HIDE(a.at[g]);
    }
    return a;
}

/* Inlined with constant rows, wide (vectors), steps and `ahead` (steps of B that are fetched, 0: none),
 * so that acc lives in registers. */
INLINE void multiply_steps(const int steps, const int rows, const int wide,
                           const bool by_row, const int ahead, operand_a *a,
                           const real **b, int64_t b_step, vector acc[][2])
{
    const int group = rows_by_pointer(rows, by_row);
    if (by_row) HIDE(a->now);
    if (by_row && group > 1) {
        HIDE(a->row);
        HIDE(a->thrice);
    }
    UNROLL for (int q = 0; q < steps; q++, *b += b_step)
    {
        vector x[2];
        __asm__ volatile("" : : : "memory"); /* reading ahead would take more registers */
        if (ahead) __builtin_prefetch(*b + ahead * b_step, 0, 3);
        if (ahead && wide * KERNEL_BYTES > LINE_BYTES)
            __builtin_prefetch(*b + ahead * b_step + LINE, 0, 3);
        UNROLL for (int j = 0; j < wide; j++) x[j] = *(const in_memory *)(*b + j * LANES);
        UNROLL for (int i = 0; i < rows; i++)
        {
            const int64_t off = by_row && i % group == 3 ? a->thrice : i % group * a->row;
            const real *value = (const void *)(a->at[i / group] + a->now + off +
                                               q * a->step);
            UNROLL for (int j = 0; j < wide; j++)
                add_product(&acc[i][j], broadcast(value), x[j]);
        }
    }
    a->now += steps * a->step;
}

/* What is used next is fetched at an even pace: a processor can wait for some ten lines at a time,
 * and while it waits for so many, nothing else comes from its L2 cache either. Narrow results have
 * small operands. */
INLINE void multiply(const int rows, const int wide, const bool by_row, const bool packed,
                     const tn_blis_tile *t, int64_t col)
{
    const int ahead = wide == 2 ? AHEAD(rows, packed) : 0;
    const int64_t b_step = packed ? WIDTH : t->b_step;
    vector acc[2 * KERNEL_ROWS][2];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < wide; j++)
        acc[i][j] = (vector){0};
    operand_a a = find_a(rows, by_row, t, t->a);
    const real *b = (const real *)t->b + col / WIDTH * t->b_next;
    real *out = (real *)t->out + col;
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < wide; j++)
        __builtin_prefetch(out + i * t->out_row + j * LANES, 1, 3);
    const void *const *fetch = t->fetch;
    for (int64_t left = t->depth, run = t->first; left > 0; left -= run, run = t->run) {
        const char *next = fetch ? *fetch++ : (const char *)b;
        int64_t k = left < run ? left : run;
        for (; k >= AT_ONCE; k -= AT_ONCE, next += AT_ONCE * PACE) {
            if (wide == 2 && fetch)
                UNROLL for (int i = 0; i < AT_ONCE * PACE; i += LINE_BYTES)
                    __builtin_prefetch(next + i, 0, 2);
            multiply_steps(AT_ONCE, rows, wide, by_row, ahead, &a, &b, b_step, acc);
        }
        for (; k > 0; k--)
            multiply_steps(1, rows, wide, by_row, ahead, &a, &b, b_step, acc);
        a.now += t->a_skip * (int64_t)sizeof(real);
    }
    HIDE(out); /* rows are found anew, or their addresses would be kept all along */
    finish(rows, wide, t, acc, out, col);
}

#define KERNEL(name, r, wide, by_row, packed)                           \
    static void name##_##r##_##wide(const tn_blis_tile *t, int64_t col) \
    {                                                                   \
        multiply(r, wide, by_row, packed, t, col);                      \
    }
#define WIDE(r)                              \
    KERNEL(column, r, 2, false, false)       \
    KERNEL(row, r, 2, true, false)           \
    KERNEL(column_packed, r, 2, false, true) \
    KERNEL(row_packed, r, 2, true, true)
#define NARROW(r)                      \
    KERNEL(column, r, 1, false, false) \
    KERNEL(row, r, 1, true, false)
#if KERNEL_ROWS == 14
#define LOW(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14)
#define TALL(F) \
    F(15) F(16) F(17) F(18) F(19) F(20) F(21) F(22) F(23) F(24) F(25) F(26) F(27) F(28)
#else
#define LOW(F) F(1) F(2) F(3) F(4) F(5) F(6)
#define TALL(F) F(7) F(8) F(9) F(10) F(11) F(12)
#endif
LOW(WIDE)
LOW(NARROW)
TALL(NARROW)

typedef void kernel(const tn_blis_tile *t, int64_t col);
#define OF_WIDE(r) \
    {{column_##r##_2, row_##r##_2}, {column_packed_##r##_2, row_packed_##r##_2}},
#define OF_NARROW(r) {column_##r##_1, row_##r##_1},
static kernel *const of_wide[KERNEL_ROWS][2][2] = {LOW(OF_WIDE)};
static kernel *const of_narrow[2 * KERNEL_ROWS][2] = {LOW(OF_NARROW) TALL(OF_NARROW)};

static void multiply_tile(const tn_blis_tile *t)
{
    const bool by_row = t->a_row != 1, packed = t->b_step == WIDTH;
    int64_t col = 0;
    for (; col + WIDTH <= t->cols; col += WIDTH)
        of_wide[t->rows - 1][packed][by_row](t, col);
    if (col < t->cols) of_narrow[t->rows - 1][by_row](t, col);
}

/* ---- small products ------------------------------------------------------------------ */

/* Blocks of the results of small products, whose operands the L1 cache has: all of one size, with as
 * many chains as multiplications that are under way. What is used next is fetched a line at a time. */
#define NEAR_BYTES 0x4000                      /* of B, in half of the L1 cache */
#define BLOCK_ROWS (KERNEL_ROWS == 14 ? 8 : 4) /* of two vectors; of one twice as many */

/* Each is as far from the one before as `n` says. */
INLINE void multiply_blocks(const int across, const bool by_row, const tn_blis_tile *t,
                            tn_blis_several n, tn_blis_ahead *ahead)
{
    enum { ROWS = 2 * BLOCK_ROWS };
    const int rows = ROWS / across;
    const int64_t b_step = t->b_step;
    const real *from = t->a, *panel = t->b;
    real *out = t->out;
    const char *fetch = ahead->at, *const fetch_end = ahead->end;
    for (; n.count > 0;
         n.count--, from += n.a_next, panel += n.b_next, out += n.out_next) {
        vector acc[ROWS][2];
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < across; j++)
            acc[i][j] = (vector){0};
        operand_a a = find_a(rows, by_row, t, from);
        const real *b = panel;
        int64_t k = t->depth;
        for (; k >= AT_ONCE; k -= AT_ONCE) {
            if (fetch < fetch_end)
                UNROLL for (int q = 0; q < AT_ONCE; q++, fetch += LINE_BYTES)
                    __builtin_prefetch(fetch, 0, 2);
            multiply_steps(AT_ONCE, rows, across, by_row, 0, &a, &b, b_step, acc);
        }
        for (; k > 0; k--)
            multiply_steps(1, rows, across, by_row, 0, &a, &b, b_step, acc);
        finish(rows, across, t, acc, out, 0);
    }
    ahead->at = fetch;
    if (fetch >= fetch_end)
        *ahead = (tn_blis_ahead){.at = ahead->next, .end = ahead->next_end};
}

static void blocks_by_row(const tn_blis_tile *t, int across, tn_blis_several n,
                          tn_blis_ahead *ahead)
{
    if (across == 2)
        multiply_blocks(2, true, t, n, ahead);
    else
        multiply_blocks(1, true, t, n, ahead);
}

static void blocks_by_column(const tn_blis_tile *t, int across, tn_blis_several n,
                             tn_blis_ahead *ahead)
{
    if (across == 2)
        multiply_blocks(2, false, t, n, ahead);
    else
        multiply_blocks(1, false, t, n, ahead);
}

/* Tiles of the same rows and columns of all products. */
static void multiply_rest(tn_blis_tile t, int across, const tn_blis_several *s)
{
    const bool by_row = t.a_row != 1;
    kernel *const run = across == 2 ? of_wide[t.rows - 1][t.b_step == WIDTH][by_row]
                                    : of_narrow[t.rows - 1][by_row];
    for (int64_t i = 0; i < s->count; i++) {
        run(&t, 0);
        t.a = (const real *)t.a + s->a_next, t.b = (const real *)t.b + s->b_next;
        t.out = (real *)t.out + s->out_next;
    }
}

/* Rows of blocks, of each product by itself, so that its panel of B stays in the L1 cache; where that
 * has room for those of all, block by block of all products. */
static void multiply_panel(tn_blis_tile t, int across, const tn_blis_several *s,
                           tn_blis_ahead *ahead)
{
    const int64_t high = 2 * BLOCK_ROWS / across, down = t.rows / high,
                  whole = down * high, left = t.rows - whole;
    const bool near = s->count * t.depth * across * KERNEL_BYTES <= NEAR_BYTES;
    const tn_blis_several rows = {down, high * t.a_row, 0, high * t.out_row},
                          inner = near ? *s : rows, outer = near ? rows : *s;
    void (*run)(const tn_blis_tile *, int, tn_blis_several,
                tn_blis_ahead *) = t.a_row != 1 ? blocks_by_row : blocks_by_column;
    tn_blis_tile one = t;
    for (int64_t i = 0; i < outer.count; i++) {
        run(&one, across, inner, ahead);
        one.a = (const real *)one.a + outer.a_next,
        one.b = (const real *)one.b + outer.b_next;
        one.out = (real *)one.out + outer.out_next;
    }
    if (!left) return;
    t.rows = left;
    t.a = (const real *)t.a + whole * t.a_row, t.out = (real *)t.out + whole * t.out_row;
    multiply_rest(t, across, s);
}

static void multiply_small(const tn_blis_tile *t, const tn_blis_several *s,
                           tn_blis_ahead *ahead)
{
    tn_blis_tile panel = *t;
    for (int64_t col = 0; col < t->cols; col += WIDTH) {
        const int across = t->cols - col >= WIDTH ? 2 : 1;
        panel.b = (const real *)t->b + col / WIDTH * t->b_next;
        panel.out = (real *)t->out + col;
        panel.bias = t->bias ? (const real *)t->bias + col : NULL;
        multiply_panel(panel, across, s, ahead);
    }
}

/* ---- few rows ----------------------------------------------------------------------- */

/* B is read once where it lies against its grain, and is turned in registers on the way: two
 * squares side by side, for enough chains with few rows of memory at a time. */
INLINE void multiply_turned(const int rows, const tn_blis_tile *t)
{
    const real *row[PANEL_BYTES / sizeof(real)], *a = t->a;
    real *out = t->out;
    const int64_t depth = t->depth, whole = depth / LINE * LINE;
    find_rows(t->b, t->b_side, t->cols, PANEL, row);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < PANEL; j++) out[i * PANEL + j] = 0;
    for (int64_t j = 0; j < t->cols; j += 2 * SIDE) {
        square_row acc[FEW][2];
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int g = 0; g < 2; g++)
            acc[i][g] = (square_row){0};
        for (int64_t k = 0; k < whole; k += LINE) UNROLL for (int g = 0; g < 2; g++)
            {
                fetch_next(row + j + g * SIDE, k, DEPTH);
                UNROLL for (int64_t h = 0; h < LINE; h += SIDE / 2)
                {
                    square_row column[SIDE / 2];
                    turn_half(row + j + g * SIDE, k + h, column);
                    UNROLL for (int64_t q = 0; q < SIDE / 2; q++)
                        UNROLL for (int i = 0; i < rows; i++)
                            acc[i][g] += a[i * t->a_row + k + h + q] * column[q];
                }
            }
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int g = 0; g < 2; g++)
            put(out + i * PANEL + j + g * SIDE, acc[i][g]);
    }
    for (int64_t k = whole; k < depth; k++)
        for (int i = 0; i < rows; i++)
            for (int64_t j = 0; j < PANEL; j++)
                out[i * PANEL + j] += a[i * t->a_row + k] * row[j][k];
}

/* Steps of B lie far apart, and are read a long run at a time: sums wait in memory. */
INLINE void multiply_long(const int rows, const tn_blis_tile *t)
{
    enum { STEPS = 8 };
    const int64_t a_row = t->a_row, a_step = t->a_step, b_step = t->b_step,
                  out_row = t->out_row;
    const real *a = t->a, *b = t->b;
    real *out = t->out;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < t->cols; j++) out[i * out_row + j] = 0;
    int64_t k = 0;
    for (; k + STEPS <= t->depth; k += STEPS, b += STEPS * b_step)
        for (int64_t j = 0; j < t->cols; j += LANES) {
            vector acc[FEW];
            UNROLL for (int i = 0; i < rows; i++)
                acc[i] = *(const in_memory *)(out + i * out_row + j);
            UNROLL for (int64_t q = 0; q < STEPS; q++)
            {
                const vector x = *(const in_memory *)(b + q * b_step + j);
                UNROLL for (int i = 0; i < rows; i++)
                    acc[i] += a[i * a_row + (k + q) * a_step] * x;
            }
            UNROLL for (int i = 0; i < rows; i++) *
                (in_memory *)(out + i * out_row + j) = acc[i];
        }
    for (; k < t->depth; k++, b += b_step)
        for (int64_t j = 0; j < t->cols; j += LANES)
            for (int i = 0; i < rows; i++)
                *(in_memory *)(out + i * out_row + j) += a[i * a_row + k * a_step] *
                                                         *(const in_memory *)(b + j);
}

static void multiply_few_turned(const tn_blis_tile *t)
{
    switch (t->rows) {
    case 1: multiply_turned(1, t); return;
    case 2: multiply_turned(2, t); return;
    case 3: multiply_turned(3, t); return;
    default: multiply_turned(4, t);
    }
}

static void multiply_few_long(const tn_blis_tile *t)
{
    switch (t->rows) {
    case 1: multiply_long(1, t); return;
    case 2: multiply_long(2, t); return;
    case 3: multiply_long(3, t); return;
    default: multiply_long(4, t);
    }
}

static void pack_a(const tn_blis_strip *s)
{
    pack(s, PITCH);
}

static void pack_b(const tn_blis_strip *s)
{
    pack(s, WIDTH);
}

#define NAME__(name, bits) tn_blis_##name##_f##bits
#define NAME_(name, bits) NAME__(name, bits)
#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)

const tn_blis_kernels NAME_(KERNEL_NAME,
                            TN_REAL_BITS) = {.name = TEXT(KERNEL_NAME),
                                             .rows = KERNEL_ROWS,
                                             .tall = 2 * KERNEL_ROWS,
                                             .pitch = PITCH,
                                             .lanes = LANES,
                                             .wide = WIDTH,
                                             .multiply = multiply_tile,
                                             .multiply_small = multiply_small,
                                             .multiply_turned = multiply_few_turned,
                                             .multiply_long = multiply_few_long,
                                             .pack_a = pack_a,
                                             .pack_b = pack_b};
