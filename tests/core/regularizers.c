/* regularizers.c - what a run makes of them: lists, weights that decay beside the gradient, scikit-learn's
 * coefficients, zeros, conditions for a minimum, penalties of activities. */
#include <string.h>

#include "tests/support/disk.h"
#include "tests/support/lab.h"

#include "core/trainer.h"

/* ---- runs ------------------------------------------------------------------------------------ */

enum { MOST_STEPS = 40000 };

typedef struct problem {
    tn_env *env;
    tn_archive fixture;
    void *bytes;
    tn_config *config;
    tn_trainer *trainer;
    const float *x, *y;
    int64_t samples, features, outputs;
} problem;

static const tn_tensor *part(const problem *p, const char *name)
{
    int64_t from = 0;
    const tn_named_tensor *t = tn_archive_find(&p->fixture, name, &from);
    cr_assert_not_null(t, "no %s", name);
    return &t->tensor;
}

static void open_problem(problem *p, const char *target, const char *regularizer,
                         const char *optimizer)
{
    char path[4096], text[600];
    tn_error error = {0};
    const char *data = getenv("TENON_TEST_DATA");
    cr_assert(data, "TENON_TEST_DATA must name the folder tests");
    p->env = open_env(NULL, 1);
    snprintf(path, sizeof path, "%s/reference/lasso.safetensors", data);
    DO(tn_archive_read(p->env, path, &p->fixture, &p->bytes, &error));
    p->x = part(p, "x")->data, p->y = part(p, target)->data;
    p->samples = part(p, "x")->dim[0], p->features = part(p, "x")->dim[1];
    p->outputs = part(p, target)->dim[1];
    snprintf(text, sizeof text,
             "precision: double\nloss: mse\ninput: [%d]\n"
             "model: [{dense: {units: %d, bias: false, init: zeros}}]\n"
             "regularizer: %s\noptimizer: %s\n",
             (int)p->features, (int)p->outputs, regularizer, optimizer);
    p->config = tn_config_parse(p->env, text, "problem.yaml", NULL, 0, &error);
    cr_assert_not_null(p->config, "%s", error.text);
    p->trainer = tn_trainer_new(p->env, p->config, NULL, &error);
    cr_assert_not_null(p->trainer, "%s", error.text);
}

static void close_problem(problem *p)
{
    tn_trainer_free(p->trainer);
    tn_config_free(p->config);
    tn_archive_free(p->env, &p->fixture, p->bytes);
    tn_env_free(p->env);
}

static void descend(problem *p, int steps)
{
    tn_error error = {0};
    for (int i = 0; i < steps; i++)
        DO(tn_trainer_step(p->trainer, p->x, p->y, NULL, p->samples, NULL, &error));
}

static const double *coefficients(const problem *p)
{
    return p->trainer->model->graph->param[0].value.data;
}

static double violation(problem *p)
{
    tn_error error = {0};
    tn_gradients found;
    DO(tn_model_gradients_save(tn_trainer_model(p->trainer), p->x, p->y, NULL, p->samples,
                               test_path(test_folder(), "g.safetensors"), &found,
                               &error));
    return found.violation;
}

/* ---- scikit-learn ---------------------------------------------------------------------------- */

/* The same zeros, all else to 1e-6. */
static void finds(const char *target, const char *expected, const char *regularizer,
                  const char *optimizer, double bound)
{
    problem p;
    open_problem(&p, target, regularizer, optimizer);
    const double *want = part(&p, expected)->data, *got = coefficients(&p);
    double worst = 0;
    descend(&p, MOST_STEPS);
    for (int64_t i = 0; i < p.features * p.outputs; i++) {
        cr_assert((got[i] == 0) == (want[i] == 0) && (got[i] != 0 || !signbit(got[i])),
                  "%s by %s, %d: %.17g, not %.17g", expected, optimizer, (int)i, got[i],
                  want[i]);
        worst = fmax(worst, fabs(got[i] - want[i]));
    }
    cr_assert_leq(worst, 1e-6, "%s by %s: %g", expected, optimizer, worst);
    const double off = violation(&p);
    cr_assert(isnan(bound) ? isnan(off) : off <= bound, "%s by %s: %g", expected,
              optimizer, off);
    cr_log_info("%s by %s: error %g, violation %g\n", expected, optimizer, worst, off);
    close_problem(&p);
}

static const char *const optimizers[] = {
    "{sgd: {lr: 0.05}}", "{sgd: {lr: 0.02, momentum: 0.9}}",
    "{sgd: {lr: 0.02, momentum: 0.9, nesterov: true}}", "{adam: {lr: 0.002}}"};

Test(regularizers, lasso_is_that_of_coordinate_descent)
{
    for (int i = 0; i < 4; i++) finds("y", "lasso", "{l1: 0.2}", optimizers[i], 1e-6);
}

/* Features 0 and 1 are nearly the same; lasso needs only one. */
Test(regularizers, elastic_net_keeps_both_of_two_alike)
{
    problem p;
    open_problem(&p, "y", "none", optimizers[0]);
    const double *lasso = part(&p, "lasso")->data, *net = part(&p, "net")->data;
    cr_assert(lasso[0] != 0 && lasso[1] == 0 && net[0] != 0 && net[1] != 0);
    close_problem(&p);
    for (int i = 0; i < 4; i++)
        finds("y", "net", "{elastic_net: {lambda: 0.4, l1_ratio: 0.5}}", optimizers[i],
              1e-6);
}

Test(regularizers, list_of_lasso_and_a_constraint)
{
    for (int i = 0; i < 4; i++)
        finds("y", "positive", "[{l1: 0.2}, non_negative]", optimizers[i], NAN);
}

/* sklearn's alpha |column| is lambda sqrt 3 |column| / 2 x 3, the mean over outputs. */
Test(regularizers, groups_of_columns_are_those_of_multi_task_lasso)
{
    for (int i = 0; i < 4; i++)
        finds("z", "tasks",
              "{group_lasso: {lambda: 0.0577350269189625765, over: columns}}",
              optimizers[i], NAN);
}

/* Of weights (filters, channels, 3, 3): all taps of a channel vanish, or none. */
Test(regularizers, columns_of_a_convolution_are_channels)
{
    enum { BATCH = 16, SIDE = 5, CHANNELS = 4, FILTERS = 6, TAPS = 9 };
    static float x[BATCH * SIDE * SIDE * CHANNELS], y[BATCH];
    const char *text =
        "seed: 2\nprecision: double\nloss: mse\ninput: [5, 5, 4]\n"
        "model: [{conv2d: {filters: 6, regularizer: {group_lasso: {lambda: 0.05, over: "
        "columns}}}}, flatten, {dense: 1}]\noptimizer: {sgd: {lr: 0.02}}\n";
    tn_error error = {0};
    int kept = 0, gone = 0;
    tn_env *env = open_env(NULL, 2);
    for (int i = 0; i < BATCH * SIDE * SIDE * CHANNELS; i++)
        x[i] = (float)tn_random_normal((tn_key){{3, 4}}, (uint64_t)i);
    for (int i = 0; i < BATCH; i++) y[i] = x[i * SIDE * SIDE * CHANNELS + 48];
    tn_config *config = tn_config_parse(env, text, "channels.yaml", NULL, 0, &error);
    cr_assert_not_null(config, "%s", error.text);
    tn_trainer *t = tn_trainer_new(env, config, NULL, &error);
    cr_assert_not_null(t, "%s", error.text);
    for (int i = 0; i < 500; i++) DO(tn_trainer_step(t, x, y, NULL, BATCH, NULL, &error));
    const double *w = t->model->graph->param[0].value.data;
    for (int j = 0; j < CHANNELS; j++) {
        int zeros = 0;
        for (int i = 0; i < FILTERS; i++)
            for (int k = 0; k < TAPS; k++) zeros += w[(i * CHANNELS + j) * TAPS + k] == 0;
        cr_assert(zeros == 0 || zeros == FILTERS * TAPS, "channel %d: %d", j, zeros);
        kept += zeros == 0, gone += zeros > 0;
    }
    cr_assert(kept && gone, "%d kept, %d gone", kept, gone);
    tn_trainer_free(t);
    tn_config_free(config);
    tn_env_free(env);
}

/* The gradient alone never stops at zero. */
Test(regularizers, without_prox_no_weight_is_ever_zero)
{
    for (int i = 0; i < 4; i++) {
        problem p;
        open_problem(&p, "y", "{l1: {lambda: 0.2, prox: false}}", optimizers[i]);
        descend(&p, 1);
        for (int step = 0; step < 3000; step++) {
            descend(&p, 1);
            for (int64_t k = 0; k < p.features; k++)
                cr_assert_neq(coefficients(&p)[k], 0, "%s: %d at step %d", optimizers[i],
                              (int)k, step);
        }
        close_problem(&p);
    }
}

/* P3-T3: each step is one by the gradient with the subgradient added, and then a cut at 1e-4 or 1e-6; no
 * step size is needed for it. */
Test(regularizers, P3_T3_subgradient_and_a_cut)
{
    static const char *const optimizer[] = {"{sgd: {lr: 0.05}}", "{adam: {lr: 0.001}}",
                                            "{lion: {lr: 1e-3}}"};
    static const char *const penalty[] = {"{l1: {lambda: 0.2, prox: false}}",
                                          "{l1: {lambda: 0.2, prox: false, cut: 1e-4}}",
                                          "{l1: {lambda: 0.2, prox: false, cut: 1e-6}}"};
    for (int i = 0; i < 6; i++) {
        problem p, plain;
        const double cut = i % 2 ? 1e-6 : 1e-4;
        open_problem(&p, "y", penalty[1 + i % 2], optimizer[i / 2]);
        open_problem(&plain, "y", penalty[0], optimizer[i / 2]);
        double *w = (double *)(uintptr_t)coefficients(&plain);
        int zeros = 0;
        for (int step = 0; step < 1500; step++) {
            descend(&p, 1), descend(&plain, 1);
            for (int64_t k = 0; k < p.features; k++) {
                if (fabs(w[k]) <= cut) w[k] = 0, zeros++;
                cr_assert_eq(coefficients(&p)[k], w[k], "%s, step %d: %d",
                             optimizer[i / 2], step, (int)k);
            }
        }
        cr_log_info("%s, cut %g: %d times\n", optimizer[i / 2], cut, zeros);
        close_problem(&p), close_problem(&plain);
    }
}

Test(regularizers, violation_is_large_where_it_is_no_minimum)
{
    static const char *const unknown[] = {"{l2: {lambda: 0.1, decoupled: true}}",
                                          "max_norm", "[l1, l2]",
                                          "{l1: {cosine: {from: 0.1, to: 0.2}}}"};
    problem p;
    open_problem(&p, "y", "{l1: 0.2}", optimizers[0]);
    descend(&p, 10);
    cr_assert_gt(violation(&p), 1e-3);
    close_problem(&p);
    open_problem(&p, "y", "none", optimizers[1]);
    descend(&p, MOST_STEPS);
    cr_assert_leq(violation(&p), 1e-9);
    close_problem(&p);
    for (int i = 0; i < 4; i++) {
        open_problem(&p, "y", unknown[i], optimizers[0]);
        cr_assert(isnan(violation(&p)), "%s", unknown[i]);
        close_problem(&p);
    }
}

/* ---- constraints ----------------------------------------------------------------------------- */

#define NET                                                        \
    "data: {memory: {train: values, batch: 64, shuffle: false}}\n" \
    "model: [{dense: 6}, tanh, {dense: 2}]\nloss: mse\n"

static double length_of_row(const lab *l, int64_t row)
{
    const double *w = weights(l, 0) + row * FEATURES;
    double squares = 0;
    for (int j = 0; j < FEATURES; j++) squares += w[j] * w[j];
    return sqrt(squares);
}

Test(regularizers, constraints_hold_after_every_step_of_any_optimizer)
{
    static const char *const optimizer[] = {"{sgd: {lr: 0.1, momentum: 0.9}}",
                                            "{adam: {lr: 0.05}}",
                                            "{toy_whole: {lr: 0.05}}", "toy_descent"};
    for (int i = 0; i < 4; i++) {
        char text[500];
        snprintf(text, sizeof text,
                 NET "regularizer: [non_negative, {max_norm: 0.4}]\noptimizer: %s",
                 optimizer[i]);
        lab l = open_lab(text);
        for (int s = 0; s < 30; s++) {
            step(&l);
            for (int64_t row = 0; row < 6; row++)
                cr_assert_leq(length_of_row(&l, row), 0.4 + 1e-14, "%s", optimizer[i]);
            for (int64_t k = 0; k < size_of(&l, 0); k++)
                cr_assert_geq(weights(&l, 0)[k], 0);
        }
        close_lab(&l);
    }
}

/* At a constrained minimum -g points out of the ball: along w. In the plain measure under adam it
 * would be the steps times g that do. */
Test(regularizers, constrained_minimum_is_one_under_adam_too)
{
    static const char *const optimizer[] = {"{sgd: {lr: 0.1}}", "{adam: {lr: 0.002}}"};
    for (int i = 0; i < 2; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                 "model: [{dense: 2}]\nloss: mse\nregularizer: {max_norm: 0.5}\n"
                 "optimizer: %s",
                 optimizer[i]);
        lab l = open_lab(text);
        for (int s = 0; s < 20000; s++) step(&l);
        look(&l);
        for (int64_t row = 0; row < 2; row++) {
            const double *w = weights(&l, 0) + row * FEATURES,
                         *g = gradient(&l, 0) + row * FEATURES;
            double along = 0, length = 0;
            for (int j = 0; j < FEATURES; j++) along -= w[j] * g[j] / 0.25;
            for (int j = 0; j < FEATURES; j++)
                length = fmax(length, fabs(g[j] + along * w[j]));
            cr_assert_float_eq(length_of_row(&l, row), 0.5, 1e-12);
            cr_assert(along > 0.1 && length < 1e-5, "%s: %g %g", optimizer[i], along,
                      length);
        }
        close_lab(&l);
    }
}

/* ---- lists ------------------------------------------------------------------------------------- */

Test(regularizers, lists_are_named_and_for_weights_only)
{
    lab l = open_lab(NET "regularizer: [l2, {max_norm: 2}]\noptimizer: sgd"),
        none = open_lab(NET "regularizer: []\noptimizer: sgd");
    cr_assert_str_eq(l.graph->param[0].regularizer_text, "l2, max_norm");
    cr_assert(!l.graph->param[1].regularizer && !*l.graph->param[1].regularizer_text);
    cr_assert(!none.graph->param[0].regularizer);
    close_lab(&l), close_lab(&none);
}

static void refused(const char *model, const char *optimizer, const char *place,
                    const char *word)
{
    char text[400];
    tn_error error = {0};
    tn_env *env = open_env(NULL, 1);
    snprintf(text, sizeof text, "model: %s\nloss: mse\ninput: [3]\noptimizer: %s\n",
             model, optimizer);
    tn_config *config = tn_config_parse(env, text, "list.yaml", NULL, 0, &error);
    cr_assert_not_null(config, "%s", error.text);
    cr_assert_null(tn_trainer_new(env, config, NULL, &error), "%s", text);
    cr_assert(strstr(error.text, place) && strstr(error.text, word), "%s", error.text);
    tn_config_free(config);
    tn_env_free(env);
}

Test(regularizers, mistakes_in_lists_are_placed)
{
    refused("[{dense: {units: 2, regularizer: [l2, l3]}}]", "sgd",
            "list.yaml:1:46:", "'l3'");
    refused("[{dense: {units: 2, regularizer: [{l2: 1}, {l1: {lambada: 2}}]}}]", "sgd",
            "list.yaml:1:", "'lambada'");
    refused("[{dense: {units: 2, regularizer: [l2, l1]}}]", "toy_descent",
            "list.yaml:1:46:", "l1 works by a proximal step");
    refused("[{dense: 2}, {activity: max_norm}]", "sgd", "list.yaml:1:", "no gradient");
    refused("[{dense: 2}, activity]", "sgd", "list.yaml:1:", "penalty");
}

/* ---- how steps go ---------------------------------------------------------------------------- */

static void same_steps(const char *one, const char *other, int32_t steps)
{
    lab a = open_lab(one), b = open_lab(other);
    for (int s = 0; s < steps; s++) step(&a), step(&b);
    for (int32_t p = 0; p < 4; p++)
        cr_assert_arr_eq(weights(&a, p), weights(&b, p),
                         sizeof(double) * (size_t)size_of(&a, p), "%s",
                         a.graph->param[p].name);
    close_lab(&a);
    close_lab(&b);
}

Test(regularizers, decay_beside_the_gradient_is_that_of_adamw_on_any_schedule)
{
    same_steps(
        NET "regularizer: {l2: {lambda: 0.1, decoupled: true}}\n"
            "optimizer: {adam: {lr: {cosine: {from: 0.1, to: 0.01}}}}",
        NET
        "optimizer: {adamw: {weight_decay: 0.1, lr: {cosine: {from: 0.1, to: 0.01}}}}",
        20);
    same_steps(
        NET "regularizer: {l2: {lambda: {cosine: {from: 0.2, to: 0}}, decoupled: true}}\n"
            "optimizer: {sgd: {lr: 0.1}}",
        NET "optimizer: {sgd: {weight_decay: {cosine: {from: 0.2, to: 0}}, decoupled: "
            "true, lr: 0.1}}",
        20);
}

#define RUN                                                                   \
    "data: {memory: {train: values, batch: 64, shuffle: false}}\nloss: mse\n" \
    "optimizer: {sgd: {lr: 0.1}}\n"
#define OF_WEIGHTS RUN "model: [{dense: 6}, tanh, {dense: 2}]\nregularizer: "

/* What stands around a strength. */
static const char *const around[][2] = {
    {OF_WEIGHTS "{l1: ", "}"},
    {OF_WEIGHTS "{l1: {prox: false, lambda: ", "}}"},
    {OF_WEIGHTS "{l1: {threshold: hard, lambda: ", "}}"},
    {OF_WEIGHTS "{l2: ", "}"},
    {OF_WEIGHTS "{elastic_net: ", "}"},
    {OF_WEIGHTS "{group_lasso: ", "}"},
    {OF_WEIGHTS "{group_lasso: {prox: false, lambda: ", "}}"},
    {OF_WEIGHTS "{orthogonal: ", "}"},
    {OF_WEIGHTS "{max_norm: ", "}"},
    {OF_WEIGHTS "{l1_ball: ", "}"},
    {OF_WEIGHTS "[{l2: 0.1}, {l1: ", "}]"},
    {RUN "model: [{dense: {units: 6, regularizer: {l2: ", "}}}, tanh, {dense: 2}]"},
    {RUN "model: [{dense: 6}, {activity: {l1: ", "}}, tanh, {dense: 2}]"}};

static lab with_strength(int i, const char *strength)
{
    char text[500];
    snprintf(text, sizeof text, "%s%s%s", around[i][0], strength, around[i][1]);
    return open_lab(text);
}

/* One step of both from the weights of `a`: whether they are alike then. */
static bool step_alike(lab *a, lab *b)
{
    bool alike = true;
    for (int32_t p = 0; p < 4; p++)
        memcpy(weights(b, p), weights(a, p), sizeof(double) * (size_t)size_of(a, p));
    tn_graph_changed(b->graph);
    step(a), step(b);
    for (int32_t p = 0; p < 4; p++)
        alike = alike && !memcmp(weights(a, p), weights(b, p),
                                 sizeof(double) * (size_t)size_of(a, p));
    return alike;
}

/* Each step is that of a run with the value that the schedule has there, and no other: from 0.4 (of
 * what is a bound, too) by half at each. */
Test(regularizers, strengths_follow_schedules)
{
    for (int i = 0; i < (int)(sizeof around / sizeof *around); i++) {
        lab a = with_strength(i,
                              "{step: {from: 0.4, every: 1, unit: steps, factor: 0.5}}"),
            first = with_strength(i, "0.4");
        for (int s = 0; s < 3; s++) {
            char value[40];
            snprintf(value, sizeof value, "%.17g", 0.4 * pow(0.5, s));
            lab b = with_strength(i, value);
            cr_assert(step_alike(&a, &b), "%s, step %d", around[i][0], s + 1);
            close_lab(&b);
        }
        cr_assert_not(step_alike(&a, &first), "%s", around[i][0]);
        close_lab(&a), close_lab(&first);
    }
}

/* Its own step does not depend on the weights. */
Test(regularizers, decay_comes_before_a_whole_tensor_method_too)
{
    lab l = open_lab(NET "regularizer: {l2: {lambda: 0.5, decoupled: true}}\n"
                         "optimizer: {toy_whole: {lr: 0.05}}"),
        m = open_lab(NET "optimizer: {toy_whole: {lr: 0.05}}");
    const double *before = kept(&l, weights(&l, 0), 0);
    step(&l), step(&m);
    for (int64_t i = 0; i < size_of(&l, 0); i++)
        cr_assert_float_eq(weights(&l, 0)[i], weights(&m, 0)[i] - 0.05 * 0.5 * before[i],
                           1e-15);
    close_lab(&l), close_lab(&m);
}

/* What one step with rate 1 adds to the gradient of the loss. */
static const double *pulled(const char *regularizer, const char *gradient_section,
                            double *pull, double *penalty)
{
    char text[500];
    snprintf(text, sizeof text, NET "regularizer: %s\noptimizer: {sgd: {lr: 1}}\n%s",
             regularizer, gradient_section);
    lab l = open_lab(text);
    const bool clips = *gradient_section;
    look(&l);
    const double *g = kept(&l, gradient(&l, 0), 0), *w = kept(&l, weights(&l, 0), 0);
    if (penalty) *penalty = tn_updater_penalty(l.updater);
    step(&l);
    for (int64_t i = 0; i < size_of(&l, 0); i++)
        pull[i] = w[i] - weights(&l, 0)[i] - (clips ? 0 : g[i]);
    close_lab(&l);
    return pull;
}

Test(regularizers, gradients_of_a_list_add_up)
{
    double both[18], one[18], other[18], penalty[3];
    same_steps(NET "regularizer: [{l2: 0.03}, {l2: 0.02}]\noptimizer: {sgd: {lr: 0.1}}",
               NET "regularizer: [l2: 0.03, l2: 0.02]\noptimizer: {sgd: {lr: 0.1}}", 5);
    pulled("[{l2: 0.03}, {orthogonal: 0.1}]", "", both, &penalty[0]);
    pulled("{l2: 0.03}", "", one, &penalty[1]);
    pulled("{orthogonal: 0.1}", "", other, &penalty[2]);
    cr_assert_float_eq(penalty[0], penalty[1] + penalty[2], 1e-12);
    for (int i = 0; i < 18; i++) {
        cr_assert_float_eq(both[i], one[i] + other[i], 1e-13);
        cr_assert(fabs(one[i]) > 1e-9 && fabs(other[i]) > 1e-9);
    }
}

/* Clipping sees the gradient of the data alone, also where a penalty wants the whole weight. */
Test(regularizers, penalties_come_behind_transforms)
{
    static const char *const clip[] = {"gradient: [{clip_value: 1e-12}]",
                                       "gradient: [{clip_norm: 1e-12}]",
                                       "gradient: [{clip_norm: 1}, {clip_value: 1e-12}]"};
    double pull[18], clipped[18];
    pulled("[{l2: 0.03}, {orthogonal: 0.1}]", "", pull, NULL);
    for (int i = 0; i < 3; i++) {
        pulled("[{l2: 0.03}, {orthogonal: 0.1}]", clip[i], clipped, NULL);
        for (int k = 0; k < 18; k++) cr_assert_float_eq(clipped[k], pull[k], 1e-11);
    }
}

/* A wrapper sees what a prox leaves, be it of elements or of whole weights. */
Test(regularizers, averages_are_of_weights_behind_the_prox)
{
    static const char *const regularizer[] = {"{l1: 0.1}", "{max_norm: 0.3}",
                                              "[{group_lasso: 0.05}, non_negative]"};
    static const char *const optimizer[] = {"{sgd: {lr: 0.1, momentum: 0.9}}",
                                            "{adam: {lr: 0.05}}",
                                            "{toy_whole: {lr: 0.05}}"};
    for (int i = 0; i < 9; i++) {
        char text[500];
        if (i % 3 == 2 && i / 3 != 1) continue; /* toy_whole tells no steps */
        snprintf(text, sizeof text,
                 NET "regularizer: %s\noptimizer: {toy_ema: {decay: 0, of: %s}}",
                 regularizer[i / 3], optimizer[i % 3]);
        lab l = open_lab(text);
        for (int s = 0; s < 5; s++) step(&l);
        for (int32_t p = 0; p < 4; p++) {
            const double *trained = kept(&l, weights(&l, p), p);
            tn_updater_view(l.updater, true);
            for (int64_t k = 0; k < size_of(&l, p); k++)
                cr_assert(fabs(weights(&l, p)[k] - trained[k]) < 1e-15, "%s", text);
            tn_updater_view(l.updater, false);
        }
        close_lab(&l);
    }
}

/* Those that evaluate other weights than they train, around %s. */
static const char *const averaging[] = {
    "{ema: {decay: 0.99, of: %s}}",
    "{swa: {start: 2, of: %s}}",
    "{lookahead: {of: %s}}",
    "{schedule_free: {of: %s}}",
    "{ema: {decay: 0.9, of: {lookahead: {of: %s}}}}",
    "{ema: {decay: 0.9, of: {schedule_free: {of: %s}}}}"};
enum { AVERAGING = 6 };

static void zeros_are_kept(const char *regularizer, const char *target,
                           const char *expected, const char *wrapper, const char *inner)
{
    problem p;
    char optimizer[200];
    int zeros = 0;
    snprintf(optimizer, sizeof optimizer, wrapper, inner);
    open_problem(&p, target, regularizer, optimizer);
    const double *want = part(&p, expected)->data, *got = coefficients(&p);
    descend(&p, 6000);
    tn_updater_view(p.trainer->updater, true);
    for (int64_t i = 0; i < p.features * p.outputs; i++) {
        cr_assert((got[i] == 0) == (want[i] == 0) && (got[i] != 0 || !signbit(got[i])),
                  "%s under %s: %d is %g, not %g", expected, optimizer, (int)i, got[i],
                  want[i]);
        cr_assert_float_eq(got[i], want[i], 0.1, "%s: %g, not %g", optimizer, got[i],
                           want[i]);
        zeros += got[i] == 0;
    }
    cr_assert_gt(zeros, 0);
    tn_updater_view(p.trainer->updater, false);
    close_problem(&p);
}

/* They begin where none of them is zero: averages that go on decay, but do not end. */
Test(regularizers, zeros_of_a_prox_are_those_of_averages_too)
{
    static const char *const inner[] = {"{sgd: {lr: 0.05}}",
                                        "{adam: {beta1: 0, lr: 0.01}}"};
    for (int i = 0; i < 2 * AVERAGING; i++) {
        zeros_are_kept("{l1: 0.2}", "y", "lasso", averaging[i / 2], inner[i % 2]);
        zeros_are_kept("{group_lasso: {lambda: 0.0577350269189625765, over: columns}}",
                       "z", "tasks", averaging[i / 2], inner[i % 2]);
    }
}

/* Whether the weights that are evaluated do as `text` of the config says. */
static void fulfil(const lab *l, const char *regularizer, const char *text)
{
    const bool ball = strstr(regularizer, "l1_ball"), unit = strstr(regularizer, "unit");
    double sum = 0;
    for (int64_t row = 0; row < 6; row++) {
        const double length = length_of_row(l, row);
        cr_assert(unit ? fabs(length - 1) < 1e-14 : ball || length <= 0.4 + 1e-14,
                  "%s: %.17g", text, length);
    }
    for (int64_t k = 0; k < size_of(l, 0); k++) {
        cr_assert(unit || ball || weights(l, 0)[k] >= 0, "%s", text);
        sum += fabs(weights(l, 0)[k]);
    }
    cr_assert(!ball || sum <= 2 + 1e-14, "%s: %.17g", text, sum);
}

Test(regularizers, constraints_hold_for_averages_after_every_step)
{
    static const char *const regularizer[] = {"[non_negative, {max_norm: 0.4}]",
                                              "unit_norm", "{l1_ball: 2}"};
    static const char *const inner[] = {"{sgd: {lr: 0.3}}", "{toy_whole: {lr: 0.05}}"};
    for (int i = 0; i < 6 * AVERAGING; i++) {
        char optimizer[200], text[500];
        snprintf(optimizer, sizeof optimizer, averaging[i / 6], inner[i % 2]);
        snprintf(text, sizeof text, NET "regularizer: %s\noptimizer: %s",
                 regularizer[i / 2 % 3], optimizer);
        lab l = open_lab(text);
        for (int s = 0; s < 30; s++) {
            step(&l);
            tn_updater_view(l.updater, true);
            fulfil(&l, regularizer[i / 2 % 3], text);
            tn_updater_view(l.updater, false);
        }
        close_lab(&l);
    }
}

/* In float, on as many threads: all weights after a few steps. */
static void train(int32_t threads, char *bytes, size_t room)
{
    enum { BATCH = 32, WIDTH = 130 };
    static float x[BATCH * WIDTH], y[BATCH * 2];
    const char *text =
        "seed: 3\nloss: mse\ninput: [130]\noptimizer: {adam: {lr: 0.01}}\n"
        "model: [{dense: {units: 150, regularizer: [{orthogonal: 0.001}, {max_norm: "
        "1}]}}, "
        "tanh, {activity: {elastic_net: 0.1}}, {dense: {units: 170, regularizer: "
        "[{group_lasso: {lambda: 0.001, over: columns}}, {l1_ball: 100}]}}, tanh, "
        "{dense: "
        "{units: 130, regularizer: [{elastic_net: 0.001}, {min_max_norm: {min: 0.9, max: "
        "1, "
        "over: columns}}]}}, tanh, {dense: {units: 2, regularizer: unit_norm}}]\n";
    tn_error error = {0};
    size_t used = 0;
    tn_env *env = open_env(NULL, threads);
    for (int i = 0; i < BATCH * WIDTH; i++)
        x[i] = (float)tn_random_normal((tn_key){{8, 9}}, (uint64_t)i);
    for (int i = 0; i < BATCH * 2; i++) y[i] = x[i];
    tn_config *config = tn_config_parse(env, text, "threads.yaml", NULL, 0, &error);
    cr_assert_not_null(config, "%s", error.text);
    tn_trainer *t = tn_trainer_new(env, config, NULL, &error);
    cr_assert_not_null(t, "%s", error.text);
    for (int i = 0; i < 4; i++) DO(tn_trainer_step(t, x, y, NULL, BATCH, NULL, &error));
    for (int32_t i = 0; i < t->model->graph->params; i++) {
        const tn_tensor *value = &t->model->graph->param[i].value;
        const size_t size = (size_t)tn_count(value) * sizeof(float);
        cr_assert_leq(used + size, room);
        memcpy(bytes + used, value->data, size);
        used += size;
    }
    tn_trainer_free(t);
    tn_config_free(config);
    tn_env_free(env);
}

Test(regularizers, have_the_same_bits_on_any_number_of_threads)
{
    static char one[1 << 19], many[1 << 19];
    train(1, one, sizeof one);
    for (int32_t threads = 2; threads <= 4; threads++) {
        train(threads, many, sizeof many);
        cr_assert_arr_eq(one, many, sizeof one, "%d threads", (int)threads);
    }
}

/* ---- activities ------------------------------------------------------------------------------ */

/* Of y = x W^T: the gradient gets lambda sign(y)^T x / samples, whatever parts a batch comes in. */
Test(regularizers, penalties_of_activities_are_means_over_samples)
{
    lab plain = open_lab(NET "optimizer: sgd"),
        l = open_lab(
            "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
            "model: [{dense: 6}, {activity: {l1: 0.2}}, tanh, {dense: 2}]\nloss: mse\n"
            "optimizer: sgd");
    cr_assert_eq(look(&plain), look(&l));
    const double *w = weights(&l, 0), *b = weights(&l, 1);
    for (int unit = 0; unit < 6; unit++)
        for (int j = 0; j < FEATURES; j++) {
            double more = 0;
            for (int i = 0; i < SAMPLES; i++) {
                double y = b[unit];
                for (int k = 0; k < FEATURES; k++)
                    y += w[unit * FEATURES + k] * (double)inputs[i * FEATURES + k];
                more += 0.2 * (y > 0 ? 1 : -1) * (double)inputs[i * FEATURES + j] /
                        SAMPLES;
            }
            cr_assert_float_eq(gradient(&l, 0)[unit * FEATURES + j],
                               gradient(&plain, 0)[unit * FEATURES + j] + more, 1e-14);
        }
    close_lab(&plain), close_lab(&l);
}
