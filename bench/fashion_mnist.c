/* fashion_mnist.c - throughput of training steps of the network of
 * examples/fashion-mnist.yaml on batches in memory. bench/peers/fashion_mnist_torch.py
 * measures the same in PyTorch.
 *
 *     bench/fashion_mnist [THREADS] */
#include <tenon/tenon.h>

#include "harness.h"

enum { BATCH = 64, PIXELS = 784, CLASSES = 10 };

static const char config_text[] =
    "seed: 7\n"
    "data: {memory: {train: images, batch: 64}}\n"
    "model: [{dense: 256}, relu, {dropout: 0.2}, {dense: 128}, relu, {dense: 10}]\n"
    "loss: cross_entropy\n"
    "optimizer: {adam: {lr: 1e-3}}\n"
    "train: {epochs: 1}\n";

typedef struct bench {
    float x[BATCH * PIXELS];
    int32_t label[BATCH];
    tn_env *env;
    tn_config *config;
    tn_trainer *trainer;
    tn_error error;
} bench;

static int step(void *data)
{
    bench *b = data;
    double loss;
    return tn_trainer_step(b->trainer, b->x, NULL, b->label, BATCH, &loss, &b->error) !=
           TN_OK;
}

static int run(bench *b, int threads)
{
    const tn_memory_data images = {.samples = BATCH,
                                   .input = {.rank = 1, .dim = {PIXELS}},
                                   .classes = CLASSES,
                                   .inputs = b->x,
                                   .labels = b->label};
    const tn_env_options options = {.threads = threads};
    tn_env_info info;
    for (int i = 0; i < BATCH * PIXELS; i++) b->x[i] = (float)(i * 37 % 256) / 255;
    for (int i = 0; i < BATCH; i++) b->label[i] = i % CLASSES;
    b->env = tn_env_new(&options, &b->error);
    if (!b->env || tn_env_attach(b->env, "images", &images, &b->error) ||
        tn_env_info_get(b->env, &info, &b->error))
        return 1;
    b->config = tn_config_parse(b->env, config_text, "bench", NULL, 0, &b->error);
    if (b->config) b->trainer = tn_trainer_new(b->env, b->config, NULL, &b->error);
    return !b->trainer ||
           bench_run("fashion_mnist_step", "samples/s", BATCH, info.threads, step, b);
}

int main(int count, char **argument)
{
    static bench b;
    const int failed = run(&b, bench_threads(count, argument));
    if (failed) fprintf(stderr, "%s\n", b.error.text);
    tn_trainer_free(b.trainer);
    tn_config_free(b.config);
    tn_env_free(b.env);
    return failed;
}
