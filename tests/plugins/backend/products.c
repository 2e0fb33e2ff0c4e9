/* products.c - products against the reference backend over random shapes and layouts, on every
 * kind of kernels that the processor has; the same bits for any number of threads, for AVX2 and
 * AVX-512, for packed operands and for a row on its own; the order of sums that kernel.h
 * promises, also where the inner dimension is long.
 *
 * The file includes itself for each precision. */
#ifndef TN_REAL_BITS
#define TN_HOST
#include "plugins/backend/blis/choose.h"
#include "tests/support/backend.h"
#include "tests/support/note.h"
#include "tests/support/rounds.h"

/* What a product is made of beside its size. */
typedef struct manner {
    int a, b, out; /* layouts */
    bool read_a, read_b, show_a, overlap_b, packed_b, bias, add, report, keep;
} manner;

static int64_t random_size(void)
{
    const int64_t kind = random_below(100);
    return kind < 4    ? 0
           : kind < 50 ? 1 + random_below(8)
           : kind < 95 ? 1 + random_below(48)
                       : 1 + random_below(600);
}

static manner random_manner(void)
{
    manner how = {.a = (int)random_below(LAYOUTS),
                  .b = (int)random_below(LAYOUTS),
                  .out = (int)random_below(LAYOUTS),
                  .read_a = random_below(4) == 0,
                  .read_b = random_below(4) == 0,
                  .overlap_b = random_below(2),
                  .packed_b = random_below(4) == 0,
                  .bias = random_below(2),
                  .report = random_below(2)};
    how.keep = !how.report || random_below(2);
    how.add = how.keep && random_below(3) == 0;
    return how;
}

#define WINDOW_ROOM 2000 /* values: of a few rows of a block */

/* Steps of a block of the inner dimension: 256 of a long one and of its multiples, else at most 288, in
 * sixteens, about equal. */
static int64_t block_depth(int64_t steps)
{
    const int64_t blocks = (steps + 287) / 288;
    if (steps > 15 * 256 || (steps > 288 && steps % 256 == 0)) return 256;
    return blocks ? ((steps + blocks - 1) / blocks + 15) / 16 * 16 : 16;
}

/* Where slice i of `slices` begins, in blocks of the inner dimension. */
static int64_t slice_begin(int64_t blocks, int64_t slices, int64_t i)
{
    const int64_t rest = blocks % slices;
    return blocks / slices * i + (i < rest ? i : rest);
}

static const char *const kernel_names[] = {"baseline", "avx2", "avx512"};

static void use_kernels(const char *name)
{
    setenv(KERNELS_VARIABLE, name, 1);
}

#define TN_REAL_BITS 64
#include "tenon/kinds.h"
#include "tenon/backend.h"
#include "tests/support/backend.h"
#include __FILE__
#undef TN_REAL_BITS
#define TN_REAL_BITS 32
#include "tenon/kinds.h"
#include "tenon/backend.h"
#include "tests/support/backend.h"
#include __FILE__

#define BOTH(name)       \
    Test(products, name) \
    {                    \
        name##_f32();    \
        name##_f64();    \
    }
BOTH(equals_the_reference)
BOTH(same_bits_for_any_threads)
BOTH(same_bits_for_any_vectors)
BOTH(same_bits_for_a_row_alone)
BOTH(same_bits_from_packed_operands)
BOTH(same_bits_through_callbacks)
BOTH(sums_have_the_order_promised)
BOTH(several_are_each_by_itself)
BOTH(several_have_operands_in_memory)
BOTH(allocates_only_at_first)
BOTH(patches_are_never_there_as_a_whole)

#else /* for one precision */

/* Adds one to every element of a block, counts it and, without data, keeps it. */
typedef struct TN(report) {
    int64_t cols;
    int *count;
    tn_real *kept;
} TN(report);

static void TN(wrote)(const void *with, int64_t row, int64_t col, int64_t rows,
                      int64_t cols, void *block, int64_t stride)
{
    const TN(report) *report = with;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) {
            tn_real *place = (tn_real *)block + i * stride + j;
            const int64_t at = (row + i) * report->cols + col + j;
            *place += 1;
            report->count[at]++;
            if (report->kept) report->kept[at] = *place;
        }
}

/* Rows that overlap in memory: `period` of them lie `step` apart, and go on by runs of `line` values,
 * `pitch` apart; so do those of the next period, a run further on. */
typedef struct TN(windows) {
    tn_real *values;
    int64_t period, step, line, pitch;
} TN(windows);

static TN(windows) TN(windows_make)(int64_t rows, int64_t cols)
{
    TN(windows)
    w = {.period = 1 + random_below(20),
         .step = 1 + random_below(9),
         .line = 1 + random_below(40)};
    w.pitch = w.period * w.step + w.line + random_below(3);
    const int64_t size = (rows / w.period + cols / w.line + 2) * w.pitch;
    w.values = calloc((size_t)size, sizeof *w.values);
    for (int64_t i = 0; i < size; i++) w.values[i] = (tn_real)random_real();
    return w;
}

static tn_real *TN(window_at)(const TN(windows) * w, int64_t row, int64_t col)
{
    return w->values + (row / w->period + col / w->line) * w->pitch +
           row % w->period * w->step + col % w->line;
}

static void TN(read_windows)(const void *with, int64_t row, int64_t col, int64_t rows,
                             int64_t cols, void *block, int64_t stride)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            ((tn_real *)block)[i * stride + j] = *TN(window_at)(with, row + i, col + j);
}

/* Where they lie, up to two periods, or copied. */
static tn_shown TN(show_windows)(const void *with, int64_t row, int64_t col, int64_t rows,
                                 int64_t cols, void *block)
{
    const TN(windows) *w = with;
    const int64_t rest = w->period - row % w->period, at = col % w->line;
    tn_shown shown = {.data = TN(window_at)(w, row, col),
                      .rows = rows,
                      .down = {w->step, rest, w->period, w->pitch - w->period * w->step},
                      .across = {1, w->line - at, w->line, w->pitch - w->line}};
    if (shown.rows > rest + w->period) shown.rows = rest + w->period;
    if (row / w->period % 2) return shown;
    if (shown.rows > WINDOW_ROOM / cols) shown.rows = WINDOW_ROOM / cols;
    TN(read_windows)(with, row, col, shown.rows, cols, block, cols);
    shown.data = block, shown.down = (tn_steps){cols, rows, 1, 0}, shown.across.skip = 0;
    return shown;
}

/* One product in one manner on backend `b`; the result row by row. */
static void TN(run)(TN(backend) b, uint64_t seed, manner how, int64_t m, int64_t n,
                    int64_t k, tn_real *result)
{
    random_state = seed;
    TN(field) x = TN(field_make)(m, k, how.a, true);
    TN(field) y = TN(field_make)(k, n, how.b, true);
    TN(field) out = TN(field_make)(m, n, how.out, how.add);
    TN(field) bias = TN(field_make)(1, n, BY_ROWS, true);
    int *count = calloc((size_t)(m * n) + 1, sizeof *count);
    const TN(report) report = {n, count, how.keep ? NULL : result};
    tn_product p = {
        .struct_size = sizeof p, .a = x.m, .b = y.m, .out = out.m, .add = how.add};
    if (how.read_a) p.a.read = TN(field_read), p.a.with = &x.m, p.a.data = NULL;
    if (how.read_b) p.b.read = TN(field_read), p.b.with = &y.m, p.b.data = NULL;
    if (how.overlap_b) p.b.room = WINDOW_ROOM;
    const TN(windows) windows = TN(windows_make)(how.show_a ? m : 0, how.show_a ? k : 0);
    if (how.show_a) p.a.read = TN(read_windows), p.a.show = TN(show_windows);
    if (how.show_a) p.a.with = &windows, p.a.data = NULL, p.a.room = WINDOW_ROOM;
    if (how.bias) p.bias = bias.buffer;
    const size_t room = how.packed_b && b.slots->pack ? b.slots->pack_size(b.self, &p.b)
                                                      : 0;
    void *packed = room ? aligned_alloc(64, (room + 63) / 64 * 64) : NULL;
    if (packed) {
        b.slots->pack(b.self, &p.b, packed);
        p.b.packed = packed, p.b.data = NULL, p.b.read = NULL;
    }
    if (how.report) p.out.wrote = TN(wrote), p.out.with = &report;
    if (!how.keep) p.out.data = NULL;
    cr_assert_eq(TN(backend_product)(b, &p), TN_OK, "%s", last_error);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            if (how.keep) result[i * n + j] = *TN(field_at)(&out.m, i, j);
            if (!how.add) *TN(field_at)(&out.m, i, j) = NAN;
            cr_assert_eq(count[i * n + j], how.report);
        }
    for (int64_t i = 0; !how.add && i < out.size; i++)
        cr_assert(isnan(out.buffer[i]), "wrote outside the result");
    free(x.buffer), free(y.buffer), free(out.buffer), free(bias.buffer), free(count);
    free(packed), free(windows.values);
}

static void TN(equals_the_reference)(void)
{
    TN(backend) all[3];
    for (int i = 0; i < 3; i++) {
        use_kernels(kernel_names[i]);
        all[i] = TN(backend_open)("blis", 2);
    }
    TN(backend) plain = TN(backend_open)("reference", 1);
    const double unit = sizeof(tn_real) == 8 ? 0x1p-53 : 0x1p-24;
    const uint64_t rounds = (uint64_t)test_rounds(3000, 60000);
    double worst = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        const TN(backend) blis = all[round % 3];
        random_state = round;
        const bool deep = random_below(100) == 0;
        const int64_t m = random_size(), n = random_size(),
                      k = deep ? 4000 + random_below(2000) : random_size();
        manner how = random_manner();
        how.show_a = random_below(4) == 0;
        tn_real *got = calloc((size_t)(m * n) + 1, sizeof *got),
                *want = calloc((size_t)(m * n) + 1, sizeof *want);
        TN(run)(blis, round, how, m, n, k, got);
        TN(run)(plain, round, how, m, n, k, want);
        double off = 0, largest = 1;
        for (int64_t i = 0; i < m * n; i++) {
            const double apart = fabs((double)got[i] - (double)want[i]);
            off = fmax(off, apart), largest = fmax(largest, fabs((double)want[i]));
            cr_assert_leq(apart, 4 * unit * (double)(k + 4),
                          "round %d: %d x %d x %d, element %d: %g, expected %g",
                          (int)round, (int)m, (int)n, (int)k, (int)i, (double)got[i],
                          (double)want[i]);
        }
        worst = fmax(worst, off / largest);
        free(got), free(want);
    }
    note_error("backend/blis", NOTE_VALUES, sizeof(tn_real) == 8, worst);
    for (int i = 0; i < 3; i++) TN(backend_close)(all[i]);
    TN(backend_close)(plain);
}

/* Random products give the same bits on all of `n` backends. */
static void TN(agree)(const TN(backend) * b, int n, int64_t rounds)
{
    for (uint64_t round = 0; round < (uint64_t)rounds; round++) {
        random_state = round;
        manner how = random_manner();
        how.show_a = random_below(4) == 0;
        const bool few = random_below(3) == 0;
        const int64_t rows = 1 + random_below(few ? 20 : 300),
                      cols = 1 + random_below(random_below(4) ? 500 : 20),
                      depth = random_below(random_below(8) ? 700 : 6000);
        const size_t size = (size_t)(rows * cols) * sizeof(tn_real);
        tn_real *one = malloc(size), *more = malloc(size);
        TN(run)(b[0], round, how, rows, cols, depth, one);
        for (int i = 1; i < n; i++) {
            TN(run)(b[i], round, how, rows, cols, depth, more);
            cr_assert_arr_eq(one, more, size, "round %d, backend %d", (int)round, i);
        }
        free(one), free(more);
    }
}

static void TN(same_bits_for_any_threads)(void)
{
    static const int32_t threads[] = {1, 2, 3, 7};
    for (int k = 0; k < 3; k++) {
        TN(backend) b[4];
        use_kernels(kernel_names[k]);
        for (int i = 0; i < 4; i++) b[i] = TN(backend_open)("blis", threads[i]);
        TN(agree)(b, 4, test_rounds(25, 1000));
        for (int i = 0; i < 4; i++) TN(backend_close)(b[i]);
    }
}

static void TN(same_bits_for_any_vectors)(void)
{
    TN(backend) b[2];
    for (int i = 0; i < 2; i++) {
        use_kernels(kernel_names[i + 1]);
        b[i] = TN(backend_open)("blis", 2);
    }
    TN(agree)(b, 2, test_rounds(80, 3000));
    for (int i = 0; i < 2; i++) TN(backend_close)(b[i]);
}

/* out = a b' by rows: every element of it has its own way through memory and kernels if rows
 * or columns are taken away, but its bits stay. */
static void TN(multiply_part)(TN(backend) b, const TN(field) * x, const TN(field) * w,
                              int64_t rows, int64_t cols, bool packed, tn_real *out)
{
    tn_product p = {.struct_size = sizeof p, .a = x->m, .b = tn_transposed(w->m)};
    p.a.rows = rows, p.b.cols = cols;
    p.out = (tn_matrix){
        .rows = rows, .cols = cols, .row_stride = cols, .col_stride = 1, .data = out};
    const size_t size = packed ? b.slots->pack_size(b.self, &p.b) : 0;
    void *room = size ? aligned_alloc(64, (size + 63) / 64 * 64) : NULL;
    if (room) b.slots->pack(b.self, &p.b, room);
    p.b.packed = room;
    cr_assert_eq(TN(backend_product)(b, &p), TN_OK);
    free(room);
}

static void TN(parts_agree)(bool packed, int64_t depth)
{
    enum { ROWS = 70, COLS = 90 };
    static const int64_t sizes[] = {1, 2, 3, 4, 5, 15, 17, 33, 64, ROWS};
    use_kernels("avx512");
    TN(backend) b = TN(backend_open)("blis", 2);
    if (!b.slots->pack_size(b.self, &(tn_matrix){.rows = 9, .cols = 9}))
        cr_skip_test("needs a processor with AVX2");
    TN(field) x = TN(field_make)(ROWS, depth, BY_ROWS, true);
    TN(field) w = TN(field_make)(COLS, depth, BY_ROWS, true);
    static tn_real all[ROWS * COLS], part[ROWS * COLS];
    TN(multiply_part)(b, &x, &w, ROWS, COLS, false, all);
    for (size_t i = 0; i < 10; i++)
        for (size_t j = 0; j < 10; j++) {
            const int64_t rows = sizes[i], cols = sizes[j];
            TN(multiply_part)(b, &x, &w, rows, cols, packed, part);
            for (int64_t r = 0; r < rows; r++)
                cr_assert_arr_eq(part + r * cols, all + r * COLS,
                                 (size_t)cols * sizeof *part, "%d x %d", (int)rows,
                                 (int)cols);
        }
    free(x.buffer), free(w.buffer);
    TN(backend_close)(b);
}

static void TN(same_bits_for_a_row_alone)(void)
{
    TN(parts_agree)(false, 600);
    TN(parts_agree)(false, 4500);
}

static void TN(same_bits_from_packed_operands)(void)
{
    TN(parts_agree)(true, 600);
    TN(parts_agree)(true, 4500);
}

/* A prologue that only reads and an epilogue elsewhere change nothing. */
static void TN(same_bits_through_callbacks)(void)
{
    TN(backend) b = TN(backend_open)("blis", 2);
    const int64_t m = 100, n = 300, k = 1300;
    const manner plain = {.report = true, .keep = true, .bias = true},
                 read = {.report = true, .bias = true, .read_a = true, .read_b = true};
    tn_real *one = malloc((size_t)(m * n) * sizeof *one),
            *other = malloc((size_t)(m * n) * sizeof *other);
    TN(run)(b, 5, plain, m, n, k, one);
    TN(run)(b, 5, read, m, n, k, other);
    cr_assert_arr_eq(one, other, (size_t)(m * n) * sizeof *one);
    free(one), free(other);
    TN(backend_close)(b);
}

/* A block from zero, by fused multiply-adds. */
static tn_real TN(sum_block)(const TN(field) * x, const TN(field) * y, int64_t i,
                             int64_t j, int64_t from, int64_t to)
{
    tn_real sum = 0;
    for (int64_t k = from; k < to; k++) {
        const tn_real a = *TN(field_at)(&x->m, i, k), b = *TN(field_at)(&y->m, k, j);
        sum = sizeof sum == 8 ? (tn_real)fma((double)a, (double)b, (double)sum)
                              : (tn_real)fmaf((float)a, (float)b, (float)sum);
    }
    return sum;
}

/* An element as kernel.h has it: `start` is what was there, if anything was. */
static tn_real TN(sum_slices)(const TN(field) * x, const TN(field) * y, int64_t i,
                              int64_t j, const tn_real *start, tn_real bias)
{
    const int64_t depth = x->m.cols, block = block_depth(depth),
                  blocks = (depth + block - 1) / block,
                  many = blocks / 4 < 16 ? blocks / 4 : 16,
                  slices = blocks < 16 ? 1 : many;
    tn_real all = 0;
    for (int64_t s = 0; s < slices; s++) {
        const int64_t from = block * slice_begin(blocks, slices, s);
        int64_t to = block * slice_begin(blocks, slices, s + 1);
        if (to > depth) to = depth;
        tn_real sum = 0;
        for (int64_t k = from; k < to; k += block) {
            const tn_real part = TN(sum_block)(x, y, i, j, k,
                                               k + block < to ? k + block : to);
            sum = k > from ? part + sum : part;
            if (!k && start) sum += *start;
            if (!k) sum += bias;
        }
        all = s ? all + sum : sum;
    }
    return all;
}

static void TN(check_order)(TN(backend) b, uint64_t seed, manner how, const int64_t *size)
{
    const int64_t m = size[0], n = size[1], k = size[2];
    tn_real *got = calloc((size_t)(m * n), sizeof *got);
    TN(run)(b, seed, how, m, n, k, got);
    random_state = seed; /* the same values once more */
    TN(field) x = TN(field_make)(m, k, how.a, true);
    TN(field) y = TN(field_make)(k, n, how.b, true);
    TN(field) out = TN(field_make)(m, n, how.out, how.add);
    TN(field) bias = TN(field_make)(1, n, BY_ROWS, true);
    for (int tries = 0; tries < 20; tries++) {
        const int64_t i = random_below(m), j = random_below(n);
        tn_real want = TN(sum_slices)(&x, &y, i, j,
                                      how.add ? TN(field_at)(&out.m, i, j) : NULL,
                                      how.bias ? bias.buffer[j] : 0);
        if (how.report) want += 1;
        cr_assert_eq(got[i * n + j], want,
                     "seed %d: %d x %d x %d, element (%d, %d): %.17g, expected %.17g",
                     (int)seed, (int)m, (int)n, (int)k, (int)i, (int)j,
                     (double)got[i * n + j], (double)want);
    }
    free(x.buffer), free(y.buffer), free(out.buffer), free(bias.buffer), free(got);
}

/* With few tasks, whose slices are made at once, with many, and with kernels for few rows. */
static void TN(sums_have_the_order_promised)(void)
{
    static const int64_t sizes[][3] = {{16, 27, 20000}, {32, 144, 4097}, {64, 288, 8192},
                                       {3, 40, 5000},   {1, 33, 4096},   {50, 3, 4100},
                                       {70, 20, 3841},  {70, 20, 3840},  {400, 300, 4200},
                                       {20, 30, 700}};
    static const int32_t threads[] = {1, 3};
    uint64_t seed = 1;
    if (!__builtin_cpu_supports("avx2")) cr_skip_test("needs a processor with AVX2");
    for (int kind = 0; kind < 4; kind++) {
        use_kernels(kernel_names[1 + kind % 2]);
        TN(backend) b = TN(backend_open)("blis", threads[kind / 2]);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int64_t more = test_rounds(4, 100); more > 0; more--) {
                random_state = ++seed;
                manner how = random_manner();
                TN(check_order)(b, seed, how, sizes[i]);
            }
        TN(backend_close)(b);
    }
}

/* ---- several at once -------------------------------------------------------------------- */

typedef struct TN(several) {
    TN(field) a[20], b[20], out[20], one[20];
} TN(several);

/* `n` matrices behind one another, by rows or by columns. */
static void TN(several_make)(TN(field) * all, int64_t n, int64_t rows, int64_t cols,
                             int layout)
{
    all[0] = TN(field_make)(rows * n + n, cols + cols % 3, BY_ROWS, true);
    const bool turned = layout == BY_COLUMNS;
    for (int64_t i = n; i-- > 0;) {
        all[i] = all[0];
        all[i].m.rows = rows, all[i].m.cols = cols;
        all[i].m.data = all[0].buffer + i * (rows + 1) * (cols + cols % 3);
        all[i].m.row_stride = turned ? 1 : cols + cols % 3;
        all[i].m.col_stride = turned ? rows : 1;
    }
}

static int64_t TN(next)(const TN(field) * all)
{
    return (tn_real *)all[1].m.data - (tn_real *)all[0].m.data;
}

/* The same bits as product by product; elsewhere nothing is written. */
static void TN(check_several)(TN(backend) b, uint64_t seed)
{
    random_state = seed;
    const int64_t n = 2 + random_below(17), m = 1 + random_below(seed % 9 ? 40 : 130),
                  k = 1 + random_below(seed % 7 ? 40 : 300),
                  cols = random_below(3) ? 8 * (1 + random_below(8))
                                         : 1 + random_below(70);
    const int add = (int)random_below(2);
    TN(several) s;
    TN(several_make)(s.a, n, m, k, random_below(2) ? BY_COLUMNS : BY_ROWS);
    TN(several_make)(s.b, n, k, cols, random_below(4) ? BY_ROWS : BY_COLUMNS);
    TN(several_make)(s.out, n, m, cols, BY_ROWS);
    const size_t bytes = (size_t)s.out[0].size * sizeof(tn_real);
    tn_real *alone = malloc(bytes);
    memcpy(alone, s.out[0].buffer, bytes);
    const tn_product all = {
        .struct_size = sizeof all,
        .a = s.a[0].m,
        .b = s.b[0].m,
        .out = s.out[0].m,
        .add = add,
        .count = n,
        .a_next = TN(next)(s.a),
        .b_next = TN(next)(s.b),
        .out_next = TN(next)(s.out),
        .ahead = {{s.out[0].buffer, (size_t)random_below((int64_t)bytes)},
                  {s.a[0].buffer, (size_t)random_below(500)}}};
    cr_assert_eq(TN(backend_product)(b, &all), TN_OK, "%s", last_error);
    for (int64_t i = 0; i < n; i++) {
        tn_product one = {.struct_size = sizeof one,
                          .a = s.a[i].m,
                          .b = s.b[i].m,
                          .out = s.out[i].m,
                          .add = add};
        one.out.data = alone + i * all.out_next;
        cr_assert_eq(TN(backend_product)(b, &one), TN_OK, "%s", last_error);
    }
    cr_assert_arr_eq(alone, s.out[0].buffer, bytes, "%d: %d of %d x %d x %d", (int)seed,
                     (int)n, (int)m, (int)cols, (int)k);
    free(s.a[0].buffer), free(s.b[0].buffer), free(s.out[0].buffer), free(alone);
}

static void TN(several_are_each_by_itself)(void)
{
    for (int which = 0; which < 4; which++) {
        use_kernels(kernel_names[which % 3]);
        TN(backend) b = TN(backend_open)(which < 3 ? "blis" : "reference", 2);
        for (uint64_t seed = 1; seed <= (uint64_t)test_rounds(150, 3000); seed++)
            TN(check_several)(b, seed);
        TN(backend_close)(b);
    }
}

static void TN(several_have_operands_in_memory)(void)
{
    tn_real x[8] = {0}, out[8], bias[2] = {0};
    const tn_matrix square = tn_matrix_at(2, 2, x);
    tn_product bad[5];
    for (int i = 0; i < 5; i++)
        bad[i] = (tn_product){.struct_size = sizeof *bad,
                              .a = square,
                              .b = square,
                              .out = tn_matrix_at(2, 2, out),
                              .count = 2,
                              .a_next = 4,
                              .b_next = 4,
                              .out_next = 4};
    bad[0].a.read = bad[1].b.read = TN(field_read);
    bad[0].a.with = bad[1].b.with = &square;
    bad[2].out.wrote = TN(wrote);
    bad[3].bias = bias;
    bad[4].b.packed = x;
    for (int kind = 0; kind < 2; kind++) {
        TN(backend) b = TN(backend_open)(kind ? "reference" : "blis", 1);
        for (int i = 0; i < 5 - kind; i++) {
            cr_assert_eq(TN(backend_product)(b, &bad[i]), TN_EINVAL, "case %d", i);
            cr_assert_str_eq(last_error,
                             "product: several at once have operands in memory, no bias "
                             "and nothing behind them");
        }
        tn_product near = bad[4];
        near.b.packed = NULL, near.out_next = 3;
        cr_assert_eq(TN(backend_product)(b, &near), TN_ESHAPE);
        cr_assert_not_null(strstr(last_error, "share a place"), "%s", last_error);
        TN(backend_close)(b);
    }
}

static void TN(allocates_only_at_first)(void)
{
    TN(backend) b = TN(backend_open)("blis", 2);
    const manner gathers = {
        .a = SCATTERED, .read_b = true, .out = REVERSED, .keep = true};
    tn_real *result = malloc(400 * 600 * sizeof *result);
    TN(run)(b, 1, gathers, 400, 600, 700, result);
    const int before = allocations;
    TN(run)(b, 1, gathers, 10, 10, 10, result);
    TN(run)(b, 1, gathers, 400, 600, 700, result);
    cr_assert_eq(allocations, before);
    free(result);
    TN(backend_close)(b);
}

/* As a convolution asks for the gradient of so many filters of 25 x 8 values at 2048 positions. */
static void TN(patches_are_never_there_as_a_whole)(void)
{
    if (!__builtin_cpu_supports("avx2")) cr_skip_test("needs a processor with AVX2");
    const manner gathers = {
        .a = BY_COLUMNS, .read_b = true, .overlap_b = true, .report = true};
    for (int64_t filters = 32; filters <= 256; filters *= 2) {
        TN(backend) b = TN(backend_open)("blis", 2);
        tn_real *result = malloc((size_t)filters * 200 * sizeof *result);
        largest_allocation = 0;
        TN(run)(b, 1, gathers, filters, 200, 2048, result);
        cr_assert_gt(largest_allocation, 0);
        cr_assert_lt(largest_allocation, 2048 * 200 * sizeof *result, "%lld filters",
                     (long long)filters);
        free(result);
        TN(backend_close)(b);
    }
}
#endif
