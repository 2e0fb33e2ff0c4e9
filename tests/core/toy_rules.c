/* toy_rules.c - a toy plugin of each awkward case of a training rule: does what its
 * formula says, and trains. */
#include "support/lab.h"

#include <string.h>

#define REGRESSION                                                 \
    "data: {memory: {train: values, batch: 64, shuffle: false}}\n" \
    "model: [{dense: 4}, tanh, {dense: 2}]\nloss: mse\n"

static void same(const double *got, const double *expected, int64_t n, double bound)
{
    for (int64_t i = 0; i < n; i++)
        cr_assert(fabs(got[i] - expected[i]) <= bound, "%d: got %.17g, expected %.17g",
                  (int)i, got[i], expected[i]);
}

/* The loss falls to a small part of what it was. */
static void learns(lab *l, int steps)
{
    double loss = NAN;
    const double first = step(l);
    for (int i = 0; i < steps; i++) loss = step(l);
    cr_assert(loss < 0.1 * first, "loss %g at the start, %g at the end", first, loss);
}

/* ---- optimizers
 * ------------------------------------------------------------------------ */

Test(toy_rules, smallest_optimizer)
{
    lab l = open_lab(REGRESSION "optimizer: {toy_descent: {lr: 0.05}}");
    const double *w = kept(&l, weights(&l, 0), 0);
    double expected[64];
    step(&l);
    for (int64_t i = 0; i < size_of(&l, 0); i++)
        expected[i] = w[i] - 0.05 * gradient(&l, 0)[i];
    same(weights(&l, 0), expected, size_of(&l, 0), 0);
    learns(&l, 300);
    close_lab(&l);
}

Test(toy_rules, two_passes_take_the_gradient_at_the_worst_point_nearby)
{
    lab l = open_lab(REGRESSION "optimizer: {toy_sam: {rho: 0.3, lr: 0.05}}");
    double *start[4], *expected[4], squares = 0;
    look(&l);
    for (int32_t p = 0; p < 4; p++) {
        start[p] = kept(&l, weights(&l, p), p);
        for (int64_t i = 0; i < size_of(&l, p); i++)
            squares += gradient(&l, p)[i] * gradient(&l, p)[i];
    }
    for (int32_t p = 0; p < 4; p++)
        for (int64_t i = 0; i < size_of(&l, p); i++)
            weights(&l, p)[i] += 0.3 / sqrt(squares) * gradient(&l, p)[i];
    look(&l);
    for (int32_t p = 0; p < 4; p++) {
        expected[p] = kept(&l, start[p], p);
        for (int64_t i = 0; i < size_of(&l, p); i++)
            expected[p][i] -= 0.05 * gradient(&l, p)[i];
        memcpy(weights(&l, p), start[p], sizeof(double) * (size_t)size_of(&l, p));
    }
    step(&l);
    for (int32_t p = 0; p < 4; p++)
        same(weights(&l, p), expected[p], size_of(&l, p), 1e-12);
    learns(&l, 300);
    close_lab(&l);
}

Test(toy_rules, whole_tensors_take_steps_of_one_norm)
{
    lab l = open_lab(REGRESSION "optimizer: {toy_whole: {lr: 0.01}}");
    for (int i = 0; i < 3; i++) {
        double *before[4];
        for (int32_t p = 0; p < 4; p++) before[p] = kept(&l, weights(&l, p), p);
        step(&l);
        for (int32_t p = 0; p < 4; p++) {
            double squares = 0;
            for (int64_t k = 0; k < size_of(&l, p); k++)
                squares += pow(weights(&l, p)[k] - before[p][k], 2);
            cr_assert_float_eq(sqrt(squares), 0.01, 1e-12, "%s moved by %g",
                               l.graph->param[p].name, sqrt(squares));
        }
    }
    learns(&l, 400);
    close_lab(&l);
}

/* Joint length of the step that leads from `before` to the weights as they are. */
static double moved(const lab *l, double *const before[4], int32_t first)
{
    double squares = 0;
    for (int32_t p = first; p < 4; p++)
        for (int64_t i = 0; i < size_of(l, p); i++)
            squares += pow(weights(l, p)[i] - before[p][i], 2);
    return sqrt(squares);
}

static double norm_of_gradient(const lab *l, int32_t first)
{
    double squares = 0;
    for (int32_t p = first; p < 4; p++)
        for (int64_t i = 0; i < size_of(l, p); i++) squares += pow(gradient(l, p)[i], 2);
    return sqrt(squares);
}

Test(toy_rules, sum_over_all_parameters_comes_before_the_update)
{
    lab l = open_lab(REGRESSION "optimizer: {toy_unit: {lr: 0.01}}");
    double *before[4];
    for (int32_t p = 0; p < 4; p++) before[p] = kept(&l, weights(&l, p), p);
    step(&l);
    cr_assert_float_eq(moved(&l, before, 0), 0.01, 1e-12);
    learns(&l, 600);
    close_lab(&l);
}

/* A regularizer's sums over the first weight do not disturb the optimizer's over all. */
Test(toy_rules, sums_of_optimizer_and_regularizer_are_kept_apart)
{
    lab l = open_lab("data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                     "model: [{dense: {units: 4, regularizer: {group_lasso: 0.02}}}, "
                     "tanh, {dense: 2}]\nloss: mse\noptimizer: {toy_unit: {lr: 0.01}}");
    double *before[4];
    for (int32_t p = 0; p < 4; p++) before[p] = kept(&l, weights(&l, p), p);
    step(&l);
    cr_assert_float_eq(moved(&l, before, 1),
                       0.01 * norm_of_gradient(&l, 1) / norm_of_gradient(&l, 0), 1e-12);
    close_lab(&l);
}

/* Follows the average along `steps` updates, then looks at the view. */
static void averages(lab *l, int steps)
{
    double average[64] = {0};
    const int64_t n = size_of(l, 0);
    for (int s = 0; s < steps; s++) {
        step(l);
        for (int64_t i = 0; i < n; i++)
            average[i] = s == 0 ? weights(l, 0)[i]
                                : 0.8 * average[i] + 0.2 * weights(l, 0)[i];
    }
    const double *trained = kept(l, weights(l, 0), 0);
    tn_updater_view(l->updater, true);
    same(weights(l, 0), average, n, 1e-14);
    cr_assert(memcmp(weights(l, 0), trained, sizeof(double) * (size_t)n));
    tn_updater_view(l->updater, false);
    cr_assert_arr_eq(weights(l, 0), trained, sizeof(double) * (size_t)n);
}

Test(toy_rules, wrapper_shows_the_average_and_gives_the_weights_back)
{
    lab l = open_lab(
        REGRESSION
        "optimizer: {toy_ema: {of: {sgd: {momentum: 0.9, lr: 0.01}}, decay: 0.8}}");
    averages(&l, 7);
    learns(&l, 300);
    close_lab(&l);
}

Test(toy_rules, what_is_wrapped_trains_as_if_it_were_alone)
{
    lab alone = open_lab(REGRESSION "optimizer: {adam: {lr: 0.02}}");
    lab wrapped = open_lab(REGRESSION "optimizer: {toy_ema: {of: {adam: {lr: 0.02}}}}");
    for (int i = 0; i < 10; i++) step(&alone), step(&wrapped);
    for (int32_t p = 0; p < 4; p++)
        cr_assert_arr_eq(weights(&alone, p), weights(&wrapped, p),
                         sizeof(double) * (size_t)size_of(&alone, p));
    close_lab(&alone);
    close_lab(&wrapped);
}

Test(toy_rules, wrapper_sees_what_a_whole_tensor_method_has_done)
{
    lab l = open_lab(REGRESSION
                     "optimizer: {toy_ema: {of: {toy_whole: {lr: 0.02}}, decay: 0.8}}");
    averages(&l, 5);
    close_lab(&l);
}

/* ---- regularizers
 * ---------------------------------------------------------------------- */

#define GROUPS                                                              \
    "data: {memory: {train: values, batch: 64, shuffle: false}}\n"          \
    "model: [{dense: {units: 6, regularizer: {group_lasso: 0.02}}}, tanh, " \
    "{dense: 2}]\nloss: mse\n"

static double row_norm(const lab *l, int64_t row)
{
    const double *w = weights(l, 0) + row * FEATURES;
    double squares = 0;
    for (int j = 0; j < FEATURES; j++) squares += w[j] * w[j];
    return sqrt(squares);
}

Test(toy_rules, reduction_over_rows_gives_the_penalty)
{
    lab l = open_lab(GROUPS "optimizer: {sgd: {lr: 0.05}}");
    double expected = 0;
    step(&l);
    for (int64_t row = 0; row < 6; row++)
        expected += 0.02 * sqrt(FEATURES) * row_norm(&l, row);
    cr_assert_float_eq(tn_updater_penalty(l.updater), expected, 1e-14);
    close_lab(&l);
}

Test(toy_rules, prox_after_a_reduction_shrinks_whole_rows)
{
    lab l = open_lab(GROUPS "optimizer: {sgd: {lr: 0.05}}");
    double expected[6 * FEATURES];
    const double *before = kept(&l, weights(&l, 0), 0);
    step(&l);
    for (int row = 0; row < 6; row++) {
        double squares = 0, *w = expected + row * FEATURES;
        for (int j = 0; j < FEATURES; j++) {
            w[j] = before[row * FEATURES + j] -
                   0.05 * gradient(&l, 0)[row * FEATURES + j];
            squares += w[j] * w[j];
        }
        const double keep = fmax(0, 1 - 0.05 * 0.02 * sqrt(FEATURES / squares));
        for (int j = 0; j < FEATURES; j++) w[j] *= keep;
    }
    same(weights(&l, 0), expected, 6 * FEATURES, 1e-14);
    close_lab(&l);
}

Test(toy_rules, useless_units_become_exactly_zero)
{
    lab l = open_lab(GROUPS "optimizer: {sgd: {lr: 0.05, momentum: 0.9}}");
    int zero = 0;
    learns(&l, 2000);
    for (int64_t row = 0; row < 6; row++) zero += row_norm(&l, row) == 0;
    cr_assert(zero >= 2 && zero < 6, "%d of 6 units are zero", zero);
    close_lab(&l);
}

Test(toy_rules, prox_without_step_sizes_is_refused)
{
    tn_error error = {0};
    lab l = open_lab(GROUPS "optimizer: sgd");
    tn_updater *updater = NULL;
    tn_config *other = tn_config_parse(l.env, "optimizer: toy_descent", "other.yaml",
                                       NULL, 0, &error);
    cr_assert_eq(tn_updater_new(l.graph, other->root, &updater, &error), TN_ENOTSUP);
    cr_assert(strstr(error.text, "group_lasso") && strstr(error.text, "toy_descent"),
              "%s", error.text);
    tn_config_free(other);
    close_lab(&l);
}

/* ---- initializers
 * ---------------------------------------------------------------------- */

static double variance_of_output(lab *l, int32_t node, int64_t width)
{
    double mean = 0, variance = 0;
    look(l); /* in a plan that keeps the outputs of all layers */
    const double *y = tn_plan_output(l->plan, node);
    const int64_t n = SAMPLES * width;
    for (int64_t i = 0; i < n; i++) mean += y[i] / (double)n;
    for (int64_t i = 0; i < n; i++) variance += (y[i] - mean) * (y[i] - mean) / (double)n;
    return variance;
}

Test(toy_rules, data_driven_initializer_sets_variances_layer_by_layer)
{
    tn_error error = {0};
    lab l = open_lab(
        "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
        "model: [{dense: 5}, tanh, {dense: 4}, tanh, {dense: 2}]\nloss: mse\n"
        "init: toy_lsuv\noptimizer: {sgd: {lr: 0.05, momentum: 0.9}}");
    double x[SAMPLES * FEATURES];
    const tn_plan_options options = {.samples = SAMPLES, .training = true, .keeps = true};
    tn_plan_free(l.plan);
    DO(tn_plan_make(l.graph, &options, &l.plan, &error));
    for (int i = 0; i < SAMPLES * FEATURES; i++) x[i] = (double)inputs[i];
    cr_assert(fabs(variance_of_output(&l, 1, 5) - 1) > 0.01);
    const void *const in[] = {x};
    DO(tn_graph_calibrate(l.graph, in, SAMPLES, &error));
    cr_assert_float_eq(variance_of_output(&l, 1, 5), 1, 1e-5);
    cr_assert_float_eq(variance_of_output(&l, 3, 4), 1, 1e-5);
    cr_assert_float_eq(variance_of_output(&l, 5, 2), 1, 1e-5);
    learns(&l, 300);
    close_lab(&l);
}

/* ---- transforms
 * ------------------------------------------------------------------------ */

#define CLASSES                                                              \
    "data: {memory: {train: classes, batch: 64, transforms: [toy_mixup]}}\n" \
    "model: [{dense: 4}, tanh, {dense: 2}]\nloss: cross_entropy\n"

Test(toy_rules, transform_changes_what_a_target_is)
{
    tn_error error = {0};
    tn_batch batch;
    lab l = open_lab(CLASSES "optimizer: sgd");
    const tn_data_info *before = tn_feed_info(l.feed, false),
                       *after = tn_feed_info(l.feed, true);
    const int32_t target = tn_feed_find(after, "target");
    cr_assert(!before->field[target].real && before->field[target].classes == 2);
    cr_assert(after->field[target].real && after->field[target].shape.dim[0] == 2);
    DO(tn_feed_batch(l.feed, TN_TRAIN, 0, 0, &batch, &error));
    const double *y = batch.field[target].real;
    int mixed = 0;
    for (int64_t i = 0; i < batch.samples; i++) {
        cr_assert_float_eq(y[2 * i] + y[2 * i + 1], 1, 1e-15);
        mixed += y[2 * i] > 0 && y[2 * i] < 1;
    }
    cr_assert(mixed > 0 && mixed < batch.samples);
    close_lab(&l);
}

/* ---- whole runs
 * ------------------------------------------------------------------------ */

typedef struct account {
    int64_t epochs;
    double loss, accuracy;
} account;

static void keep_account(void *data, const tn_progress *p)
{
    account *a = data;
    if (p->kind != 1) return;
    a->epochs = p->epoch;
    for (int32_t i = 0; i < p->scores; i++) {
        if (!strcmp(p->score[i].name, "val_loss")) a->loss = p->score[i].value;
        if (!strcmp(p->score[i].name, "val_accuracy")) a->accuracy = p->score[i].value;
    }
}

static account run(const char *text)
{
    tn_error error = {0};
    account a = {0, NAN, NAN};
    tn_env *env = lab_env();
    tn_config *config = tn_config_parse(env, text, "run.yaml", NULL, 0, &error);
    cr_assert_not_null(config, "%s", error.text);
    const tn_train_options options = {.progress = keep_account, .progress_data = &a};
    tn_trainer *trainer = tn_trainer_new(env, config, &options, &error);
    cr_assert_not_null(trainer, "%s", error.text);
    DO(tn_trainer_run(trainer, &error));
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
    return a;
}

Test(toy_rules, observer_stops_the_run)
{
    const account a = run("data: {memory: {train: classes, batch: 16}}\n"
                          "model: [{dense: 2}]\nloss: cross_entropy\noptimizer: sgd\n"
                          "train: {epochs: 50}\nobserve: [{toy_stop: 3}]");
    cr_assert_eq(a.epochs, 3);
}

Test(toy_rules, mixed_targets_train_and_labels_evaluate)
{
    const account a = run(
        "data: {memory: {train: classes, validation_data: classes, batch: 16, "
        "transforms: [toy_mixup]}}\n"
        "model: [{dense: 4}, tanh, {dense: 2}]\nloss: cross_entropy\n"
        "optimizer: {toy_sam: {lr: 0.2}}\ntrain: {epochs: 60}");
    cr_assert(a.accuracy > 0.9, "accuracy %g", a.accuracy);
}

Test(toy_rules, all_of_them_together)
{
    const account a = run(
        "data: {memory: {train: classes, validation_data: classes, batch: 16, "
        "transforms: [toy_mixup]}}\n"
        "model: [{dense: {units: 6, regularizer: {group_lasso: 0.001}}}, tanh, "
        "{dense: 2}]\n"
        "init: toy_lsuv\nloss: cross_entropy\ngradient: [clip_norm]\n"
        "optimizer: {toy_ema: {of: {sgd: {lr: 0.1, momentum: 0.9}}}}\n"
        "train: {epochs: 60}\nobserve: [{toy_stop: 40}]");
    cr_assert_eq(a.epochs, 40);
    cr_assert(a.accuracy > 0.9, "accuracy %g", a.accuracy);
}
