/* lab.h - a small network on data in memory, taken through its steps one by one: for
 * suites that compare what an update does with what its paper says. Batches are the whole
 * training set. */
#ifndef TESTS_SUPPORT_LAB_H
#define TESTS_SUPPORT_LAB_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/judge.h"
#include "core/update.h"
#include "tests/support/opening.h"

#define SAMPLES 64
#define FEATURES 3

typedef struct lab {
    tn_env *env;
    tn_config *config;
    tn_feed *feed;
    tn_graph *graph;
    tn_judge *judge;
    tn_plan *plan;
    tn_updater *updater;
    int64_t step;
} lab;

static float inputs[SAMPLES * FEATURES], targets[SAMPLES * 2];
static int32_t labels[SAMPLES];

/* Built-in plugins and toys; data sets "values" (two linear functions of the first
 * feature) and "classes" (the sign of the first feature). */
TN_UNUSED static tn_env *lab_env(void)
{
    tn_error error = {0};
    const tn_shape input = {.rank = 1, .dim = {FEATURES}}, two = {.rank = 1, .dim = {2}};
    const tn_key key = {{1, 2}};
    for (int i = 0; i < SAMPLES; i++) {
        for (int j = 0; j < FEATURES; j++)
            inputs[i * FEATURES + j] = (float)tn_random_normal(
                key, (uint64_t)(i * FEATURES + j));
        labels[i] = inputs[i * FEATURES] > 0;
        targets[2 * i] = 2 * inputs[i * FEATURES] - 1;
        targets[2 * i + 1] = 0.5f - inputs[i * FEATURES];
    }
    tn_env *env = open_env(NULL, 0);
    const tn_memory_data values = {.samples = SAMPLES,
                                   .input = input,
                                   .target = two,
                                   .inputs = inputs,
                                   .targets = targets};
    const tn_memory_data classes = {.samples = SAMPLES,
                                    .input = input,
                                    .classes = 2,
                                    .inputs = inputs,
                                    .labels = labels};
    cr_assert_eq(tn_env_attach(env, "values", &values, &error), TN_OK, "%s", error.text);
    cr_assert_eq(tn_env_attach(env, "classes", &classes, &error), TN_OK, "%s",
                 error.text);
    return env;
}

#define DO(call) cr_assert_eq(call, TN_OK, "%s", error.text)

/* In double. */
TN_UNUSED static lab open_lab(const char *text)
{
    tn_error error = {0};
    lab l = {.env = lab_env()};
    l.config = tn_config_parse(l.env, text, "lab.yaml", NULL, 0, &error);
    cr_assert_not_null(l.config, "%s", error.text);
    const tn_cfg *root = l.config->root;
    DO(tn_feed_new(l.env, root, 1, 7, &l.feed, &error));
    const tn_data_info *info = tn_feed_info(l.feed, true);
    DO(tn_graph_new(l.env, root, &info->field[tn_feed_find(info, "input")].shape, 1, 7,
                    INT64_MAX, &l.graph, &error));
    DO(tn_judge_new(l.graph, root, info, TN_TRAIN, &l.judge, &error));
    DO(tn_plan_new(l.graph, SAMPLES, true, false, &l.plan, &error));
    DO(tn_updater_new(l.graph, root, &l.updater, &error));
    return l;
}

TN_UNUSED static void close_lab(lab *l)
{
    tn_updater_free(l->updater);
    tn_plan_free(l->plan);
    tn_judge_free(l->judge);
    tn_graph_free(l->graph);
    tn_feed_free(l->feed);
    tn_config_free(l->config);
    tn_env_free(l->env);
}

/* Loss at the weights as they are; gradients are left in the plan. */
TN_UNUSED static double look(lab *l)
{
    tn_error error = {0};
    tn_batch batch;
    double sums[16] = {0};
    DO(tn_feed_batch(l->feed, TN_TRAIN, 0, 0, &batch, &error));
    const tn_pass pass = {
        .samples = batch.samples, .step = (uint64_t)l->step, .training = true};
    const int32_t input = tn_feed_find(tn_feed_info(l->feed, true), "input");
    DO(tn_plan_forward(l->plan, &pass, batch.field[input].real, NULL, &error));
    DO(tn_judge_add(l->judge, l->plan, &pass, batch.field, 0, true, sums, &error));
    DO(tn_plan_backward(l->plan, &pass, false, &error));
    return sums[0] / sums[1];
}

/* One update; the loss before it. */
TN_UNUSED static double step(lab *l)
{
    tn_error error = {0};
    const tn_clock clock = {.step = l->step,
                            .steps = 1000,
                            .epoch = (double)l->step,
                            .epochs = 1000,
                            .monitored = NAN};
    const int32_t passes = tn_updater_passes(l->updater);
    tn_updater_tick(l->updater, &clock);
    const double loss = look(l);
    for (int32_t pass = 1; pass < passes; pass++) {
        tn_updater_between(l->updater, l->plan, l->step + 1, pass - 1);
        look(l);
    }
    l->step++;
    DO(tn_updater_apply(l->updater, l->plan, l->step, &error));
    return loss;
}

TN_UNUSED static double *weights(const lab *l, int32_t param)
{
    cr_assert(param < l->graph->params);
    return l->graph->param[param].value.data;
}

TN_UNUSED static int64_t size_of(const lab *l, int32_t param)
{
    return tn_count(&l->graph->param[param].value);
}

TN_UNUSED static double *gradient(const lab *l, int32_t param)
{
    return tn_plan_gradient(l->plan, param).data;
}

/* A copy that the test need not free. */
TN_UNUSED static double *kept(const lab *l, const double *values, int32_t param)
{
    static double room[16][64];
    static int next;
    cr_assert(size_of(l, param) <= 64);
    return memcpy(room[next++ % 16], values, sizeof(double) * (size_t)size_of(l, param));
}

#endif
