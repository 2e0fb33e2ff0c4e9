/* products.c - the backend's matrix products at the shapes of training: for a dense
 * layer of `in` x `out` on a batch, forward y = x w', input gradient gx = gy w, weight
 * gradient gw = gy' x.
 *
 *     bench/products [THREADS [BACKEND]] */
#define TN_REAL_BITS 32
#include "core/instance.h"

#include "harness.h"

typedef struct shape {
    int batch, in, out;
} shape;

static const shape shapes[] = {{100, 12288, 1000}, {100, 1000, 500},  {64, 784, 256},
                               {64, 256, 128},     {64, 128, 10},     {32, 64, 32},
                               {2048, 64, 1024},   {1024, 1024, 1024}};

typedef struct bench {
    const tn_instance *backend;
    tn_calling calling;
    tn_product product;
} bench;

static int multiply(void *data)
{
    bench *b = data;
    const tn_backend *slots = b->backend->vtable;
    return slots->product(b->backend->self, &b->calling.call, &b->product) != TN_OK;
}

static tn_matrix matrix(float *data, int rows, int cols)
{
    return (tn_matrix){
        .rows = rows, .cols = cols, .row_stride = cols, .col_stride = 1, .data = data};
}

static float *numbers(size_t count)
{
    float *data = aligned_alloc(64, (count * sizeof *data + 63) / 64 * 64);
    for (size_t i = 0; data && i < count; i++) data[i] = (float)(i * 7 % 13) / 13 - 0.5f;
    return data;
}

static int run_shape(bench *b, shape s, int threads)
{
    float *x = numbers((size_t)s.batch * (size_t)s.in),
          *w = numbers((size_t)s.out * (size_t)s.in),
          *y = numbers((size_t)s.batch * (size_t)s.out);
    if (!x || !w || !y) return 1;
    const tn_matrix mx = matrix(x, s.batch, s.in), mw = matrix(w, s.out, s.in),
                    my = matrix(y, s.batch, s.out);
    const tn_product form[3] = {
        {.struct_size = sizeof(tn_product), .a = mx, .b = tn_transposed(mw), .out = my},
        {.struct_size = sizeof(tn_product), .a = my, .b = mw, .out = mx},
        {.struct_size = sizeof(tn_product), .a = tn_transposed(my), .b = mx, .out = mw}};
    const char *const form_name[3] = {"forward", "input_gradient", "weight_gradient"};
    int failed = 0;
    for (int i = 0; i < 3 && !failed; i++) {
        char name[80];
        snprintf(name, sizeof name, "product_%s_%dx%dx%d", form_name[i], s.batch, s.in,
                 s.out);
        b->product = form[i];
        failed = bench_run(name, "GFLOP/s", 2e-9 * s.batch * s.in * s.out, threads,
                           multiply, b);
    }
    free(x), free(w), free(y);
    return failed;
}

int main(int count, char **argument)
{
    tn_error error = {0};
    const tn_env_options options = {.threads = bench_threads(count, argument),
                                    .backend = count > 2 ? argument[2] : NULL};
    tn_env *env = tn_env_new(&options, &error);
    bench b = {0};
    int failed = !env || tn_env_backend(env, 0, &b.backend, &error);
    if (!failed) {
        const tn_backend *slots = b.backend->vtable;
        const int threads = slots->threads(b.backend->self);
        tn_call_make(&b.calling, env, b.backend, 0, &error);
        fprintf(stderr, "%s\n", slots->describe(b.backend->self));
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes && !failed; i++)
            failed = run_shape(&b, shapes[i], threads);
    }
    if (failed) fprintf(stderr, "%s\n", error.text);
    tn_env_free(env);
    return failed;
}
