/* monte_carlo.c - predictions by Monte Carlo dropout: what draws and what does not, mean and deviation
 * against their law, the same numbers for the same seed, errors. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/running.h"

enum {
    SAMPLES = 300,
    PASSES = 2000
}; /* more samples than an inference plan takes at a time */

static tn_model *fresh(const char *layers, int32_t threads, tn_shape input)
{
    char text[600];
    tn_error e = {0};
    tn_env *env = run_env(threads);
    snprintf(text, sizeof text, "seed: 4\nmodel: [%s]\nloss: mse\n", layers);
    tn_config *config = run_parse(env, text, NULL, 0);
    tn_model *m = tn_model_new(env, config, &input, &e);
    cr_assert_not_null(m, "%s", e.text);
    tn_config_free(config);
    return kept(m);
}

static const tn_shape flat = {.rank = 1, .dim = {8}},
                      sequence = {.rank = 2, .dim = {5, 4}};

static float *noise(int64_t n)
{
    float *x = kept(calloc((size_t)n, sizeof *x));
    for (int64_t i = 0; i < n; i++) x[i] = run_noise(i, 0);
    return x;
}

typedef struct result {
    int64_t n;
    float *mean, *deviation;
} result;

static result run(const tn_model *m, int64_t samples, int32_t passes, uint64_t seed)
{
    const int64_t n = samples * tn_shape_count(tn_model_output(m));
    const float *x = noise(samples * tn_shape_count(tn_model_input(m)));
    const result r = {n, noise(n), noise(n)};
    const tn_monte_carlo way = {passes, seed};
    tn_error e = {0};
    cr_assert_eq(
        tn_model_predict_monte_carlo(m, &x, samples, &way, r.mean, r.deviation, &e),
        TN_OK, "%s", e.text);
    return r;
}

static const float *predicted(const tn_model *m, int64_t samples)
{
    const int64_t n = samples * tn_shape_count(tn_model_output(m));
    const float *x = noise(samples * tn_shape_count(tn_model_input(m)));
    float *y = noise(n);
    tn_error e = {0};
    cr_assert_eq(tn_model_predict(m, x, samples, y, &e), TN_OK, "%s", e.text);
    return y;
}

/* Of one layer on the input itself: its mean is the prediction; deviation: factor |x| + constant. */
static void obeys(const char *layer, double factor, double constant)
{
    const tn_model *m = fresh(layer, 2, flat);
    const result r = run(m, SAMPLES, PASSES, 9);
    const float *y = predicted(m, SAMPLES), *x = noise(r.n);
    for (int64_t i = 0; i < r.n; i++) {
        const double want = factor * fabs((double)x[i]) + constant;
        cr_assert_float_eq((double)r.mean[i], (double)y[i],
                           5.5 * want / sqrt(PASSES) + 1e-6, "%s: mean %lld", layer,
                           (long long)i);
        cr_assert_float_eq((double)r.deviation[i], want, 0.2 * want + 1e-6,
                           "%s: deviation %lld", layer, (long long)i);
    }
}

Test(monte_carlo, layers_have_their_law)
{
    obeys("{dropout: 0.3}", sqrt(0.3 / 0.7), 0);
    obeys("{dropout: {p: 0.3, mode: standard}}", sqrt(0.3 * 0.7), 0);
    obeys("{stochastic_depth: 0.3}", sqrt(0.3 / 0.7), 0);
    obeys("{gaussian_dropout: 0.3}", sqrt(0.3 / 0.7), 0);
    obeys("{gaussian_noise: 0.2}", 0, 0.2);
}

/* Wherever in a run, or over all of it, a schedule goes. */
Test(monte_carlo, schedules_stand_where_they_begin)
{
    static const char *const schedules[] = {
        "{cosine: 0.3}",
        "{cosine: {from: 0.3, to: 0.9, steps: 5}}",
        "{polynomial: {from: 0.3}}",
        "{exponential: {from: 0.3, factor: 0.5}}",
        "{one_cycle: {peak: 0.9, from: 0.3}}",
        "{one_cycle: {peak: 0.9, from: 0.3, epochs: 2}}",
        "{warmup: {schedule: {cosine: 0.6}, epochs: 3, from: 0.5}}"};
    char layer[100];
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        snprintf(layer, sizeof layer, "{dropout: %s}", schedules[i]);
        obeys(layer, sqrt(0.3 / 0.7), 0);
    }
}

/* Layers of class whole, parametrizations, what is inside recurrent layers, folded where it does not
 * draw: all scatter, about as far in one half of the samples as in the other. */
Test(monte_carlo, whatever_draws_scatters)
{
    static const char *const layers[] = {
        "{spatial_dropout: 0.3}",
        "{variational_dropout: 0.3}",
        "{alpha_dropout: 0.2}",
        "{dense: {units: 6, parametrization: drop_connect}}",
        "{lstm: {units: 6, input_dropout: 0.4}}",
        "{gru: {units: 6, recurrent_dropout: 0.4}}",
        "{rnn: {units: 6, zoneout: 0.4}}",
        "{dense: 8}, {dropout: {p: 0.4, mode: standard}}, {dense: 3}",
        "{reshape: [2, 2, 5]}, {drop_block: {p: 0.5, block_size: 1}}",
    };
    for (size_t k = 0; k < sizeof layers / sizeof *layers; k++) {
        const result r = run(fresh(layers[k], 2, sequence), SAMPLES, 30, 3);
        double half[2] = {0};
        for (int64_t i = 0; i < r.n; i++) half[2 * i >= r.n] += (double)r.deviation[i];
        cr_assert(half[0] > 0 && fabs(half[0] / half[1] - 1) < 0.3, "%s: %g and %g",
                  layers[k], half[0], half[1]);
    }
}

/* Statistics are those of training, not of the batch: without noise it is the prediction. */
Test(monte_carlo, batch_norm_predicts)
{
    const tn_model *m = fresh("{dense: 8}, batch_norm, relu, {dropout: 0}, {dense: 3}", 2,
                              flat);
    tn_tensor t;
    tn_error e = {0};
    cr_assert_eq(tn_model_find(m, "batch_norm.running_mean", &t, &e), TN_OK);
    for (int i = 0; i < 8; i++) ((float *)t.data)[i] = 0.1f * (float)i;
    const result r = run(m, SAMPLES, 3, 1);
    const float *y = predicted(m, SAMPLES);
    for (int64_t i = 0; i < r.n; i++) {
        cr_assert_float_eq((double)r.mean[i], (double)y[i], 1e-5);
        cr_assert_lt((double)r.deviation[i], 1e-6);
    }
}

/* Predictions before and after have the same bits: packed and folded copies are not touched. */
Test(monte_carlo, leaves_predictions_alone)
{
    const tn_model *m = fresh("{dense: {units: 200, parametrization: drop_connect}}, "
                              "{dropout: {mode: standard}}, batch_norm, {dense: 70}",
                              2, flat);
    const float *before = predicted(m, SAMPLES);
    for (int i = 0; i < 3; i++) {
        run(m, SAMPLES, 2, 1);
        const float *after = predicted(m, SAMPLES);
        cr_assert_arr_eq(before, after, sizeof *before * SAMPLES * 70);
    }
}

static void same(const result *a, const result *b, bool expected)
{
    const size_t bytes = sizeof(float) * (size_t)a->n;
    cr_assert_eq(!memcmp(a->mean, b->mean, bytes), expected);
    cr_assert_eq(!memcmp(a->deviation, b->deviation, bytes), expected);
}

#define NET                                                                   \
    "{dense: 50}, {dropout: 0.4}, tanh, {dense: {units: 7, parametrization: " \
    "drop_connect}}"

Test(monte_carlo, the_seed_decides)
{
    const result one = run(fresh(NET, 1, flat), SAMPLES, 20, 7),
                 two = run(fresh(NET, 2, flat), SAMPLES, 20, 7),
                 other = run(fresh(NET, 1, flat), SAMPLES, 20, 8);
    same(&one, &two, true);
    same(&one, &other, false);
    /* the first samples do not hang on those behind them */
    const result few = run(fresh(NET, 1, flat), 256, 20, 7);
    cr_assert_arr_eq(few.mean, one.mean, sizeof(float) * 256 * 7);
}

Test(monte_carlo, refuses)
{
    const tn_model *m = fresh(NET, 1, flat), *plain = fresh("{dense: 3}, tanh", 1, flat);
    float *x = noise(8), y[7], z[7];
    const float *const in = x;
    tn_error e = {0};
    const tn_monte_carlo one = {1, 0}, two = {2, 0};
    cr_assert_eq(tn_model_predict_monte_carlo(m, &in, 1, &one, y, z, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "needs 2 at least"), "%s", e.text);
    cr_assert_eq(tn_model_predict_monte_carlo(plain, &in, 1, &two, y, z, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "no layer of the model draws"), "%s", e.text);
    cr_assert_eq(tn_model_predict_monte_carlo(m, &in, 1, &two, y, NULL, &e), TN_EINVAL);
    cr_assert_eq(tn_model_predict_monte_carlo(m, NULL, 1, &two, y, z, &e), TN_EINVAL);
    cr_assert_eq(tn_model_predict_monte_carlo(m, &in, -1, &two, y, z, &e), TN_EINVAL);
    cr_assert_eq(tn_model_predict_monte_carlo(m, &in, 1, &two, y, z, &e), TN_OK);
}
