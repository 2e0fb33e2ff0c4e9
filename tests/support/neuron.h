/* neuron.h - one neuron, z = w x + b, and what training makes of it step by step, through tenon.h as for
 * any model: for worked examples about updates. */
#ifndef TESTS_SUPPORT_NEURON_H
#define TESTS_SUPPORT_NEURON_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "core/trainer.h"
#include "tests/support/kept.h"
#include "tests/support/opening.h"

typedef struct neuron {
    tn_trainer *trainer;
    tn_tensor w, b;
} neuron;

#define NEURON_DO(call) cr_assert_eq(call, TN_OK, "%s", e.text)

static double neuron_get(const tn_tensor *t, int64_t i)
{
    return t->dtype == TN_F64 ? ((const double *)t->data)[i]
                              : (double)((const float *)t->data)[i];
}

static void neuron_set(const tn_tensor *t, int64_t i, double value)
{
    if (t->dtype == TN_F64)
        ((double *)t->data)[i] = value;
    else
        ((float *)t->data)[i] = (float)value;
}

__attribute__((unused)) static double neuron_w(const neuron *n, int64_t i)
{
    return neuron_get(&n->w, i);
}

/* `rest` of the config: precision, loss, optimizer, regularizer; layers behind it, or NULL. */
__attribute__((unused)) static neuron *neuron_new(int64_t inputs, const double *w,
                                                  double b, const char *behind,
                                                  const char *rest)
{
    static tn_env *env;
    char text[600];
    tn_error e = {0};
    neuron *n = kept(calloc(1, sizeof *n));
    if (!env) env = kept(open_env(NULL, 1));
    snprintf(text, sizeof text, "input: [%d]\nmodel: [{dense: 1}%s%s]\n%s\n", (int)inputs,
             behind ? ", " : "", behind ? behind : "", rest);
    tn_config *config = tn_config_parse(env, text, "neuron.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    n->trainer = kept(tn_trainer_new(env, config, NULL, &e));
    cr_assert_not_null(n->trainer, "%s", e.text);
    tn_config_free(config);
    tn_model *model = tn_trainer_model(n->trainer);
    NEURON_DO(tn_model_find(model, "dense.weight", &n->w, &e));
    NEURON_DO(tn_model_find(model, "dense.bias", &n->b, &e));
    for (int64_t i = 0; i < inputs; i++) neuron_set(&n->w, i, w[i]);
    neuron_set(&n->b, 0, b);
    return n;
}

__attribute__((unused)) static double neuron_says(const neuron *n, const float *x)
{
    float y;
    tn_error e = {0};
    NEURON_DO(tn_model_predict(tn_trainer_model(n->trainer), x, 1, &y, &e));
    return (double)y;
}

/* Steps on one sample; the loss before the last one. */
__attribute__((unused)) static double neuron_steps(neuron *n, const float *x,
                                                   float target, int64_t steps)
{
    double loss = NAN;
    tn_error e = {0};
    for (int64_t i = 0; i < steps; i++)
        NEURON_DO(tn_trainer_step(n->trainer, x, &target, NULL, 1, &loss, &e));
    return loss;
}

/* Loss, and its gradient by the weights; nothing moves. */
__attribute__((unused)) static double neuron_gradient(neuron *n, const float *x,
                                                      float target, double *gradient)
{
    double loss;
    tn_error e = {0};
    tn_tensor g;
    NEURON_DO(tn_trainer_gradients(n->trainer, x, &target, NULL, 1, &loss, &e));
    NEURON_DO(tn_trainer_gradient(n->trainer, "dense.weight", &g, &e));
    for (int64_t i = 0; i < tn_count(&g); i++) gradient[i] = neuron_get(&g, i);
    return loss;
}

__attribute__((unused)) static void neuron_is(const neuron *n, const double *w,
                                              double bound)
{
    for (int64_t i = 0; i < tn_count(&n->w); i++)
        cr_assert(fabs(neuron_w(n, i) - w[i]) <= bound, "w%d: %.17g, not %.17g",
                  (int)i + 1, neuron_w(n, i), w[i]);
}

#endif
