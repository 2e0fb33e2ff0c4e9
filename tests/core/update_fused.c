/* update_fused.c - weights that are updated while their gradient is made get the bits of an update
 * afterwards; so do sums over gradients that come out of the products. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan_state.h"
#include "core/trainer.h"
#include "tests/support/opening.h"

#define MUST(call) cr_assert_eq(call, TN_OK, "%s", e.text)

enum { STEPS = 4, SAMPLES = 20, INPUTS = 37, CLASSES = 3 };

static const char net[] = "input: [37]\nmodel: [{dense: 300}, relu, {dropout: 0.2}, "
                          "{dense: 50}, tanh, {dense: 3}]\n";

typedef struct recipe {
    char rest[200];
} recipe;

static recipe recipes[] = {
    {"optimizer: {sgd: {lr: 0.1}}"},
    {"optimizer: {sgd: {lr: 0.1, momentum: 0.9}}\nregularizer: {l2: 0.01}"},
    {"optimizer: {sgd: {lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01}}"},
    {"optimizer: {sgd: {lr: 0.1, momentum: 0.9}}\nregularizer: {l1: 0.001}"},
    {"optimizer: {adam: {lr: 0.01}}\nregularizer: {l1: 0.001}"},
    {"optimizer: {adamw: {lr: 0.01}}\ngradient: [{clip_value: 0.001}]"},
    {"optimizer: {adam: {lr: 0.01, weight_decay: 0.1}}\nregularizer: {l1: {lambda: "
     "0.001, "
     "prox: false}}"},
    {"optimizer: {toy_ema: {of: {sgd: {lr: 0.1}}}}"},
    {"optimizer: {toy_ema: {of: {sgd: {lr: 0.1}}}}\nregularizer: [{group_lasso: 0.0005}, "
     "{l1: 0.001}]"},
    {"optimizer: {adam: {lr: 0.01}}\nregularizer: [{l2: {lambda: 0.1, decoupled: true}}, "
     "{elastic_net: 0.001}, {l2: 0.01}]"},
    {"optimizer: sgd\ngradient: [toy_noise, {clip_value: 0.5}]"},
    {"optimizer: sgd\ngradient: [{noise: 0.1}, {clip_value: 0.1}]"},
    {"optimizer: {sgd: {lr: 0.1, momentum: 0.9, dampening: 0.5}}"},
    {"optimizer: {amsgrad: {lr: 0.01, weight_decay: 0.1, decoupled: true}}"},
    {"optimizer: {nadam: {lr: 0.01, weight_decay: 0.1}}\nregularizer: {l1: 0.001}"},
    {"optimizer: {radam: {lr: 0.01, beta2: 0.7, weight_decay: 0.1}}"},
    {"optimizer: {adagrad: {lr: 0.01, initial: 0.1, lr_decay: 0.1}}"},
    {"optimizer: adadelta\nregularizer: {l1: 0.001}"},
    {"optimizer: {rmsprop: {lr: 0.01, momentum: 0.9, centered: true}}"},
    {"optimizer: {ema: {of: {sgd: {lr: 0.1}}}}\nregularizer: {l1: 0.001}"},
    {"optimizer: {lookahead: {of: {adam: {lr: 0.01}}, every: 2}}\nregularizer: {l1: "
     "0.001}"},
    {"optimizer: {schedule_free: {of: {sgd: {lr: 0.1}}}}\nregularizer: {l2: 0.001}"},
    {"optimizer: {lion: {lr: 0.001, weight_decay: 1}}"},
    {"optimizer: {adamw: {lr: 0.01}}\nparameters: [{match: dense, weight_decay: 0.5, lr: "
     "0.03}, {match: dense_2, lr_factor: 0.1}]\nregularizer: {l1: 0.001}"},
};

#define COUNT (sizeof recipes / sizeof *recipes)

typedef struct run {
    tn_env *env;
    tn_config *config;
    tn_trainer *trainer;
    float x[SAMPLES * 600];
    int32_t label[SAMPLES];
} run;

static void open_run(run *r, const char *model, const char *rest, int real,
                     const char *backend, int32_t threads)
{
    char text[600];
    tn_error e = {0};
    const tn_key key = {{1, 2}};
    snprintf(text, sizeof text, "seed: 3\nprecision: %s\nloss: cross_entropy\n%s%s\n",
             real ? "double" : "float", model, rest);
    r->env = open_env(backend, threads);
    r->config = tn_config_parse(r->env, text, "test.yaml", NULL, 0, &e);
    cr_assert_not_null(r->config, "%s", e.text);
    r->trainer = tn_trainer_new(r->env, r->config, NULL, &e);
    cr_assert_not_null(r->trainer, "%s", e.text);
    for (int i = 0; i < SAMPLES * 600; i++)
        r->x[i] = (float)tn_random_normal(key, (uint64_t)i);
    for (int i = 0; i < SAMPLES; i++) r->label[i] = i % CLASSES;
}

static void close_run(run *r)
{
    tn_trainer_free(r->trainer);
    tn_config_free(r->config);
    tn_env_free(r->env);
}

static void make_step(run *r)
{
    tn_error e = {0};
    MUST(tn_trainer_step(r->trainer, r->x, NULL, r->label, SAMPLES, NULL, &e));
}

static int32_t taken(const run *r)
{
    int32_t n = 0;
    for (int32_t i = 0; r->trainer->sink && i < r->trainer->model->graph->params; i++)
        n += r->trainer->sink[i].taken;
    return n;
}

static void same_weights(const run *a, const run *b)
{
    const tn_graph *g = a->trainer->model->graph, *h = b->trainer->model->graph;
    for (int32_t i = 0; i < g->params; i++) {
        const tn_tensor *v = &g->param[i].value, *w = &h->param[i].value;
        cr_assert_eq(
            memcmp(v->data, w->data, (size_t)tn_count(v) * tn_dtype_size(v->dtype)), 0,
            "%s", g->param[i].name);
    }
}

static void compare(const char *rest, int real, const char *backend, int32_t threads)
{
    static run fused, apart;
    open_run(&fused, net, rest, real, backend, threads);
    open_run(&apart, net, rest, real, backend, 1);
    tn_updater_take_from(fused.trainer->updater, 0, 16);
    tn_updater_take_from(apart.trainer->updater, INT64_MAX, 0);
    for (int i = 0; i < STEPS; i++) make_step(&fused), make_step(&apart);
    cr_assert_eq(taken(&fused), 3);
    cr_assert_eq(taken(&apart), 0);
    same_weights(&fused, &apart);
    const size_t biases = (300 + 50 + 3) * (real ? 8 : 4),
                 weights = (37 * 300 + 300 * 50 + 50 * 3) * (real ? 8 : 4);
    cr_assert_eq(tn_plan_memory(fused.trainer->plan).gradients, biases);
    cr_assert_eq(tn_plan_memory(apart.trainer->plan).gradients, weights + biases);
    close_run(&fused);
    close_run(&apart);
}

ParameterizedTestParameters(update_fused, same_bits)
{
    return cr_make_param_array(recipe, recipes, COUNT);
}

ParameterizedTest(recipe *r, update_fused, same_bits)
{
    for (int real = 0; real < 2; real++)
        for (int32_t threads = 1; threads <= 2; threads++)
            compare(r->rest, real, "blis", threads);
    compare(r->rest, 0, "reference", 1);
}

/* A weight that is shared, parametrized, or of which something needs the whole gradient. */
Test(update_fused, what_needs_the_whole_gradient_keeps_it)
{
    static const char *const rest[] = {"optimizer: sgd\ngradient: [clip_norm]",
                                       "optimizer: {toy_unit: {}}",
                                       "optimizer: {toy_sam: {rho: 0.1, lr: 0.05}}",
                                       "optimizer: toy_whole",
                                       "optimizer: lars",
                                       "optimizer: lamb",
                                       "optimizer: muon",
                                       "optimizer: sgd\nregularizer: orthogonal",
                                       "optimizer: sgd\ntrain: {accumulate: 2}"};
    static run r;
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        open_run(&r, net, rest[i], 1, "blis", 1);
        tn_updater_take_from(r.trainer->updater, 0, 16);
        make_step(&r);
        cr_assert_eq(taken(&r), 0, "%s", rest[i]);
        close_run(&r);
    }
    open_run(
        &r,
        "input: [37]\nmodel: [{dense: {units: 30, parametrization: weight_norm}}, relu, "
        "{dense: 3}]\n",
        "optimizer: sgd", 1, "blis", 1);
    tn_updater_take_from(r.trainer->updater, 0, 16);
    make_step(&r);
    cr_assert_eq(taken(&r), 1);
    close_run(&r);
}

/* Asking for gradients stores them all; without, a used-up one is not shown. */
Test(update_fused, gradients_can_still_be_read)
{
    static run fused, apart;
    const char *rest = "optimizer: {sgd: {lr: 0.1}}";
    tn_error e = {0};
    tn_tensor a, b;
    open_run(&fused, net, rest, 1, "blis", 2);
    open_run(&apart, net, rest, 1, "blis", 2);
    tn_updater_take_from(fused.trainer->updater, 0, 16);
    tn_updater_take_from(apart.trainer->updater, INT64_MAX, 0);
    make_step(&fused), make_step(&apart);
    cr_assert_eq(tn_trainer_gradient(fused.trainer, "dense.weight", &a, &e), TN_ENOTSUP);
    cr_assert(strstr(e.text, "dense.weight") && strstr(e.text, "tn_trainer_gradients"));
    cr_assert_eq(tn_trainer_gradient(fused.trainer, "dense.bias", &a, &e), TN_OK);
    MUST(tn_trainer_gradients(fused.trainer, fused.x, NULL, fused.label, SAMPLES, NULL,
                              &e));
    MUST(tn_trainer_gradients(apart.trainer, apart.x, NULL, apart.label, SAMPLES, NULL,
                              &e));
    MUST(tn_trainer_gradient(fused.trainer, "dense.weight", &a, &e));
    MUST(tn_trainer_gradient(apart.trainer, "dense.weight", &b, &e));
    cr_assert_eq(memcmp(a.data, b.data, 37 * 300 * sizeof(double)), 0);
    MUST(tn_trainer_apply(fused.trainer, &e));
    MUST(tn_trainer_apply(apart.trainer, &e));
    make_step(&fused), make_step(&apart);
    same_weights(&fused, &apart);
    const long long before = atomic_load(&fused.env->memory.calls);
    make_step(&fused);
    cr_assert_eq(atomic_load(&fused.env->memory.calls), before);
    close_run(&fused);
    close_run(&apart);
}

/* ---- sums from the product ------------------------------------------------------------- */

static const char wide[] = "input: [600]\nmodel: [{dense: 500}, relu, {dense: 3}]\n";
static const char clipped[] =
    "optimizer: {sgd: {lr: 0.1}}\ngradient: [{clip_norm: 0.01}]";

Test(update_fused, sums_of_blocks_are_the_same_on_any_thread_and_when_taken_again)
{
    static run one, two, again;
    tn_error e = {0};
    for (int real = 0; real < 2; real++) {
        open_run(&one, wide, clipped, real, "blis", 1);
        open_run(&two, wide, clipped, real, "blis", 2);
        open_run(&again, wide, clipped, real, "blis", 2);
        for (int i = 0; i < STEPS; i++) {
            make_step(&one), make_step(&two);
            MUST(tn_trainer_gradients(again.trainer, again.x, NULL, again.label, SAMPLES,
                                      NULL, &e));
            MUST(tn_trainer_apply(again.trainer, &e));
        }
        cr_assert_eq(taken(&one), 1);
        same_weights(&one, &two);
        same_weights(&one, &again);
        close_run(&one), close_run(&two), close_run(&again);
    }
}

/* Norms of tensors, some of them in many chunks; products. */
Test(update_fused, steps_by_whole_tensors_are_the_same_on_any_thread)
{
    static const char *const rest[] = {
        "optimizer: {lars: {lr: 1, weight_decay: 0.01}}\nregularizer: {l2: 0.01}",
        "optimizer: {lamb: {lr: 0.01}}\ngradient: [{clip_norm: 0.01}]",
        "optimizer: {muon: {lr: 0.01}}"};
    static run one, other;
    for (int i = 0; i < 6; i++) {
        open_run(&one, wide, rest[i / 2], i % 2, "blis", 1);
        for (int32_t threads = 2; threads <= 4; threads += 2) {
            open_run(&other, wide, rest[i / 2], i % 2, "blis", threads);
            for (int s = 0; s < STEPS; s++) {
                if (threads == 2) make_step(&one);
                make_step(&other);
            }
            same_weights(&one, &other);
            close_run(&other);
        }
        const long long before = atomic_load(&one.env->memory.calls);
        make_step(&one);
        cr_assert_eq(atomic_load(&one.env->memory.calls), before);
        close_run(&one);
    }
}

/* A changed gradient has other sums. */
Test(update_fused, changed_gradients_are_summed_again)
{
    static run r;
    tn_error e = {0};
    tn_tensor g;
    double sum = 0;
    open_run(&r, wide, clipped, 1, "blis", 2);
    const tn_graph *graph = r.trainer->model->graph;
    double *before = malloc(600 * 500 * sizeof *before);
    memcpy(before, graph->param[0].value.data, 600 * 500 * sizeof *before);
    MUST(tn_trainer_gradients(r.trainer, r.x, NULL, r.label, SAMPLES, NULL, &e));
    for (int32_t i = 0; i < graph->params; i++) {
        MUST(tn_trainer_gradient(r.trainer, graph->param[i].name, &g, &e));
        for (int64_t k = 0; k < tn_count(&g); k++) ((double *)g.data)[k] = i ? 0 : 1;
    }
    MUST(tn_trainer_apply(r.trainer, &e));
    const double *after = graph->param[0].value.data;
    for (int i = 0; i < 600 * 500; i++)
        sum += (before[i] - after[i]) * (before[i] - after[i]);
    cr_assert_float_eq(sqrt(sum), 0.1 * 0.01, 1e-9);
    free(before);
    close_run(&r);
}
