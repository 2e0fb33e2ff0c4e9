/* products.c - the backend's matrix products at the shapes of training: for a dense layer
 * of `in` x `out` on a batch, forward y = x w' and input gradient gx = gy w (each also with
 * w packed beforehand), weight gradient gw = gy' x. Beside each its share of the fused
 * multiply-adds that the processor can do at all, measured in registers, and what one call
 * of BLIS's sgemm reaches in the same minute. Times are the shortest of many: other
 * programs only ever add to them.
 *
 *     bench/products [THREADS [BACKEND [SECONDS]]] */
#define TN_REAL_BITS 32
#include "core/instance.h"

#include <blis.h>
#include <math.h>

#include "cli/peak.h"
#include "harness.h"

#define SHAPE_SECONDS "0.4"

typedef struct shape {
    int batch, in, out;
} shape;

static const shape shapes[] = {{100, 12288, 1000}, {100, 1000, 500}, {100, 500, 2},
                               {64, 784, 256},     {64, 256, 128},   {64, 128, 10},
                               {128, 256, 256},    {32, 64, 32},     {2048, 64, 1024},
                               {1024, 1024, 1024}, {1, 12288, 100},  {1, 12288, 1000},
                               {1, 784, 256}};

typedef struct bench {
    const tn_instance *backend;
    tn_calling calling;
    tn_product product;
    int threads;
    double peak, seconds; /* of measuring, for each form of a shape */
} bench;

/* ---- products ---------------------------------------------------------------------- */

static int multiply(bench *b)
{
    const tn_backend *slots = b->backend->vtable;
    return slots->product(b->backend->self, &b->calling.call, &b->product) != TN_OK;
}

static int multiply_blis(bench *b)
{
    const tn_matrix *x = &b->product.a, *y = &b->product.b, *out = &b->product.out;
    float one = 1, zero = 0;
    bli_sgemm(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, out->rows, out->cols, x->cols, &one,
              x->data, x->row_stride, x->col_stride, y->data, y->row_stride,
              y->col_stride, &zero, out->data, out->row_stride, out->col_stride);
    return 0;
}

/* The shortest of many runs; a run of something short is many calls. What is too long to go
 * undisturbed on a busy machine is what the one thread worked. */
static int shortest(bench *b, int (*once)(bench *), double *seconds)
{
    int calls = 1;
    if (once(b)) return 1;
    double begin = bench_now();
    if (once(b)) return 1;
    const double first = bench_now() - begin;
    const bool worked = b->threads == 1 && first > 1e-3;
    if (first < 20e-6) calls = (int)(20e-6 / (first + 1e-8)) + 1;
    *seconds = INFINITY;
    begin = bench_now();
    do {
        const double t = bench_clock(worked);
        for (int i = 0; i < calls; i++)
            if (once(b)) return 1;
        const double took = (bench_clock(worked) - t) / calls;
        if (took < *seconds) *seconds = took;
    } while (bench_now() - begin < b->seconds);
    return 0;
}

static int run_form(bench *b, const char *form, shape s)
{
    const double work = 2e-9 * s.batch * s.in * s.out, peak = b->peak * b->threads;
    double ours, theirs = 0;
    if (shortest(b, multiply, &ours)) return 1;
    if (shortest(b, multiply_blis, &theirs)) return 1;
    printf("{\"benchmark\": \"product_%s_%dx%dx%d\", \"framework\": \"tenon\", "
           "\"unit\": \"GFLOP/s\", \"threads\": %d, \"best\": %.4g, \"of_peak\": %.3f, "
           "\"blis_sgemm\": %.4g, \"microseconds\": %.3f}\n",
           form, s.batch, s.in, s.out, b->threads, work / ours,
           peak > 0 ? work / ours / peak : 0, work / theirs, 1e6 * ours);
    fflush(stdout);
    return 0;
}

/* A product with w, packed once before. */
static int run_packed(bench *b, const char *form, shape s)
{
    const tn_backend *slots = b->backend->vtable;
    const size_t size = slots->pack ? slots->pack_size(b->backend->self, &b->product.b)
                                    : 0;
    void *packed = size ? aligned_alloc(64, (size + 63) / 64 * 64) : NULL;
    if (!packed) return size != 0;
    slots->pack(b->backend->self, &b->product.b, packed);
    b->product.b.packed = packed;
    const int failed = run_form(b, form, s);
    free(packed);
    return failed;
}

static int run_shape(bench *b, shape s)
{
    float *x = bench_numbers((size_t)s.batch * (size_t)s.in),
          *w = bench_numbers((size_t)s.out * (size_t)s.in),
          *y = bench_numbers((size_t)s.batch * (size_t)s.out);
    if (!x || !w || !y) return 1;
    const tn_matrix mx = tn_matrix_at(s.batch, s.in, x),
                    mw = tn_matrix_at(s.out, s.in, w),
                    my = tn_matrix_at(s.batch, s.out, y);
    const tn_product form[3] = {
        {.struct_size = sizeof(tn_product), .a = mx, .b = tn_transposed(mw), .out = my},
        {.struct_size = sizeof(tn_product), .a = my, .b = mw, .out = mx},
        {.struct_size = sizeof(tn_product), .a = tn_transposed(my), .b = mx, .out = mw}};
    static const char *const name[3] = {"forward", "input_gradient", "weight_gradient"},
                             *const packed[2] = {"forward_packed",
                                                 "input_gradient_packed"};
    int failed = 0;
    for (int i = 0; i < 2 && !failed; i++) {
        b->product = form[i];
        failed = run_packed(b, packed[i], s);
    }
    for (int i = 0; i < 3 && !failed; i++) {
        b->product = form[i];
        failed = run_form(b, name[i], s);
    }
    free(x), free(w), free(y);
    return failed;
}

int main(int count, char **argument)
{
    tn_error error = {0};
    const tn_env_options options = {
        .threads = count > 1 ? (int32_t)strtol(argument[1], NULL, 10) : 0,
        .backend = count > 2 ? argument[2] : NULL};
    tn_env *env = tn_env_new(&options, &error);
    bench b = {.peak = cli_peak_of_thread(0),
               .seconds = strtod(count > 3 ? argument[3] : SHAPE_SECONDS, NULL)};
    int failed = !env || tn_env_backend(env, 0, &b.backend, &error);
    if (!failed) {
        const tn_backend *slots = b.backend->vtable;
        b.threads = slots->threads(b.backend->self);
        bli_thread_set_num_threads(b.threads);
        tn_call_make(&b.calling, env, b.backend, 0, &error);
        fprintf(stderr, "%s; peak %.1f GFLOP/s a thread\n",
                slots->describe(b.backend->self), b.peak);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes && !failed; i++)
            failed = run_shape(&b, shapes[i]);
    }
    if (failed) fprintf(stderr, "%s\n", error.text);
    tn_env_free(env);
    return failed;
}
