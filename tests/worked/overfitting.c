/* overfitting.c - worked examples of overfitting, part 1 of TECHNIQUES.md: how many parameters networks
 * have, what they can fit exactly, and where the loss of other data turns. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "tests/support/running.h"

#define DO(call) cr_assert_eq(call, TN_OK, "%s", e.text)

/* ---- parameters --------------------------------------------------------------------- */

/* Of the weights and of the biases of a model. */
static void count(const char *text, int64_t *weights, int64_t *biases)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    tn_config *config = run_parse(env, text, NULL, 0);
    tn_model *model = tn_model_new(env, config, NULL, &e);
    cr_assert_not_null(model, "%s", e.text);
    *weights = *biases = 0;
    for (int32_t i = 0; i < tn_model_tensors(model); i++) {
        const char *name;
        tn_tensor t;
        DO(tn_model_tensor(model, i, &name, &t));
        *(strstr(name, "bias") ? biases : weights) += tn_count(&t);
    }
    tn_model_free(model);
    tn_config_free(config);
    tn_env_free(env);
}

/* P1-N1: 50000 of convolutions and 100000 of dense layers are 150000. P1-N2: 12789000, and 1502 biases.
 * P1-N3: 127890 for each of 100 samples. P2-N11: 1229000, with biases 1229102. */
Test(worked_overfitting, P1_N1_P1_N2_P1_N3_P2_N11_parameters)
{
    static const struct {
        const char *model;
        int64_t weights, biases;
    } net[] = {
        {"input: [5, 5, 20]\ninit: zeros\nmodel: [{conv2d: {filters: 100, kernel: 5, "
         "bias: false}}, flatten, {dense: {units: 1000, bias: false}}]",
         150000, 0},
        {"input: [12288]\ninit: zeros\nmodel: [{dense: 1000}, relu, {dense: 500}, relu, "
         "{dense: 2}]",
         12789000, 1502},
        {"input: [12288]\ninit: zeros\nmodel: [{dense: 100}, relu, {dense: 2}]", 1229000,
         102}};
    for (int i = 0; i < 3; i++) {
        int64_t weights, biases;
        count(net[i].model, &weights, &biases);
        cr_assert_eq(weights, net[i].weights, "%lld", (long long)weights);
        cr_assert_eq(biases, net[i].biases, "%lld", (long long)biases);
    }
    cr_assert_eq(net[1].weights / 100, 127890);
}

/* P3-N26: 4.9 MB of 1229000 weights (4.916 MB, without the biases). */
Test(worked_overfitting, P3_N26_bytes_of_a_network)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    tn_config *config = run_parse(
        env, "input: [12288]\ninit: zeros\nmodel: [{dense: 100}, relu, {dense: 2}]", NULL,
        0);
    tn_model *model = tn_model_new(env, config, NULL, &e);
    const char *path = test_path(test_folder(), "m.safetensors");
    size_t bytes;
    cr_assert_not_null(model, "%s", e.text);
    DO(tn_model_save(model, path, &e));
    cr_assert_not_null(test_read(path, &bytes));
    cr_assert_float_eq((double)bytes, 4.916e6 + 4 * 102, 4000, "%zu", bytes);
    tn_model_free(model);
    tn_config_free(config);
    tn_env_free(env);
}

/* ---- exact fits ----------------------------------------------------------------------- */

typedef struct fit {
    tn_trainer *t;
    tn_tensor w, b;
} fit;

/* A linear model by mse, in double. */
static fit fit_new(tn_env *env, int inputs, const char *rate, int seed)
{
    char text[300];
    tn_error e = {0};
    snprintf(text, sizeof text,
             "seed: %d\nprecision: double\ninput: [%d]\nmodel: [{dense: {units: 1, init: "
             "{normal: 1}}}]\nloss: mse\noptimizer: {sgd: {lr: %s, momentum: 0.9}}",
             seed, inputs, rate);
    tn_config *config = run_parse(env, text, NULL, 0);
    fit f = {.t = kept(tn_trainer_new(env, config, NULL, &e))};
    cr_assert_not_null(f.t, "%s", e.text);
    tn_config_free(config);
    DO(tn_model_find(tn_trainer_model(f.t), "dense.weight", &f.w, &e));
    DO(tn_model_find(tn_trainer_model(f.t), "dense.bias", &f.b, &e));
    return f;
}

/* The loss after so many steps. */
static double fit_to(const fit *f, const float *x, const float *y, int64_t samples,
                     int steps)
{
    double loss = NAN;
    tn_error e = {0};
    for (int i = 0; i < steps; i++)
        DO(tn_trainer_step(f->t, x, y, NULL, samples, &loss, &e));
    return loss;
}

static const float three[] = {2, 4, 5}; /* at 1, 2, 3 */

/* P1-N4: the line through three points is 1.5 x + .6667, whose squares add up to .1667; the seed's, with
 * .5, has .25. */
Test(worked_overfitting, P1_N4_a_line)
{
    static const float x[] = {1, 2, 3};
    tn_error e = {0};
    double loss;
    const fit f = fit_new(run_env(1), 1, "0.05", 1);
    double *w = f.w.data, *b = f.b.data;
    *w = 1.5, *b = 0.5;
    DO(tn_trainer_gradients(f.t, x, three, NULL, 3, &loss, &e));
    cr_assert_float_eq(3 * loss, 0.25, 1e-14);
    cr_assert_float_eq(3 * fit_to(&f, x, three, 3, 2000), 1. / 6, 1e-12);
    cr_assert_float_eq(*w, 1.5, 1e-9);
    cr_assert_float_eq(*b, 2. / 3, 1e-9);
}

/* P1-N5: a polynomial of degree 10 passes through the points, and another one as well: there are 11
 * coefficients. Here of x / 3, so that the powers are of one size. */
Test(worked_overfitting, P1_N5_polynomials)
{
    float x[30], between[10], y[2];
    tn_error e = {0};
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 3; k++)
            x[10 * k + i] = powf((float)(k + 1) / 3, (float)i + 1);
        between[i] = powf(0.5F, (float)i + 1);
    }
    tn_env *env = run_env(1);
    for (int k = 0; k < 2; k++) {
        const fit f = fit_new(env, 10, "0.05", k + 1);
        cr_assert_lt(fit_to(&f, x, three, 3, 5000), 1e-20);
        DO(tn_model_predict(tn_trainer_model(f.t), between, 1, y + k, &e));
    }
    cr_assert_gt(fabsf(y[0] - y[1]), 0.01F, "%g %g", (double)y[0], (double)y[1]);
}

/* 100 equations with four times as many unknowns have many solutions: from each start another one. */
Test(worked_overfitting, P1_N7_more_unknowns_than_equations)
{
    enum { EQUATIONS = 100, UNKNOWNS = 400 };
    static float x[EQUATIONS * UNKNOWNS], y[EQUATIONS];
    static double first[UNKNOWNS];
    tn_env *env = run_env(1);
    for (int i = 0; i < EQUATIONS * UNKNOWNS; i++)
        x[i] = (float)tn_random_normal((tn_key){{1, 6}}, (uint64_t)i);
    for (int i = 0; i < EQUATIONS; i++)
        y[i] = tn_random_bits((tn_key){{2, 6}}, (uint64_t)i) & 1 ? 1 : -1;
    for (int k = 0; k < 2; k++) {
        const fit f = fit_new(env, UNKNOWNS, "0.01", k + 1);
        cr_assert_lt(fit_to(&f, x, y, EQUATIONS, 800), 1e-20);
        const double *w = f.w.data;
        double apart = 0;
        for (int i = 0; i < UNKNOWNS; i++) apart += fabs(w[i] - first[i]);
        cr_assert_gt(apart, UNKNOWNS / 2);
        memcpy(first, w, sizeof first);
    }
}

/* ---- a run that goes on too long ------------------------------------------------------- */

enum { PIXELS = 20, TRAINED = 100, HELD_OUT = 1000, EPOCHS = 60 };

/* Two classes by the sum of four numbers of 20; one label of eight is wrong. */
static int read_noisy(void *data, int64_t i, float *input, float *target, int32_t *label)
{
    const tn_key key = {{*(const uint32_t *)data, 8}},
                 wrong = {{*(const uint32_t *)data, 9}};
    float sum = 0;
    for (int k = 0; k < PIXELS; k++) {
        input[k] = (float)tn_random_normal(key, (uint64_t)(i * PIXELS + k));
        sum += k < 4 ? input[k] : 0;
    }
    *label = (sum > 0) != (tn_random_bits(wrong, (uint64_t)i) % 8 == 0);
    return 0;
}

static void attach_noisy(tn_env *env, const char *name, int64_t samples, uint32_t *seed)
{
    tn_error e = {0};
    const tn_memory_data set = {.samples = samples,
                                .input = {.rank = 1, .dim = {PIXELS}},
                                .classes = 2,
                                .read = read_noisy,
                                .read_data = seed};
    DO(tn_env_attach(env, name, &set, &e));
}

typedef struct curve {
    int64_t epochs;
    double loss[EPOCHS], accuracy[EPOCHS], val_loss[EPOCHS], val_accuracy[EPOCHS];
    char note[300];
} curve;

static double score(const tn_progress *p, const char *name)
{
    for (int32_t i = 0; i < p->scores; i++)
        if (!strcmp(p->score[i].name, name)) return p->score[i].value;
    return NAN;
}

static void draw(void *data, const tn_progress *p)
{
    curve *c = data;
    if (p->note) snprintf(c->note, sizeof c->note, "%s", p->note);
    if (p->kind != 1) return;
    c->loss[c->epochs] = score(p, "loss");
    c->accuracy[c->epochs] = score(p, "accuracy");
    c->val_accuracy[c->epochs] = score(p, "val_accuracy");
    c->val_loss[c->epochs++] = score(p, "val_loss");
}

static curve run_noisy(const char *more)
{
    static uint32_t seeds[] = {1, 2};
    char text[600];
    curve c = {0};
    tn_error e = {0};
    tn_env *env = run_env(1);
    attach_noisy(env, "few", TRAINED, seeds);
    attach_noisy(env, "many", HELD_OUT, seeds + 1);
    snprintf(text, sizeof text,
             "seed: 3\ndata: {memory: {train: few, validation_data: many, batch: 20}}\n"
             "model: [{dense: 200}, relu, {dense: 100}, relu, {dense: 2}]\nloss: "
             "cross_entropy\nmetrics: [accuracy]\noptimizer: {sgd: {lr: 0.05}}\n"
             "train: {epochs: %d}\n%s",
             EPOCHS, more);
    tn_config *config = run_parse(env, text, NULL, 0);
    const tn_train_options options = {.progress = draw, .progress_data = &c};
    tn_trainer *t = tn_trainer_new(env, config, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    DO(tn_trainer_run(t, &e));
    tn_trainer_free(t);
    tn_config_free(config);
    tn_env_free(env);
    return c;
}

/* P1-E1: the loss of training falls to nothing, that of other data turns after some epochs and rises past
 * where it began, and early_stopping stops there; P1-E2: in the end all of the training set is right, and
 * far less of the rest. (The digits of the seed have no run behind them.) */
Test(worked_overfitting, P1_E1_P1_E2_the_loss_of_other_data_turns)
{
    const curve c = run_noisy("");
    int best = 0;
    for (int i = 1; i < EPOCHS; i++)
        if (c.val_loss[i] < c.val_loss[best]) best = i;
    cr_assert(best > 0 && best < 10, "epoch %d", best + 1);
    cr_assert_lt(c.val_loss[best], 0.95 * c.val_loss[0]);
    cr_assert_gt(c.val_loss[EPOCHS - 1], 1.3 * c.val_loss[0]);
    cr_assert_lt(c.loss[EPOCHS - 1], 0.1 * c.loss[best]);
    cr_assert(c.accuracy[EPOCHS - 1] == 1 && c.val_accuracy[EPOCHS - 1] < 0.8);
    const curve stopped = run_noisy("observe: [{early_stopping: 5}]");
    cr_assert_eq(stopped.epochs, best + 1 + 5);
    cr_assert_eq(stopped.val_loss[best], c.val_loss[best]);
    cr_assert_not_null(strstr(stopped.note, "val_loss has not improved since epoch"));
}

static void count_steps(void *data, const tn_progress *p)
{
    *(int64_t *)data = p->steps_per_epoch;
}

/* P3-N37: 100 images are 100 batches at most, numbers 0 to 99: an epoch has no batch 100. */
Test(worked_overfitting, P3_N37_batches_of_an_epoch)
{
    static uint32_t seed = 1;
    int64_t steps = 0;
    tn_error e = {0};
    tn_env *env = run_env(1);
    attach_noisy(env, "few", TRAINED, &seed);
    tn_config *config = run_parse(
        env,
        "data: {memory: {train: few, batch: 1}}\nmodel: [{dense: "
        "2}]\nloss: cross_entropy\noptimizer: sgd\ntrain: "
        "{epochs: 1}",
        NULL, 0);
    const tn_train_options options = {.progress = count_steps, .progress_data = &steps};
    tn_trainer *t = kept(tn_trainer_new(env, config, &options, &e));
    cr_assert_not_null(t, "%s", e.text);
    DO(tn_trainer_run(t, &e));
    cr_assert_eq(steps, 100);
    tn_config_free(config);
}
