/* blis.c - the backend beside its products (products.c): what it says of itself, which kernels it
 * takes, how its threads are shared, the blocks that epilogues see; bad arguments refused, never
 * aborted on.
 *
 * The file includes itself for each precision. */
#ifndef TN_REAL_BITS
#define TN_HOST
#include <pthread.h>

#include "plugins/backend/blis/choose.h"
#include "tests/support/backend.h"

static void use_kernels(const char *name)
{
    setenv(KERNELS_VARIABLE, name, 1);
}

static void visit(void *data, int64_t i, int32_t worker)
{
    int *visits = data;
    __atomic_fetch_add(&visits[i], 1, __ATOMIC_RELAXED);
    if (worker < 0 || worker >= 3) __atomic_fetch_add(&visits[i], 1000, __ATOMIC_RELAXED);
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

#define BOTH(name)    \
    Test(blis, name)  \
    {                 \
        name##_f32(); \
        name##_f64(); \
    }
BOTH(blocks_of_an_epilogue_are_whole)
BOTH(refuses_what_does_not_fit)
BOTH(one_instance_on_two_threads)
BOTH(parallel_visits_everything_once)

Test(blis, says_what_it_is)
{
    backend_f32 b = backend_open_f32("blis", 2);
    const char *text = b.slots->describe(b.self);
    cr_assert_eq(strncmp(text, "BLIS ", 5), 0, "%s", text);
    cr_assert_not_null(strstr(text, "2 threads"), "%s", text);
    cr_assert_null(strstr(text, "generic"), "slow kernels: %s", text);
    backend_close_f32(b);
}

Test(blis, takes_the_kernels_asked_for)
{
    if (!__builtin_cpu_supports("avx2")) cr_skip_test("needs a processor with AVX2");
    use_kernels("avx2");
    backend_f32 b = backend_open_f32("blis", 1);
    const char *text = b.slots->describe(b.self);
    cr_assert_not_null(strstr(text, "products by Tenon's avx2 kernels"), "%s", text);
    use_kernels("baseline");
    cr_assert_eq(b.slots->open(b.self, &recording_call, 1), TN_OK);
    cr_assert_null(strstr(text, "Tenon's"), "%s", text);
    use_kernels("fast");
    cr_assert_eq(b.slots->open(b.self, &recording_call, 1), TN_EINVAL);
    cr_assert_str_eq(last_error,
                     "TENON_KERNELS: expected avx512, avx2 or baseline, got 'fast'");
    backend_close_f32(b);
}

Test(blis, leaves_the_choice_of_kernels_to_the_user)
{
    if (!__builtin_cpu_supports("avx2")) cr_skip_test("needs a processor with AVX2");
    setenv("BLIS_ARCH_TYPE", "3", 1);
    unsetenv(KERNELS_VARIABLE);
    backend_f32 b = backend_open_f32("blis", 1);
    const char *text = b.slots->describe(b.self);
    cr_assert_not_null(strstr(text, "haswell"), "%s", text);
    cr_assert_not_null(strstr(text, "Tenon's avx2 kernels"), "%s", text);
    backend_close_f32(b);
}

/* ---- the choice of kernels ------------------------------------------------------------ */

Test(blis, kernels_suit_the_processor)
{
    static const struct {
        processor here;
        kernels best;
    } all[] = {
        {{MAKER_AMD, 0x1A, .avx512 = 1, .avx2 = 1}, KERNELS_SKX},
        {{MAKER_AMD, 0x1A, .avx512 = 0, .avx2 = 1}, KERNELS_HASWELL},
        {{MAKER_AMD, 0x1A, .avx512 = 0, .avx2 = 0}, KERNELS_OF_BLIS},
        {{MAKER_AMD, 0x19, .avx512 = 1, .avx2 = 1}, KERNELS_OF_BLIS},
        {{MAKER_AMD, 0x17, .avx512 = 0, .avx2 = 1}, KERNELS_OF_BLIS},
        {{MAKER_AMD, 0x15, .avx512 = 0, .avx2 = 1}, KERNELS_OF_BLIS},
        {{MAKER_INTEL, 0x6, .avx512 = 1, .avx2 = 1}, KERNELS_OF_BLIS},
        {{MAKER_OTHER, 0x18, .avx512 = 0, .avx2 = 1}, KERNELS_HASWELL}, /* of Zen's kin */
        {{MAKER_OTHER, 0x6, .avx512 = 0, .avx2 = 0}, KERNELS_OF_BLIS},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cr_assert_eq(choose(&all[i].here), all[i].best, "processor %zu", i);
}

Test(blis, kernels_are_told_also_when_asked_for_too_late)
{
    char text[160];
    describe_kernels(text, sizeof text, "0.9.0", "skx", NULL, NULL, 2);
    cr_assert_str_eq(text, "BLIS 0.9.0, skx kernels, 2 threads");
    describe_kernels(text, sizeof text, "0.9.0", "zen3", NULL, "avx512", 2);
    cr_assert_str_eq(
        text, "BLIS 0.9.0, zen3 kernels, products by Tenon's avx512 kernels, 2 threads");
    describe_kernels(text, sizeof text, "0.9.0", "generic", "skx", NULL, 1);
    cr_assert_str_eq(text, "BLIS 0.9.0, generic kernels (was running before Tenon could "
                           "ask for skx), 1 thread");
}

/* The program has used BLIS, with kernels of its own choice, before the plugin comes. */
Test(blis, says_so_when_blis_runs_otherwise_already)
{
    if (!__builtin_cpu_supports("avx2")) cr_skip_test("needs a processor with AVX2");
    void *library = dlopen("libblis.so.4", RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(library, "%s", dlerror());
    void (*start)(void);
    *(void **)&start = dlsym(library, "bli_init"); /* as POSIX has it */
    cr_assert_not_null(start);
    setenv("BLIS_ARCH_TYPE", "3", 1);
    start();
    unsetenv("BLIS_ARCH_TYPE");
    const processor here = this_processor();
    const bool late = choose(&here) == KERNELS_SKX;
    backend_f32 b = backend_open_f32("blis", 1);
    const char *text = b.slots->describe(b.self);
    cr_assert_not_null(strstr(text, "haswell kernels"), "%s", text);
    cr_assert_eq(strstr(text, " (was running before Tenon could ask for skx)") != NULL,
                 late, "%s", text);
    backend_close_f32(b);
    dlclose(library);
}

#else /* for one precision */

typedef struct TN(shapes) {
    int64_t rows, cols;
    int slivers;
} TN(shapes);

static void TN(look_at_block)(const void *with, int64_t row, int64_t col, int64_t rows,
                              int64_t cols, void *block, int64_t stride)
{
    const TN(shapes) *const *whole = with;
    TN(shapes) *seen = (TN(shapes) *)(uintptr_t)*whole;
    const int64_t least = 128 / (int64_t)sizeof(tn_real);
    (void)block, (void)stride;
    const bool sliver = (cols < least && col + cols < seen->cols) ||
                        (rows < 32 && row + rows < seen->rows);
    __atomic_fetch_add(&seen->slivers, sliver, __ATOMIC_RELAXED);
}

/* Epilogues cost a call a block: blocks are no slivers, but where the result is one. */
static void TN(blocks_of_an_epilogue_are_whole)(void)
{
    static const int64_t sizes[][3] = {
        {100, 1000, 300}, {64, 256, 784}, {3, 500, 90}, {500, 3, 90}, {64, 10, 128}};
    TN(backend) b = TN(backend_open)("blis", 2);
    for (int i = 0; i < 5; i++) {
        const int64_t rows = sizes[i][0], cols = sizes[i][1], depth = sizes[i][2];
        TN(field) x = TN(field_make)(rows, depth, BY_ROWS, true);
        TN(field) w = TN(field_make)(cols, depth, BY_ROWS, true);
        TN(field) y = TN(field_make)(rows, cols, BY_ROWS, false);
        TN(shapes) seen = {rows, cols, 0}, *with = &seen;
        tn_product p = {
            .struct_size = sizeof p, .a = x.m, .b = tn_transposed(w.m), .out = y.m};
        p.out.wrote = TN(look_at_block), p.out.with = &with;
        cr_assert_eq(TN(backend_product)(b, &p), TN_OK);
        cr_assert_eq(seen.slivers, 0, "%d x %d", (int)rows, (int)cols);
        free(x.buffer), free(w.buffer), free(y.buffer);
    }
    TN(backend_close)(b);
}

static void TN(refuses_what_does_not_fit)(void)
{
    TN(backend) b = TN(backend_open)("blis", 1);
    tn_real x[4] = {1, 2, 3, 4}, out[4] = {9, 9, 9, 9};
    const tn_matrix square = {
        .rows = 2, .cols = 2, .row_stride = 2, .col_stride = 1, .data = x};
    const tn_product good = {
        .struct_size = sizeof good, .a = square, .b = square, .out = square};
    tn_product bad[8];
    for (int i = 0; i < 8; i++) bad[i] = good, bad[i].out.data = out;
    bad[0].b.rows = 3;
    bad[1].out.cols = 5;
    bad[2].a.rows = bad[2].out.rows = -1;
    bad[3].a.data = NULL;
    bad[4].out.data = NULL;
    bad[5].out.col_stride = 0;
    bad[6].a.row_stride = INT64_MAX / 2;
    bad[7].out.data = NULL, bad[7].out.wrote = TN(look_at_block), bad[7].add = 1;
    const tn_status want[8] = {TN_ESHAPE, TN_ESHAPE, TN_ESHAPE, TN_EINVAL,
                               TN_EINVAL, TN_ESHAPE, TN_ESHAPE, TN_EINVAL};
    for (int i = 0; i < 8; i++) {
        last_error[0] = 0;
        cr_assert_eq(TN(backend_product)(b, &bad[i]), want[i], "case %d", i);
        cr_assert_neq(last_error[0], 0);
        for (int j = 0; j < 4; j++) cr_assert_eq(out[j], 9);
    }
    cr_assert_eq(b.slots->open(b.self, &recording_call, -1), TN_EINVAL);
    cr_assert_eq(b.slots->open(b.self, &recording_call, 5000), TN_EINVAL);
    TN(backend_close)(b);
}

typedef struct TN(caller) {
    TN(backend) b;
    tn_product p;
    tn_status status;
} TN(caller);

static void *TN(call_often)(void *data)
{
    TN(caller) *caller = data;
    for (int i = 0; i < 2000 && caller->status == TN_OK; i++)
        caller->status = TN(backend_product)(caller->b, &caller->p);
    return NULL;
}

static void TN(one_instance_on_two_threads)(void)
{
    enum { SIZE = 60 };
    TN(backend) b = TN(backend_open)("blis", 2);
    TN(field) x[2], once[2], often[2];
    TN(caller) caller[2];
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) {
        x[i] = TN(field_make)(SIZE, SIZE, SCATTERED, true);
        once[i] = TN(field_make)(SIZE, SIZE, BY_ROWS, false);
        often[i] = TN(field_make)(SIZE, SIZE, BY_ROWS, false);
        tn_product p = {
            .struct_size = sizeof p, .a = x[i].m, .b = x[i].m, .out = once[i].m};
        cr_assert_eq(TN(backend_product)(b, &p), TN_OK);
        p.out = often[i].m;
        caller[i] = (TN(caller)){b, p, TN_OK};
    }
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, TN(call_often), &caller[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        cr_assert_eq(caller[i].status, TN_OK);
        cr_assert_arr_eq(once[i].buffer, often[i].buffer, SIZE * SIZE * sizeof(tn_real));
        free(x[i].buffer), free(once[i].buffer), free(often[i].buffer);
    }
    TN(backend_close)(b);
}

typedef struct TN(nest) {
    TN(backend) b;
    int visits[6][40];
} TN(nest);

static void TN(nested)(void *data, int64_t i, int32_t worker)
{
    TN(nest) *nest = data;
    (void)worker;
    nest->b.slots->parallel(nest->b.self, 40, visit, nest->visits[i]);
}

static void TN(parallel_visits_everything_once)(void)
{
    TN(nest) nest = {.b = TN(backend_open)("blis", 3)};
    cr_assert_eq(nest.b.slots->threads(nest.b.self), 3);
    nest.b.slots->parallel(nest.b.self, 6, TN(nested), &nest);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 40; j++) cr_assert_eq(nest.visits[i][j], 1);
    TN(backend_close)(nest.b);
}
#endif
