/* check_independence.c - what the numbers of a net may not hang on: the number of threads, the other
 * samples of a batch, whether it trains; see check.h. */
#include "check.h"

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

/* Sample s of `all` becomes the one of `one`. */
static void take_sample(const check_net *all, int64_t s, check_net *one)
{
    const int64_t size = all->real ? 8 : 4;
    memcpy(one->x, (const char *)all->x + s * all->inputs * size,
           (size_t)(all->inputs * size));
    memcpy(one->target.real, (const char *)all->target.real + s * all->outputs * size,
           (size_t)(all->outputs * size));
    one->pass.row = s;
}

static double largest(const double *a, int64_t n)
{
    double most = 1;
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
        take_sample(all, s, one);
        const numbers alone = run(one);
        if (bits) same_bits(alone.at, together.at + s * n, n, model, "of a sample alone");
        check_alike(alone.at, together.at + s * n, n,
                    tolerance * largest(together.at, together.outputs), model);
        for (int64_t i = 0; i < gradients; i++) sum[i] += alone.at[n + i];
    }
    if (!real) return together; /* gradients may be steep: rounding in float shows */
    const double *want = together.at + together.outputs;
    check_alike(sum, want, gradients, 10 * tolerance * largest(want, gradients), model);
    return together;
}

void check_samples(const char *model, tn_shape input, int64_t samples)
{
    for (int32_t real = 0; real < 2; real++) {
        const numbers plain = samples_by("reference", model, input, samples, real),
                      fast = samples_by("blis", model, input, samples, real);
        check_alike(fast.at, plain.at, real ? plain.count : plain.outputs,
                    (real ? 1e-12 : 1e-5) * largest(plain.at, plain.count), model);
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
