/* workloads.c - the workloads that Tenon is measured by, each a config in bench/configs: steps
 * of training and of inference on a batch in memory, and epochs from files. Everything goes
 * through tenon.h, as in any program.
 *
 *     bench/workloads list
 *     bench/workloads NAME [--threads N] [--seconds S] [--steps N] [--serve]
 *
 * A JSON line: milliseconds of a step (of an epoch), arithmetic a second, and the most memory
 * above what the process had with library, backend and data. --steps: so many, without a
 * warm-up, and of an epoch only its beginning. --serve: a measurement for each line of standard
 * input, which holds its seconds, so that a program can let others have their turn between. */
#include <tenon/tenon.h>

#include "harness.h"

typedef struct bench bench;

typedef struct workload {
    const char *name, *config;
    int samples; /* of a batch */
    int steps;   /* of a sequence, each of which meets all weights; 0: no sequence */
    int (*open)(bench *);
    int (*once)(void *);
} workload;

struct bench {
    const workload *what;
    bench_asked asked; /* threads 0: one per core */
    tn_env *env;
    tn_config *config;
    tn_trainer *trainer;
    tn_model *model; /* of inference */
    tn_error error;
    float *x, *y;
    int32_t *label;
    double base; /* MiB */
    double work; /* arithmetic of the products of a step; 0: not known yet */
};

/* ---- steps on a batch in memory -------------------------------------------------------- */

static int training_step(void *data)
{
    bench *b = data;
    double loss;
    return tn_trainer_step(b->trainer, b->x, NULL, b->label, b->what->samples, &loss,
                           &b->error) != TN_OK;
}

static int open_training(bench *b)
{
    b->trainer = tn_trainer_new(b->env, b->config, NULL, &b->error);
    return !b->trainer;
}

static int prediction(void *data)
{
    bench *b = data;
    return tn_model_predict(b->model, b->x, b->what->samples, b->y, &b->error) != TN_OK;
}

/* The shape is the config's `input:`. */
static int open_inference(bench *b)
{
    tn_trainer *trainer = tn_trainer_new(b->env, b->config, NULL, &b->error);
    if (!trainer) return 1;
    const tn_shape input = *tn_model_input(tn_trainer_model(trainer));
    tn_trainer_free(trainer);
    b->model = tn_model_new(b->env, b->config, &input, &b->error);
    return !b->model;
}

/* ---- epochs from files ----------------------------------------------------------------- */

static void end_after_epoch(void *data, const tn_progress *now)
{
    bench *b = data;
    if (now->kind == 1 || b->asked.limits.calls) tn_trainer_cancel(b->trainer);
}

static int open_run(bench *b)
{
    const tn_train_options options = {.progress = end_after_epoch, .progress_data = b};
    b->trainer = tn_trainer_new(b->env, b->config, &options, &b->error);
    return !b->trainer;
}

/* As many steps as an epoch has: a run that is cancelled makes one step more, and goes on
 * behind it the next time. */
static int epoch(void *data)
{
    bench *b = data;
    return tn_trainer_run(b->trainer, &b->error) != TN_ECANCELED;
}

/* The whole of it: files are opened, decompressed, trained on once. */
static int epoch_from_files(void *data)
{
    bench *b = data;
    tn_trainer_free(b->trainer);
    b->trainer = NULL;
    return open_run(b) || epoch(b);
}

/* ---- the list -------------------------------------------------------------------------- */

static const workload workloads[] = {
    {"W1", "w1", 100, 0, open_training, training_step},
    {"W2relu", "w2_relu", 100, 0, open_training, training_step},
    {"W2sigmoid", "w2_sigmoid", 100, 0, open_training, training_step},
    {"W3sgd", "w3_sgd", 64, 0, open_training, training_step},
    {"W3adam", "w3_adam", 64, 0, open_training, training_step},
    {"W3drop", "w3_drop", 64, 0, open_training, training_step},
    {"W3full", "w3_full", 64, 0, open_training, training_step},
    {"W3fulladam", "w3_full_adam", 64, 0, open_training, training_step},
    {"W4", "w4", 32, 0, open_training, training_step},
    {"W5", "w5", 32, 0, open_training, training_step},
    {"W5bn", "w5_bn", 32, 0, open_training, training_step},
    {"W6lstm", "w6_lstm", 32, 64, open_training, training_step},
    {"W6gru", "w6_gru", 32, 64, open_training, training_step},
    {"W9", "w9", 128, 0, open_training, training_step},
    {"ResNet20", "resnet20", 64, 0, open_training, training_step},
    {"W1inf", "w1", 100, 0, open_inference, prediction},
    {"W3inf", "w3_sgd", 64, 0, open_inference, prediction},
    {"W5inf", "w5", 32, 0, open_inference, prediction},
    {"W5bninf", "w5_bn", 32, 0, open_inference, prediction},
    {"W5oneinf", "w5", 1, 0, open_inference, prediction},
    {"W6lstminf", "w6_lstm", 32, 64, open_inference, prediction},
    {"W6gruinf", "w6_gru", 32, 64, open_inference, prediction},
    {"W7inf", "w7", 1, 0, open_inference, prediction},
    {"W9inf", "w9", 128, 0, open_inference, prediction},
    {"W8", "w8", 60000, 0, open_run, epoch},
    {"W8files", "w8", 60000, 0, open_run, epoch_from_files},
};
enum { WORKLOADS = sizeof workloads / sizeof workloads[0] };

/* ---- data ------------------------------------------------------------------------------ */

static int make_batch(bench *b)
{
    const tn_shape *in = tn_model_input(b->model), *out = tn_model_output(b->model);
    const int64_t samples = b->what->samples;
    const int64_t inputs = samples * tn_shape_count(in), classes = tn_shape_count(out);
    uint64_t state = 1;
    b->x = malloc((size_t)inputs * sizeof *b->x);
    b->y = malloc((size_t)(samples * classes) * sizeof *b->y);
    b->label = malloc((size_t)samples * sizeof *b->label);
    if (!b->x || !b->y || !b->label) return 1;
    for (int64_t i = 0; i < inputs; i++)
        b->x[i] = (float)(bench_random(&state) >> 40) / (1 << 23) - 1;
    for (int64_t i = 0; i < samples; i++)
        b->label[i] = (int32_t)(bench_random(&state) % (uint64_t)classes);
    memset(b->y, 0, (size_t)(samples * classes) * sizeof *b->y);
    return 0;
}

/* Loads the backend as well, for memory to start from. */
static int open_config(bench *b)
{
    char path[4096];
    tn_env_info info;
    const tn_env_options options = {.threads = b->asked.threads};
    b->env = tn_env_new(&options, &b->error);
    if (!b->env || tn_env_info_get(b->env, &info, &b->error)) return 1;
    b->asked.threads = info.threads;
    snprintf(path, sizeof path, BENCH_CONFIGS "/%s.yaml", b->what->config);
    b->config = tn_config_load(b->env, path, NULL, 0, &b->error);
    return !b->config;
}

/* Positions at which a layer meets its weights, by the weight's name: pixels of a convolution's
 * output. */
static double positions_of(const tn_model *model, const char *weight)
{
    const size_t length = (size_t)(strrchr(weight, '.') - weight);
    for (int32_t i = 0; i < tn_model_layers(model); i++) {
        const tn_layer_info layer = tn_model_layer(model, i);
        if (strlen(layer.name) == length && !memcmp(layer.name, weight, length))
            return (double)tn_shape_count(&layer.output) /
                   (double)tn_shape_width(&layer.output);
    }
    return 1;
}

/* Asks for weights, after which a model does without packed copies of them.
 * Multiplications and additions of the products of a step: forward, and in training the
 * gradients of every weight and of every input but the first layer's. */
static double work_of(const bench *b, const tn_model *model)
{
    double sum = 0, first = 0;
    for (int32_t i = 0; i < tn_model_tensors(model); i++) {
        const char *name;
        tn_tensor t;
        if (tn_model_tensor(model, i, &name, &t) || t.rank < 2) continue;
        double product = b->what->steps ? 2.0 * b->what->steps : 2.0;
        product *= positions_of(model, name);
        for (int32_t k = 0; k < t.rank; k++) product *= (double)t.dim[k];
        if (sum <= 0) first = product;
        sum += product;
    }
    return b->what->samples * (b->what->open == open_inference ? sum : 3 * sum - first);
}

static int open_all(bench *b)
{
    if (open_config(b)) return 1;
    if (b->what->open != open_run) {
        /* A model, for the shapes of the batch and the work of a step. */
        if (open_inference(b) || make_batch(b)) return 1;
        b->work = work_of(b, b->model);
        tn_model_free(b->model);
        b->model = NULL;
    }
    bench_forget_peak();
    b->base = bench_memory("VmRSS:");
    return b->what->open(b);
}

static void close_all(bench *b)
{
    tn_trainer_free(b->trainer);
    tn_model_free(b->model);
    tn_config_free(b->config);
    tn_env_free(b->env);
    free(b->x);
    free(b->y);
    free(b->label);
}

/* ---- results --------------------------------------------------------------------------- */

static void print_time(const bench *b, const bench_time *t)
{
    const tn_model *model = b->model ? b->model : tn_trainer_model(b->trainer);
    const double work = b->work > 0 ? b->work : work_of(b, model);
    int64_t parameters = 0;
    for (int32_t i = 0; i < tn_model_layers(model); i++)
        parameters += tn_model_layer(model, i).parameters;
    printf("{\"workload\": \"%s\", \"framework\": \"tenon %s\", \"threads\": %d, "
           "\"ms\": %.6g, \"ms_least\": %.6g, \"ms_low\": %.6g, \"ms_high\": %.6g, "
           "\"spread\": %.4f, \"blocks\": %lld, \"steps\": %lld, \"gflops\": %.4g, "
           "\"parameters\": %lld, \"flops\": %.0f, \"memory_mib\": %.1f, "
           "\"base_mib\": %.1f}\n",
           b->what->name, tn_version(), b->asked.threads, 1e3 * t->median, 1e3 * t->least,
           1e3 * t->low, 1e3 * t->high, t->spread, (long long)t->blocks,
           (long long)t->calls, 1e-9 * work / t->median, (long long)parameters, work,
           bench_memory("VmHWM:") - b->base, b->base);
    fflush(stdout);
}

static int run(void *data)
{
    bench *b = data;
    bench_time time;
    if (bench_measure(&b->asked.limits, b->what->once, b, &time)) return 1;
    print_time(b, &time);
    return 0;
}

/* ---- command line ---------------------------------------------------------------------- */

static int usage(void)
{
    fputs("usage: workloads list | NAME [--threads N] [--seconds S] [--steps N] "
          "[--serve]\n",
          stderr);
    return 2;
}

static int list(void)
{
    for (int i = 0; i < WORKLOADS; i++) puts(workloads[i].name);
    return 0;
}

int main(int count, char **argument)
{
    bench b = {.asked.limits.seconds = 1};
    int i = 2;
    if (count == 2 && !strcmp(argument[1], "list")) return list();
    for (int k = 0; count > 1 && k < WORKLOADS; k++)
        if (!strcmp(workloads[k].name, argument[1])) b.what = &workloads[k];
    while (i < count && bench_take(count, argument, &i, &b.asked)) i++;
    if (!b.what || i < count) return usage();
    const int failed = open_all(&b) || bench_answer(&b.asked, run, &b);
    if (failed)
        fprintf(stderr, "%s: %s\n", b.what->name,
                *b.error.text ? b.error.text : "out of memory");
    close_all(&b);
    return failed;
}
