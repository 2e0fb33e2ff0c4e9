/* convolutions.c - the three forms of convolutions: forward, gradient of the input, gradient of
 * the filters, in float. Beside each its share of the fused multiply-adds that the processor can
 * do at all, measured in registers. The arithmetic is the definition's, multiplications with
 * padding too: 3 x 3 filters that are made by tiles do less, and may have more than all of the peak.
 * Times are the shortest of many, in processor time on one thread: other programs only ever add to
 * them.
 *
 *     bench/convolutions [THREADS [SECONDS [LAYER]]]    LAYER: one of those below, from 0 on */
#define TN_REAL_BITS 32
#include "core/graph.h"

#include <math.h>

#include "cli/peak.h"
#include "core/instance.h"
#include "core/real/unit.h"
#include "harness.h"

#define FORM_SECONDS "0.4"

typedef struct layer {
    const char *options;
    int64_t samples, side, channels;
} layer;

static const layer layers[] = {
    {"filters: 16, padding: same", 32, 64, 3},
    {"filters: 32, padding: same", 32, 32, 16},
    {"filters: 64, padding: same", 32, 16, 32},
    {"filters: 128, padding: same", 32, 8, 64},
    {"filters: 16, padding: same", 64, 32, 16},
    {"filters: 32, padding: same, stride: 2", 64, 32, 16},
    {"filters: 32, padding: same", 64, 16, 32},
    {"filters: 64, padding: same, stride: 2", 64, 16, 32},
    {"filters: 64, padding: same", 64, 8, 64},
    {"filters: 32, kernel: 1, stride: 2", 64, 32, 16},
    {"filters: 64, kernel: 1", 32, 16, 64},
    {"filters: 128, dilation: 2, padding: same", 8, 32, 64},
    {"filters: 128, dilation: 2, padding: same, groups: 4", 8, 32, 64},
    {"filters: 64, groups: 64, padding: same", 32, 16, 64},
};

typedef struct bench {
    tn_env *env;
    const tn_instance *backend;
    tn_graph *graph;
    tn_calling calling;
    tn_tensor in, out, gin, gout, weight, gweight;
    const tn_tensor *ins[1], *params[2];
    tn_tensor *gins[1], *gparams[2];
    tn_io io;
    double peak, seconds;
    int threads;
    tn_error error;
} bench;

static const tn_instance *instance_of(const bench *b)
{
    return b->graph->node[1].layer;
}

static int forward(bench *b)
{
    const tn_layer *slots = instance_of(b)->vtable;
    return slots->run(instance_of(b)->self, &b->calling.call, &b->io) != TN_OK;
}

static int backward(bench *b)
{
    const tn_layer *slots = instance_of(b)->vtable;
    return slots->run_back(instance_of(b)->self, &b->calling.call, &b->io) != TN_OK;
}

static int input_gradient(bench *b)
{
    b->gins[0] = &b->gin, b->gparams[0] = NULL;
    return backward(b);
}

static int filter_gradient(bench *b)
{
    b->gins[0] = NULL, b->gparams[0] = &b->gweight;
    return backward(b);
}

static int shortest(bench *b, int (*once)(bench *), double *seconds)
{
    const double begin = bench_now();
    const int alone = b->threads == 1;
    *seconds = INFINITY;
    do {
        const double t = bench_clock(alone);
        if (once(b)) return 1;
        *seconds = fmin(*seconds, bench_clock(alone) - t);
    } while (bench_now() - begin < b->seconds);
    return 0;
}

static int run_form(bench *b, const layer *l, const char *form, int (*once)(bench *))
{
    double seconds;
    if (shortest(b, once, &seconds)) return 1;
    const double work = 2e-9 * (double)tn_count(&b->out) * (double)tn_count(&b->weight) /
                        (double)b->weight.dim[0];
    printf(
        "{\"benchmark\": \"convolution_%s\", \"samples\": %d, \"input\": \"%dx%dx%d\", "
        "\"options\": \"%s\", \"unit\": \"GFLOP/s\", \"threads\": %d, \"best\": %.4g, "
        "\"of_peak\": %.3f, \"microseconds\": %.1f}\n",
        form, (int)l->samples, (int)l->side, (int)l->side, (int)l->channels, l->options,
        b->threads, work / seconds, work / seconds / (b->peak * b->threads),
        1e6 * seconds);
    fflush(stdout);
    return 0;
}

static tn_tensor like(const tn_shape *shape, int64_t samples)
{
    tn_tensor t = tn_tensor_over(shape, samples, 0, NULL);
    t.data = bench_numbers((size_t)tn_count(&t));
    return t;
}

/* NULL: nothing is needed. */
static void *room_of(size_t bytes)
{
    return bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
}

static void prepare(bench *b, const layer *l)
{
    const tn_node *node = &b->graph->node[1].spec;
    const tn_graph_param *param = b->graph->param;
    b->in = like(&node->in[0], l->samples), b->gin = like(&node->in[0], l->samples);
    b->out = like(&node->out, l->samples), b->gout = like(&node->out, l->samples);
    b->weight = param[0].value, b->gweight = like(&param[0].spec.shape, -1);
    b->ins[0] = &b->in, b->params[0] = &b->weight, b->params[1] = &param[1].value;
    const size_t cache = node->cache * (size_t)l->samples;
    b->io = (tn_io){.training = 1,
                    .cache = room_of(cache),
                    .scratch = room_of(node->scratch),
                    .inputs = 1,
                    .in = b->ins,
                    .out = &b->out,
                    .param = b->params,
                    .gparam = b->gparams,
                    .gout = &b->gout,
                    .gin = b->gins};
    tn_call_make(&b->calling, b->env, instance_of(b), 0, &b->error);
    b->calling.plan = (void *)(uintptr_t)b->backend;
}

static int run_layer(bench *b, const layer *l)
{
    char text[200];
    const tn_shape input = {.rank = 3, .dim = {l->side, l->side, l->channels}};
    snprintf(text, sizeof text, "model: [{conv2d: {%s}}]\n", l->options);
    tn_config *config = tn_config_parse(b->env, text, "bench", NULL, 0, &b->error);
    if (!config ||
        tn_graph_new(b->env, config->root, &input, 0, 1, INT64_MAX, &b->graph, &b->error))
        return 1;
    prepare(b, l);
    const int failed = run_form(b, l, "forward", forward) ||
                       run_form(b, l, "input_gradient", input_gradient) ||
                       run_form(b, l, "filter_gradient", filter_gradient);
    free(b->in.data), free(b->gin.data), free(b->out.data), free(b->gout.data);
    free(b->gweight.data), free(b->io.cache), free(b->io.scratch);
    tn_graph_free(b->graph);
    tn_config_free(config);
    return failed;
}

int main(int count, char **argument)
{
    const tn_env_options options = {
        .threads = count > 1 ? (int32_t)strtol(argument[1], NULL, 10) : 0};
    bench b = {.peak = cli_peak_of_thread(0),
               .seconds = strtod(count > 2 ? argument[2] : FORM_SECONDS, NULL)};
    b.env = tn_env_new(&options, &b.error);
    int failed = !b.env || tn_env_backend(b.env, 0, &b.backend, &b.error);
    if (!failed) b.threads = tn_real_ops_of(0)->threads(b.backend);
    if (!failed) fprintf(stderr, "peak %.1f GFLOP/s a thread\n", b.peak);
    const long only = count > 3 ? strtol(argument[3], NULL, 10) : -1;
    for (long i = 0; i < (long)(sizeof layers / sizeof *layers) && !failed; i++)
        if (only < 0 || i == only) failed = run_layer(&b, &layers[i]);
    if (failed) fprintf(stderr, "%s\n", b.error.text);
    tn_env_free(b.env);
    return failed;
}
