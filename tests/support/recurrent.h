/* recurrent.h - what the suites of recurrent layers share: random shapes and options, threads and
 * backends. */
#ifndef TESTS_SUPPORT_RECURRENT_H
#define TESTS_SUPPORT_RECURRENT_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "tests/support/check.h"
#include "tests/support/opening.h"
#include "tests/support/rounds.h"

/* ---- gradients ------------------------------------------------------------------------ */

static int64_t recurrent_below(int64_t n)
{
    static uint64_t count;
    return (int64_t)(tn_random_bits((tn_key){{3, 8}}, count++) % (uint64_t)n);
}

/* Random shapes and options, `least` units and samples or more; the gradient of the input is that of
 * a layer before. */
TN_UNUSED static void recurrent_gradients(const char *layer, const char *more,
                                          int64_t least)
{
    static const char *const direction[] = {"forward", "reverse", "bidirectional"};
    const int64_t rounds = test_rounds(36, 200);
    for (int64_t i = 0; i < rounds; i++) {
        const tn_shape shape = check_shape(2, 1 + recurrent_below(6),
                                           1 + recurrent_below(5), 0);
        char model[400];
        snprintf(model, sizeof model,
                 "[{dense: %d}, {%s: {units: %d, direction: %s, return_sequences: %s, "
                 "bias: %s, recurrent_dropout: %s%s}}]",
                 (int)(1 + recurrent_below(4)), layer, (int)(least + recurrent_below(7)),
                 direction[i % 3], i % 2 ? "true" : "false", i % 5 ? "true" : "false",
                 i % 4 ? "0" : "0.4", more);
        check_gradients(model, NULL, 0, shape, least + recurrent_below(5), i % 7 != 0);
    }
}

/* Through 50 steps, and of a stack; of samples in several groups; in float as in double. */
TN_UNUSED static void recurrent_long_gradients(const char *layer)
{
    char model[200];
    snprintf(model, sizeof model, "[{%s: {units: 3, return_sequences: true}}, {%s: 4}]",
             layer, layer);
    check_gradients(model, NULL, 0, check_shape(2, 50, 2, 0), 2, true);
    check_gradients(model, NULL, 0, check_shape(2, 3, 2, 0), 35, true);
    snprintf(model, sizeof model, "[{%s: {units: 20, direction: bidirectional}}]", layer);
    check_precisions(model, NULL, 0, check_shape(2, 12, 9, 0), 5, 1e-5);
}

/* ---- threads, backends, memory --------------------------------------------------------- */

typedef struct recurrent_run {
    double *output, *gradient; /* all of them, one after the other */
    int64_t outputs, gradients;
} recurrent_run;

enum { RECURRENT_SAMPLES = 37, RECURRENT_STEPS = 9, RECURRENT_FEATURES = 33 };

static double recurrent_number(int32_t real, const void *data, int64_t i)
{
    return real ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void *recurrent_random(int32_t real, int64_t n, uint32_t seed)
{
    double *wide = check_room(n, sizeof *wide);
    float *narrow = check_room(n, sizeof *narrow);
    check_random(wide, n, seed);
    for (int64_t i = 0; i < n; i++) narrow[i] = (float)wide[i];
    return real ? (void *)wide : narrow;
}

/* A plan that makes no gradients keeps few steps; the bits are the same. */
static void recurrent_same_without_gradients(tn_graph *graph, tn_plan *plan,
                                             int64_t samples, const void *x)
{
    const size_t bytes = (size_t)(samples * tn_shape_count(tn_graph_output(graph))) *
                         (graph->real ? sizeof(double) : sizeof(float));
    tn_error e = {0};
    tn_plan *lean;
    const tn_pass pass = {.samples = samples, .step = 2};
    const void *expected, *y;
    cr_assert_eq(tn_plan_new(graph, samples, false, false, &lean, &e), TN_OK, "%s",
                 e.text);
    cr_assert_eq(tn_plan_forward(plan, &pass, x, &expected, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_plan_forward(lean, &pass, x, &y, &e), TN_OK, "%s", e.text);
    cr_assert(!memcmp(y, expected, bytes), "outputs differ without gradients");
    tn_plan_free(lean);
}

static recurrent_run recurrent_once(const char *model, const char *backend,
                                    int32_t threads, int32_t real, bool low)
{
    tn_error e = {0};
    tn_env *env = open_env(backend, threads);
    tn_config *config;
    const tn_shape shape = check_shape(2, RECURRENT_STEPS, RECURRENT_FEATURES, 0);
    tn_graph *graph = open_graph(env, model, &shape, real, &config);
    tn_plan *plan;
    tn_instance *loss;
    const tn_plan_options options = {
        .samples = RECURRENT_SAMPLES, .training = true, .low = low};
    const tn_pass pass = {.samples = RECURRENT_SAMPLES, .training = true, .step = 2};
    cr_assert_eq(tn_plan_make(graph, &options, &plan, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_instance_named(env, "loss", "linear", NULL, real, &loss, &e), TN_OK,
                 "%s", e.text);
    const tn_shape *out = tn_graph_output(graph);
    const int64_t n = RECURRENT_SAMPLES * tn_shape_count(&shape);
    recurrent_run r = {.outputs = RECURRENT_SAMPLES * tn_shape_count(out)};
    void *x = recurrent_random(real, n, 5);
    const tn_field field = {.width = tn_shape_count(out),
                            .real = recurrent_random(real, r.outputs, 6)};
    const void *y;
    double value, weight;
    cr_assert_eq(tn_plan_forward(plan, &pass, x, &y, &e), TN_OK, "%s", e.text);
    r.output = check_room(r.outputs, sizeof(double));
    for (int64_t i = 0; i < r.outputs; i++) r.output[i] = recurrent_number(real, y, i);
    cr_assert_eq(
        tn_plan_loss(plan, &pass, loss, &field, NULL, 1, true, &value, &weight, &e),
        TN_OK, "%s", e.text);
    cr_assert_eq(tn_plan_backward(plan, &pass, false, &e), TN_OK, "%s", e.text);
    for (int32_t i = 0; i < graph->params; i++)
        r.gradients += tn_count(&graph->param[i].value);
    r.gradient = check_room(r.gradients, sizeof(double));
    for (int32_t i = 0, at = 0; i < graph->params; i++) {
        const tn_tensor g = tn_plan_gradient(plan, i);
        for (int64_t j = 0; j < tn_count(&g); j++)
            r.gradient[at++] = recurrent_number(real, g.data, j);
    }
    recurrent_same_without_gradients(graph, plan, RECURRENT_SAMPLES, x);
    tn_instance_free(loss);
    tn_plan_free(plan);
    tn_graph_free(graph);
    tn_config_free(config);
    tn_env_free(env);
    return r;
}

static void recurrent_same(const recurrent_run *a, const recurrent_run *b,
                           const char *what)
{
    cr_assert(
        !memcmp(a->output, b->output, sizeof(double) * (size_t)a->outputs) &&
            !memcmp(a->gradient, b->gradient, sizeof(double) * (size_t)a->gradients),
        "%s change bits", what);
}

/* The same bits on any number of threads and with values made again; the reference's numbers. */
static void recurrent_same_always(const char *model, double output, double gradient)
{
    static const int32_t threads[] = {2, 3, 4, 7, 8};
    for (int32_t real = 0; real < 2; real++) {
        const recurrent_run one = recurrent_once(model, NULL, 1, real, false);
        const recurrent_run low = recurrent_once(model, NULL, 2, real, true);
        recurrent_same(&one, &low, "values made again");
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
            const recurrent_run more = recurrent_once(model, NULL, threads[i], real,
                                                      false);
            recurrent_same(&one, &more, "threads");
        }
        if (!real) continue;
        const recurrent_run plain = recurrent_once(model, "reference", 1, real, false);
        check_alike(one.output, plain.output, one.outputs, output, "output");
        check_alike(one.gradient, plain.gradient, one.gradients, gradient, "gradients");
    }
}

TN_UNUSED static void recurrent_is_reproducible(const char *layer)
{
    char model[400];
    snprintf(model, sizeof model,
             "[{dense: 21}, tanh, {%s: {units: 70, direction: bidirectional, "
             "return_sequences: true, recurrent_dropout: 0.3}}, {dense: 9}, tanh, "
             "{%s: 11}]",
             layer, layer);
    recurrent_same_always(model, 1e-12, 1e-10);
}

/* Units beyond those of a patch; in double R is too large for groups, so that several threads count
 * what a product has made. */
TN_UNUSED static void recurrent_is_reproducible_when_wide(const char *layer,
                                                          const char *more)
{
    char model[400];
    snprintf(model, sizeof model,
             "[{%s: {units: 260, return_sequences: true, recurrent_dropout: 0.3, "
             "zoneout: 0.2%s}}]",
             layer, more);
    recurrent_same_always(model, 1e-12, 1e-10);
}

/* ---- what is refused -------------------------------------------------------------------- */

static void recurrent_refused(const char *layer, const char *options, tn_shape input,
                              const char *part)
{
    char model[200];
    snprintf(model, sizeof model, "[{%s: %s}]", layer, options);
    check_refuses(model, input, part);
}

TN_UNUSED static void recurrent_refuses(const char *layer)
{
    const tn_shape good = check_shape(2, 4, 3, 0);
    recurrent_refused(layer, "3", check_shape(1, 4, 0, 0), "(steps, features)");
    recurrent_refused(layer, "3", check_shape(3, 4, 3, 2), "(steps, features)");
    recurrent_refused(layer, "{}", good, "units");
    recurrent_refused(layer, "0", good, "units");
    recurrent_refused(layer, "{units: 3, direction: backward}", good, "bidirectional");
    recurrent_refused(layer, "{units: 3, recurrent_dropout: 1.1}", good,
                      "recurrent_dropout");
    recurrent_refused(layer, "{units: 3, recurrent_initializer: relu}", good, "relu");
    recurrent_refused(layer, "3", check_shape(2, 1, INT64_MAX / 8, 0), "not possible");
    recurrent_refused(layer, "3", check_shape(2, INT64_MAX / 8, 1, 0), "too many");
}

#endif
