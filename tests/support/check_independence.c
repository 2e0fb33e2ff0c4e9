/* check_independence.c - what the numbers of a net may not hang on: the number of threads, the other
 * samples of a batch, the backend, whether it trains; see check.h. */
#include "check.h"
#include "rounds.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

typedef struct numbers {
    double *at;
    int64_t count, outputs; /* of these the first are outputs */
} numbers;

static check_net *make(const char *model, const char *backend, int32_t threads,
                       tn_shape input, int64_t samples, int32_t real)
{
    check_env_as(backend, threads);
    return check_net_new(model, NULL, 0, input, samples, real, 21);
}

static numbers run(check_net *net)
{
    numbers n = {.outputs = net->samples * net->outputs};
    n.at = check_net_numbers(net, &n.count);
    return n;
}

static void same_bits(const double *a, const double *b, int64_t n, const char *model,
                      const char *what)
{
    for (int64_t i = 0; i < n; i++)
        cr_assert(!memcmp(&a[i], &b[i], sizeof *a), "%s: number %lld %s: %.17g and %.17g",
                  model, (long long)i, what, a[i], b[i]);
}

void check_threads(const char *model, tn_shape input, int64_t samples)
{
    static const int32_t threads[] = {2, 3, 4, 7, 8};
    for (int32_t real = 0; real < 2; real++) {
        const numbers one = run(make(model, "blis", 1, input, samples, real));
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
            const numbers more = run(
                make(model, "blis", threads[i], input, samples, real));
            char what[60];
            snprintf(what, sizeof what, "is another on %d threads than on 1",
                     (int)threads[i]);
            same_bits(more.at, one.at, one.count, model, what);
        }
    }
}

/* ---- samples by themselves -------------------------------------------------------- */

/* Those of `all` from s on become the samples of `some`. */
static void take_samples(const check_net *all, int64_t s, check_net *some)
{
    const int64_t size = all->real ? 8 : 4;
    memcpy(some->x, (const char *)all->x + s * all->inputs * size,
           (size_t)(some->samples * all->inputs * size));
    memcpy(some->target.real, (const char *)all->target.real + s * all->outputs * size,
           (size_t)(some->samples * all->outputs * size));
    some->pass.row = s;
}

/* `least`, or what is larger. */
static double largest(double least, const double *a, int64_t n)
{
    double most = least;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(a[i]));
    return most;
}

/* Returns the numbers of the whole batch. */
static numbers samples_by(const char *backend, const char *model, tn_shape input,
                          int64_t samples, int32_t real)
{
    const bool bits = !strcmp(backend, "reference");
    check_net *all = make(model, backend, 2, input, samples, real),
              *one = check_net_new(model, NULL, 0, input, 1, real, 21);
    const numbers together = run(all);
    const int64_t gradients = together.count - together.outputs, n = all->outputs;
    const double tolerance = real ? 1e-13 : 1e-6;
    double *sum = check_room(gradients, sizeof *sum);
    for (int64_t s = 0; s < samples; s++) {
        take_samples(all, s, one);
        const numbers alone = run(one);
        if (bits) same_bits(alone.at, together.at + s * n, n, model, "of a sample alone");
        check_alike(alone.at, together.at + s * n, n,
                    tolerance * largest(1, together.at, together.outputs), model);
        for (int64_t i = 0; i < gradients; i++) sum[i] += alone.at[n + i];
    }
    if (!real) return together; /* gradients may be steep: rounding in float shows */
    const double *want = together.at + together.outputs;
    check_alike(sum, want, gradients, 10 * tolerance * largest(1, want, gradients),
                model);
    return together;
}

void check_samples(const char *model, tn_shape input, int64_t samples)
{
    for (int32_t real = 0; real < 2; real++) {
        const numbers plain = samples_by("reference", model, input, samples, real),
                      fast = samples_by("blis", model, input, samples, real);
        check_alike(fast.at, plain.at, real ? plain.count : plain.outputs,
                    (real ? 1e-12 : 1e-5) * largest(1, plain.at, plain.count), model);
    }
}

/* ---- both backends ----------------------------------------------------------------- */

enum { OUTPUT, INPUT_GRADIENT, GRADIENTS, PARTS };

typedef struct parts {
    double *at[PARTS];
    int64_t count[PARTS];
} parts;

/* Of a net that keeps all values. */
static parts parts_of(check_net *net)
{
    const numbers n = run(net);
    parts p = {{n.at, NULL, n.at + n.outputs}, {n.outputs, 0, n.count - n.outputs}};
    p.at[INPUT_GRADIENT] = check_net_gradient_at(net, 1, &p.count[INPUT_GRADIENT]);
    return p;
}

/* As many samples at a time as `some` has. */
static parts parts_by(check_net *some, const check_net *all, const parts *like)
{
    parts sum = *like;
    for (int k = 0; k < PARTS; k++)
        sum.at[k] = check_room(like->count[k], sizeof(double));
    for (int64_t s = 0; s < all->samples; s += some->samples) {
        take_samples(all, s, some);
        const parts p = parts_of(some);
        const int64_t first[PARTS] = {s * some->outputs, s * some->inputs, 0};
        for (int k = 0; k < PARTS; k++)
            for (int64_t i = 0; i < p.count[k]; i++)
                sum.at[k][first[k] + i] += p.at[k][i];
    }
    return sum;
}

static void check_tensor(const char *model, const char *name, const double *got,
                         const double *want, int64_t n, double tolerance)
{
    char what[CHECK_LAYERS + 300];
    snprintf(what, sizeof what, "%s: %s", model, name);
    check_alike(got, want, n, tolerance, what);
}

/* Gradients of parameters are sums in another order, whose terms may cancel: they are measured by the
 * largest number of all tensors. So is that of the input behind products, for layers may be steep. */
static void check_parts(const check_net *net, const parts *got, const parts *want,
                        const char *model, bool products)
{
    static const char *const name[] = {"output", "gradient of the input"};
    const double tolerance = net->real ? 1e-13 : 1e-6;
    double most = 0;
    for (int k = 0; k < PARTS; k++) most = largest(most, want->at[k], want->count[k]);
    for (int k = 0; k < GRADIENTS; k++) {
        const double own = largest(1e-3 * most, want->at[k], want->count[k]),
                     scale = products && k == INPUT_GRADIENT ? most : own;
        check_tensor(model, name[k], got->at[k], want->at[k], got->count[k],
                     tolerance * (products ? 10 : 1) * scale);
    }
    for (int64_t i = 0, at = 0; i < net->graph->params; i++) {
        const tn_graph_param *p = &net->graph->param[i];
        check_tensor(model, p->name, got->at[GRADIENTS] + at, want->at[GRADIENTS] + at,
                     tn_count(&p->value), 10 * tolerance * most);
        at += tn_count(&p->value);
    }
}

static void check_pair(const char *layers, const char *behind, tn_shape input,
                       int64_t samples, int32_t real)
{
    const int64_t at_once = strstr(layers, "batch_norm") ? samples : 1;
    char model[CHECK_LAYERS + 100];
    snprintf(model, sizeof model, "[{dense: {name: same, units: %d, bias: false}}, %s%s]",
             (int)tn_shape_width(&input), layers, behind);
    check_net *all = make(model, "blis", 2, input, samples, real),
              *some = make(model, "reference", 1, input, at_once, real);
    check_net_hand_on(all), check_net_hand_on(some);
    const numbers usual = run(all);
    check_net_keep(all), check_net_keep(some);
    const parts got = parts_of(all), want = parts_by(some, all, &got);
    same_bits(usual.at, got.at[OUTPUT], usual.count, model, "where all values are kept");
    check_parts(all, &got, &want, model, *behind || strstr(layers, "dense"));
}

void check_backends(check_drawing *draw)
{
    const uint32_t rounds = (uint32_t)test_rounds(60, 1500);
    check_env_as("reference", 1), check_env_as("blis", 2);
    const void *before = check_kept();
    for (uint32_t seed = 1; seed <= rounds; seed++, check_release(before)) {
        char layers[CHECK_LAYERS];
        const tn_shape input = draw(seed, layers);
        const int64_t samples = check_draw(seed, 99, 1, 6);
        check_pair(layers, "", input, samples, 0);
        check_pair(layers, check_draw(seed, 98, 0, 1) ? ", tanh, {dense: 3}" : "", input,
                   samples, 1);
    }
}

/* ---- training and not ---------------------------------------------------------------- */

static void free_plan(void *plan)
{
    tn_plan_free(plan);
}

static void same_output(check_net *net, tn_plan *plan, const numbers *want,
                        const char *model)
{
    const tn_pass pass = {.samples = net->samples};
    const size_t size = net->real ? sizeof(double) : sizeof(float);
    tn_error e = {0};
    const void *y;
    cr_assert_eq(tn_plan_forward(plan, &pass, net->x, &y, &e), TN_OK, "%s", e.text);
    for (int64_t i = 0; i < want->outputs; i++) {
        const double got = net->real ? ((const double *)y)[i]
                                     : (double)((const float *)y)[i];
        cr_assert(!memcmp(&got, &want->at[i], sizeof got),
                  "%s: output %lld of %zu bytes is %.17g outside training, %.17g in it",
                  model, (long long)i, size, got, want->at[i]);
    }
}

void check_modes(const char *model, tn_shape input, int64_t samples)
{
    for (int32_t real = 0; real < 2; real++) {
        check_net *net = make(model, "blis", 2, input, samples, real);
        const numbers training = run(net);
        tn_plan *plan;
        tn_error e = {0};
        same_output(net, net->plan, &training, model);
        cr_assert_eq(tn_plan_new(net->graph, samples, false, false, &plan, &e), TN_OK,
                     "%s", e.text);
        check_keep(plan, free_plan);
        for (int i = 0; i < 3; i++) /* weights are packed at the second use */
            same_output(net, plan, &training, model);
    }
}

void check_independence(const char *model, tn_shape input, int64_t samples)
{
    check_threads(model, input, samples);
    check_samples(model, input, samples);
    check_modes(model, input, samples);
}
