/* kann_steps.c - the workloads of bench/workloads.c that KANN can run, with its protocol.
 *
 *     kann_steps list
 *     kann_steps NAME [--variant V] [--threads N] [--seconds S] [--steps N] [--serve]
 *     kann_steps NAME --threads N --variants     {"": [ways that do the same]}
 *
 * scripts/bench --kann DIR compiles it with kautodiff.c and kann.c of that checkout, whose
 * products OpenBLAS makes. The batch size is set once and the feeds are bound once; a step is
 * kann_cost and an update in one pass, in parallel where that pays. The threads
 * are those of BLAS (blas), or KANN's, each with a share of the batch (kann_mt). */
#include <kann.h>
#include <unistd.h>

#include "../harness.h"

#define PARALLEL_UPDATE (1 << 15) /* elements; below, starting threads costs more */
#define RATE 1e-3f

typedef struct workload {
    const char *name;
    int samples;     /* of a batch */
    const int *size; /* inputs, units of each layer, 0 */
    kad_node_t *(*activation)(kad_node_t *);
    float dropout, momentum;
    int predicts;
    kad_node_t *(*recurrent)(kad_node_t *, int, int); /* the first layer of sequences */
    int missing; /* parameters that this form of the network does without */
} workload;

typedef struct bench {
    const workload *what;
    const char *variant;
    bench_asked asked;
    int variables;
    kann_t *network, *step; /* step: of a sequence; the network has all of them */
    float *x, *y, *velocity;
    double base; /* MiB */
} bench;

static const int w1[] = {12288, 1000, 500, 2, 0};
static const int w2[] = {12288, 1000, 1000, 1000, 1000, 1000,
                         1000,  1000, 1000, 1000, 2,    0};
static const int w3[] = {784, 256, 128, 10, 0};
static const int w4[] = {64, 32, 10, 0};
static const int w7[] = {12288, 100, 2, 0};
static const int w6[] = {64, 256, 2, 0};
static const workload workloads[] = {
    {"W1", 100, w1, kad_relu, 0, 0, 0},
    {"W2relu", 100, w2, kad_relu, 0, 0, 0},
    {"W2sigmoid", 100, w2, kad_sigm, 0, 0, 0},
    {"W3sgd", 64, w3, kad_relu, 0, 0.9f, 0},
    {"W3drop", 64, w3, kad_relu, 0.5f, 0.9f, 0},
    {"W4", 32, w4, kad_relu, 0, 0, 0},
    {"W1inf", 100, w1, kad_relu, 0, 0, 1},
    {"W3inf", 64, w3, kad_relu, 0, 0, 1},
    {"W7inf", 1, w7, kad_relu, 0, 0, 1},
    {"W6lstm", 32, w6, .recurrent = kann_layer_lstm},
    /* Its candidate multiplies the state after its reset, without a bias there. */
    {"W6gru", 32, w6, .recurrent = kann_layer_gru, .missing = 256},
};
enum { STEPS = 64 }; /* of a sequence */
enum { WORKLOADS = sizeof workloads / sizeof workloads[0] };

/* ---- the network ----------------------------------------------------------------------- */

/* The output is what goes into the softmax, as in bench/workloads.c. */
static kann_t *network_of(const workload *what)
{
    kad_node_t *t = kann_layer_input(what->size[0]);
    int i = 1;
    if (what->recurrent) {
        t = what->recurrent(t, what->size[i++], 0);
        t = kad_select(1, &t, -1); /* the last state */
    }
    for (; what->size[i + 1]; i++) {
        t = what->activation(kann_layer_dense(t, what->size[i]));
        if (what->dropout > 0) t = kann_layer_dropout(t, what->dropout);
    }
    kad_node_t *cost = kann_layer_cost(t, what->size[i], KANN_C_CEM);
    kad_node_t *softmax = cost->child[0];
    softmax->ext_flag &= ~(uint32_t)KANN_F_OUT;
    softmax->child[0]->ext_flag |= KANN_F_OUT;
    return kann_new(cost, 0);
}

/* Nodes that a batch is fed to: one, or one for each step. */
static int feeds_of(const workload *what)
{
    return what->recurrent ? STEPS : 1;
}

static int make_batch(bench *b)
{
    const int *size = b->what->size;
    const int64_t samples = b->what->samples,
                  inputs = samples * size[0] * feeds_of(b->what);
    int64_t classes = 0;
    for (int i = 1; size[i]; i++) classes = size[i];
    uint64_t state = 1;
    b->x = malloc((size_t)inputs * sizeof *b->x);
    b->y = calloc((size_t)(samples * classes), sizeof *b->y);
    if (!b->x || !b->y) return 1;
    for (int64_t i = 0; i < inputs; i++)
        b->x[i] = (float)(bench_random(&state) >> 40) / (1 << 23) - 1;
    for (int64_t i = 0; i < samples; i++)
        b->y[i * classes + (int64_t)(bench_random(&state) % (uint64_t)classes)] = 1;
    return 0;
}

static void bind_batch(bench *b)
{
    float *x[STEPS];
    for (int i = 0; i < feeds_of(b->what); i++)
        x[i] = b->x + (int64_t)i * b->what->samples * b->what->size[0];
    kann_feed_bind(b->network, KANN_F_IN, 0, x);
    kann_feed_bind(b->network, KANN_F_TRUTH, 0, &b->y);
}

static int open_all(bench *b)
{
    if (make_batch(b)) return 1;
    bench_forget_peak();
    b->base = bench_memory("VmRSS:");
    b->network = network_of(b->what);
    if (b->what->recurrent) {
        b->step = b->network;
        b->network = kann_unroll(b->step, STEPS);
    }
    b->variables = kann_size_var(b->network);
    if (b->what->momentum > 0) {
        b->velocity = calloc((size_t)b->variables, sizeof *b->velocity);
        if (!b->velocity) return 1;
    }
    kann_set_batch_size(b->network, b->what->samples);
    bind_batch(b);
    if (!strcmp(b->variant, "kann_mt"))
        kann_mt(b->network, b->asked.threads, b->what->samples);
    kann_switch(b->network, !b->what->predicts);
    return 0;
}

static void close_all(bench *b)
{
    if (b->step) {
        kann_delete_unrolled(b->network);
        kann_delete(b->step);
    } else
        kann_delete(b->network);
    free(b->x);
    free(b->y);
    free(b->velocity);
}

/* ---- steps ----------------------------------------------------------------------------- */

static void descend(int n, const float *restrict g, float *restrict w)
{
#pragma omp parallel for simd if (n > PARALLEL_UPDATE)
    for (int i = 0; i < n; i++) w[i] -= RATE * g[i];
}

static void descend_with_momentum(int n, float momentum, const float *restrict g,
                                  float *restrict v, float *restrict w)
{
#pragma omp parallel for simd if (n > PARALLEL_UPDATE)
    for (int i = 0; i < n; i++) {
        v[i] = momentum * v[i] + g[i];
        w[i] -= RATE * v[i];
    }
}

static int training_step(void *data)
{
    bench *b = data;
    kann_t *network = b->network;
    kann_cost(network, 0, 1);
    if (b->velocity)
        descend_with_momentum(b->variables, b->what->momentum, network->g, b->velocity,
                              network->x);
    else
        descend(b->variables, network->g, network->x);
    return 0;
}

static int prediction(void *data)
{
    return kann_eval_out(((bench *)data)->network) != 1;
}

/* ---- results --------------------------------------------------------------------------- */

/* As bench/workloads.c counts it. */
static double work_of(const workload *what)
{
    double sum = 0, first = 2.0 * what->size[0] * what->size[1];
    for (int i = 0; what->size[i + 1]; i++)
        sum += 2.0 * what->size[i] * what->size[i + 1];
    if (what->recurrent) {
        const int gates = what->recurrent == kann_layer_lstm ? 4 : 3;
        sum += (gates - 1) * first + gates * 2.0 * what->size[1] * what->size[1];
        first *= gates * STEPS, sum *= STEPS;
    }
    return what->samples * (what->predicts ? sum : 3 * sum - first);
}

static int run(void *data)
{
    bench *b = data;
    bench_time t;
    if (bench_measure(&b->asked.limits, b->what->predicts ? prediction : training_step, b,
                      &t))
        return 1;
    printf("{\"workload\": \"%s\", \"framework\": \"kann " KANN_VERSION "\", "
           "\"variant\": \"%s\", \"threads\": %d, \"ms\": %.6g, \"ms_least\": %.6g, "
           "\"spread\": %.4f, \"blocks\": %lld, \"steps\": %lld, \"parameters\": %d, "
           "\"flops\": %.0f, \"memory_mib\": %.1f, \"base_mib\": %.1f}\n",
           b->what->name, b->variant, b->asked.threads, 1e3 * t.median, 1e3 * t.least,
           t.spread, (long long)t.blocks, (long long)t.calls,
           b->variables + b->what->missing, work_of(b->what),
           bench_memory("VmHWM:") - b->base, b->base);
    fflush(stdout);
    return 0;
}

/* ---- command line ---------------------------------------------------------------------- */

/* Starts this program anew in the environment that bench/peers/measure.py gives every peer;
 * OpenMP and malloc read it when they are loaded. KANN's threads use one of BLAS each. */
static void start_again(const bench *b, char **argument)
{
    char threads[16];
    if (getenv("BENCH_PEER")) return;
    snprintf(threads, sizeof threads, "%d",
             strcmp(b->variant, "kann_mt") ? b->asked.threads : 1);
    setenv("OMP_NUM_THREADS", threads, 1);
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
#endif
    setenv("MALLOC_MMAP_MAX_", "0", 1);
    setenv("MALLOC_TRIM_THRESHOLD_", "1099511627776", 1);
    setenv("MALLOC_TOP_PAD_", "67108864", 1);
    setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1);
    setenv("BENCH_PEER", "1", 1);
    execv("/proc/self/exe", argument);
}

static int usage(void)
{
    fputs("usage: kann_steps list | NAME [--variant blas|kann_mt] [--threads N] "
          "[--seconds S] [--steps N] [--serve] [--variants]\n",
          stderr);
    return 2;
}

static int list(void)
{
    for (int i = 0; i < WORKLOADS; i++) puts(workloads[i].name);
    return 0;
}

static int list_variants(const bench *b)
{
    const int splits = b->asked.threads > 1 && b->what->samples > 1;
    puts(splits ? "{\"\": [\"blas\", \"kann_mt\"]}" : "{\"\": [\"blas\"]}");
    return 0;
}

/* Whether options were understood. */
static int parse(int count, char **argument, bench *b, int *listing)
{
    for (int i = 2; i < count; i++) {
        const char *name = argument[i];
        if (!strcmp(name, "--variants")) {
            *listing = 1;
            continue;
        }
        if (!strcmp(name, "--variant") && i + 1 < count)
            b->variant = argument[++i];
        else if (!bench_take(count, argument, &i, &b->asked))
            return 0;
    }
    return b->asked.threads > 0 &&
           (!strcmp(b->variant, "blas") || !strcmp(b->variant, "kann_mt"));
}

int main(int count, char **argument)
{
    bench b = {.variant = "blas", .asked.limits.seconds = 1};
    int listing = 0;
    b.asked.threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (count == 2 && !strcmp(argument[1], "list")) return list();
    for (int i = 0; count > 1 && i < WORKLOADS; i++)
        if (!strcmp(workloads[i].name, argument[1])) b.what = &workloads[i];
    if (!b.what || !parse(count, argument, &b, &listing)) return usage();
    if (listing) return list_variants(&b);
    start_again(&b, argument);
    const int failed = open_all(&b) || bench_answer(&b.asked, run, &b);
    if (failed) fprintf(stderr, "%s: out of memory\n", b.what->name);
    close_all(&b);
    return failed;
}
