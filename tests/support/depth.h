/* depth.h - a fully connected network of ten layers of 1,000 before its training: what becomes of
 * signals on their way through it, and of gradients on their way back. 100 samples of normal numbers. */
#ifndef TESTS_SUPPORT_DEPTH_H
#define TESTS_SUPPORT_DEPTH_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "core/trainer.h"
#include "tests/support/opening.h"
#include "tests/support/kept.h"

enum { DEPTH = 10, WIDTH = 1000, DEEP_SAMPLES = 100 };

typedef struct depth {
    double mean[DEPTH], square[DEPTH]; /* of what comes out of activation 1 .. 9 */
    double spread[DEPTH];              /* deviation across samples, mean over units */
    double gradient[DEPTH];            /* norm, of weight 1 .. 10 */
    double loss;
} depth;

static float deep_x[DEEP_SAMPLES * WIDTH];
static int32_t deep_label[DEEP_SAMPLES];

static void measure_layer(const float *y, double *mean, double *square, double *spread)
{
    double total = 0, squares = 0;
    *spread = 0;
    for (int j = 0; j < WIDTH; j++) {
        double sum = 0, around = 0;
        for (int s = 0; s < DEEP_SAMPLES; s++) {
            const double v = (double)y[s * WIDTH + j];
            sum += v / DEEP_SAMPLES, squares += v * v;
        }
        for (int s = 0; s < DEEP_SAMPLES; s++)
            around += pow((double)y[s * WIDTH + j] - sum, 2) / (DEEP_SAMPLES - 1);
        total += sum, *spread += sqrt(around) / WIDTH;
    }
    *mean = total / WIDTH, *square = squares / WIDTH / DEEP_SAMPLES;
}

static void measure_signals(tn_graph *g, depth *d)
{
    const tn_plan_options options = {.samples = DEEP_SAMPLES, .keeps = true};
    const tn_pass pass = {.samples = DEEP_SAMPLES};
    const void *const x[] = {deep_x};
    tn_plan *plan;
    tn_error e = {0};
    cr_assert_eq(tn_plan_make(g, &options, &plan, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_plan_run(plan, &pass, x, NULL, &e), TN_OK, "%s", e.text);
    for (int i = 0; i + 1 < DEPTH; i++) /* nodes: input, dense, activation, dense, ... */
        measure_layer(tn_plan_output(plan, 2 + 2 * i), &d->mean[i], &d->square[i],
                      &d->spread[i]);
    tn_plan_free(plan);
}

static void measure_gradients(tn_trainer *t, depth *d)
{
    tn_error e = {0};
    cr_assert_eq(
        tn_trainer_gradients(t, deep_x, NULL, deep_label, DEEP_SAMPLES, &d->loss, &e),
        TN_OK, "%s", e.text);
    for (int i = 0; i < DEPTH; i++) {
        tn_tensor g;
        double sum = 0;
        cr_assert_eq(tn_trainer_gradient(t, t->model->graph->param[2 * i].name, &g, &e),
                     TN_OK, "%s", e.text);
        for (int64_t k = 0; k < tn_count(&g); k++)
            sum += (double)((float *)g.data)[k] * (double)((float *)g.data)[k];
        d->gradient[i] = sqrt(sum);
    }
}

/* Nine layers with an activation, and a last one with two outputs. */
TN_UNUSED static depth dive(const char *init, const char *activation)
{
    char text[400];
    tn_error e = {0};
    depth d = {0};
    for (int i = 0; i < DEEP_SAMPLES * WIDTH; i++)
        deep_x[i] = (float)tn_random_normal((tn_key){{8, 9}}, (uint64_t)i);
    for (int i = 0; i < DEEP_SAMPLES; i++) deep_label[i] = i % 2;
    snprintf(text, sizeof text,
             "seed: 7\ninput: [1000]\nmodel: [{repeat: {times: 9, body: [{dense: 1000}, "
             "%s]}}, {dense: 2}]\ninit: %s\nloss: cross_entropy\noptimizer: sgd\n",
             activation, init);
    tn_env *env = kept(open_env(NULL, 1));
    tn_config *config = tn_config_parse(env, text, "deep.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    tn_trainer *t = tn_trainer_new(env, config, NULL, &e);
    cr_assert_not_null(t, "%s", e.text);
    measure_signals(t->model->graph, &d);
    measure_gradients(t, &d);
    tn_trainer_free(t);
    tn_config_free(config);
    return d;
}

/* Size of signal number i against that of the first, and of gradients of hidden weights. */
TN_UNUSED static double grown(const depth *d, int i)
{
    return sqrt(d->square[i] / d->square[0]);
}

#endif
