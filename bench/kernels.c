/* kernels.c - what an element costs in each pointwise kernel, in float, on one thread and in
 * arrays that fit the level 2 cache: the shortest of many repeats, in processor time.
 *
 *     bench/kernels [PLUGIN_PATH]     PLUGIN_PATH: plugins of another build (-DTN_KERNEL=static
 *                                     with -mavx2, say, forces a path) */
#define TN_REAL_BITS 32
#include "core/instance.h"

#include <string.h>

#include "harness.h"

enum {
    WIDTH = 256,
    ROWS = 64,
    N = WIDTH * ROWS,
    CLASSES = 10,
    REPEATS = 400,
    ARRAYS = 8
};

typedef struct bench {
    tn_env *env;
    tn_instance *plugin;
    tn_tile tile;
    tn_update update;
    tn_field field;
    float *array[ARRAYS];
    double *sum[4];
    int32_t label[N];
} bench;

/* ---- one pass of each slot over N elements ------------------------------------------- */

static void forward(bench *b)
{
    const tn_layer *l = b->plugin->vtable;
    l->forward(b->plugin->self, &b->tile, b->array[0], b->array[1]);
}

static void backward(bench *b)
{
    const tn_layer *l = b->plugin->vtable;
    l->backward(b->plugin->self, &b->tile, b->array[2], b->array[1], b->array[0],
                b->array[3]);
}

static void statistics(bench *b)
{
    const tn_layer *l = b->plugin->vtable;
    l->reduce.add(b->plugin->self, &b->tile, b->array[2], NULL, b->sum);
}

static void back_statistics(bench *b)
{
    const tn_layer *l = b->plugin->vtable;
    l->back_reduce.add(b->plugin->self, &b->tile, b->array[2], b->array[0], b->sum);
}

static void penalty(bench *b)
{
    const tn_regularizer *r = b->plugin->vtable;
    *b->sum[0] += r->penalty(b->plugin->self, &b->tile, b->array[0]);
}

static void penalty_gradient(bench *b)
{
    const tn_regularizer *r = b->plugin->vtable;
    r->gradient(b->plugin->self, &b->tile, b->array[0], b->array[1]);
}

static void prox(bench *b)
{
    const tn_regularizer *r = b->plugin->vtable;
    r->prox(b->plugin->self, &b->tile, b->array[2], b->array[1]);
}

static void norm(bench *b)
{
    const tn_gradient *g = b->plugin->vtable;
    g->reduce.add(b->plugin->self, &b->tile, b->array[1], b->array[0], b->sum);
}

static void map(bench *b)
{
    const tn_gradient *g = b->plugin->vtable;
    g->map(b->plugin->self, &b->tile, b->array[0], b->array[1]);
}

static void update(bench *b)
{
    const tn_optimizer *o = b->plugin->vtable;
    o->update(b->plugin->self, &b->tile, &b->update, b->array[4], b->array[0],
              b->array + 5);
}

static void score(bench *b)
{
    const tn_loss *l = b->plugin->vtable;
    tn_calling calling;
    tn_error error = {0};
    tn_call *call = tn_call_make(&calling, b->env, b->plugin, 0, &error);
    l->rows(b->plugin->self, call, &b->tile, b->array[0], &b->field, b->sum[0], b->sum[1],
            b->array[1]);
}

/* ---- the table ----------------------------------------------------------------------- */

typedef struct kernel {
    const char *kind, *name, *options, *slot;
    void (*pass)(bench *);
    int width;
} kernel;

static const kernel kernels[] = {
    {"layer", "relu", NULL, "forward", forward, WIDTH},
    {"layer", "relu", NULL, "backward", backward, WIDTH},
    {"layer", "sigmoid", NULL, "forward", forward, WIDTH},
    {"layer", "sigmoid", NULL, "backward", backward, WIDTH},
    {"layer", "tanh", NULL, "forward", forward, WIDTH},
    {"layer", "tanh", NULL, "backward", backward, WIDTH},
    {"layer", "dropout", "{p: 0.5}", "forward", forward, WIDTH},
    {"layer", "spatial_dropout", NULL, "forward", forward, WIDTH},
    {"layer", "alpha_dropout", NULL, "forward", forward, WIDTH},
    {"layer", "gaussian_noise", NULL, "forward", forward, WIDTH},
    {"layer", "add", NULL, "forward", forward, WIDTH},
    {"layer", "softmax", NULL, "forward", forward, WIDTH},
    {"layer", "softmax", NULL, "backward", backward, WIDTH},
    {"layer", "batch_norm", NULL, "reduce", statistics, WIDTH},
    {"layer", "batch_norm", NULL, "forward", forward, WIDTH},
    {"layer", "batch_norm", NULL, "back_reduce", back_statistics, WIDTH},
    {"layer", "batch_norm", NULL, "backward", backward, WIDTH},
    {"loss", "mse", NULL, "rows", score, CLASSES},
    {"loss", "cross_entropy", NULL, "rows", score, CLASSES},
    {"loss", "cross_entropy", NULL, "rows", score, WIDTH},
    {"loss", "binary_cross_entropy", NULL, "rows", score, CLASSES},
    {"regularizer", "l1", NULL, "penalty", penalty, WIDTH},
    {"regularizer", "l1", "{prox: false}", "gradient", penalty_gradient, WIDTH},
    {"regularizer", "l1", NULL, "prox", prox, WIDTH},
    {"regularizer", "elastic_net", NULL, "prox", prox, WIDTH},
    {"regularizer", "l2", NULL, "penalty", penalty, WIDTH},
    {"regularizer", "l2", NULL, "gradient", penalty_gradient, WIDTH},
    {"gradient", "clip_norm", NULL, "reduce", norm, WIDTH},
    {"gradient", "clip_norm", NULL, "map", map, WIDTH},
    {"gradient", "clip_value", "{max: 0.3}", "map", map, WIDTH},
    {"optimizer", "sgd", NULL, "update", update, WIDTH},
    {"optimizer", "sgd", "{momentum: 0.9}", "update", update, WIDTH},
    {"optimizer", "adam", NULL, "update", update, WIDTH},
    {"optimizer", "adamw", NULL, "update", update, WIDTH},
    {"optimizer", "amsgrad", NULL, "update", update, WIDTH},
    {"optimizer", "nadam", NULL, "update", update, WIDTH},
    {"optimizer", "radam", NULL, "update", update, WIDTH},
    {"optimizer", "adagrad", NULL, "update", update, WIDTH},
    {"optimizer", "adadelta", NULL, "update", update, WIDTH},
    {"optimizer", "rmsprop", NULL, "update", update, WIDTH},
    {"optimizer", "rmsprop", "{momentum: 0.9, centered: true}", "update", update, WIDTH},
    {"optimizer", "lion", NULL, "update", update, WIDTH},
};

static double processor_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fill(bench *b)
{
    for (int i = 0; i < ARRAYS; i++)
        for (int j = 0; j < N; j++)
            b->array[i][j] =
                (float)(tn_random_uniform((tn_key){{1, 2}}, (uint64_t)(i * N + j)) * 2 -
                        (i < 4));
    for (int i = 0; i < 4; i++) memset(b->sum[i], 0, N * sizeof(double));
}

static int measure(bench *b, const kernel *k)
{
    tn_error error = {0};
    double least = 1;
    if (tn_instance_named(b->env, k->kind, k->name, k->options, 0, &b->plugin, &error))
        return fprintf(stderr, "%s\n", error.text);
    const void *const in[] = {b->array[0], b->array[2]};
    const void *const values[] = {b->array[4], b->array[5], b->array[6], b->array[7]};
    b->tile = (tn_tile){.n = N / k->width * k->width,
                        .width = k->width,
                        .rows_per_sample = 1,
                        .inputs = 2,
                        .in = in,
                        .param = values,
                        .stat = values,
                        .back_stat = values,
                        .now = b->plugin->now,
                        .training = 1};
    b->field = strcmp(k->name, "cross_entropy")
                   ? (tn_field){.width = k->width, .real = b->array[4]}
                   : (tn_field){.width = 1, .label = b->label};
    fill(b);
    for (int i = 0; i < REPEATS; i++) {
        const double start = processor_time();
        k->pass(b);
        const double seconds = processor_time() - start;
        if (seconds < least) least = seconds;
    }
    printf("{\"benchmark\": \"kernel\", \"plugin\": \"%s/%s\", \"slot\": \"%s\", "
           "\"width\": %d, \"unit\": \"ns/element\", \"least\": %.3f}\n",
           k->kind, k->name, k->slot, k->width, 1e9 * least / (double)b->tile.n);
    tn_instance_free(b->plugin);
    return 0;
}

int main(int count, char **argument)
{
    static bench b = {.update = {.step = 3, .rate = 1e-9, .decays = 1}};
    tn_error error = {0};
    const tn_env_options options = {.plugin_path = count > 1 ? argument[1] : NULL};
    int failed = 0;
    b.env = tn_env_new(&options, &error);
    if (!b.env) return fprintf(stderr, "%s\n", error.text);
    for (int i = 0; i < ARRAYS; i++)
        if (!(b.array[i] = aligned_alloc(64, N * sizeof(float)))) return 1;
    for (int i = 0; i < 4; i++)
        if (!(b.sum[i] = aligned_alloc(64, N * sizeof(double)))) return 1;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels && !failed; i++)
        failed = measure(&b, &kernels[i]);
    for (int i = 0; i < ARRAYS; i++) free(b.array[i]);
    for (int i = 0; i < 4; i++) free(b.sum[i]);
    tn_env_free(b.env);
    return failed;
}
