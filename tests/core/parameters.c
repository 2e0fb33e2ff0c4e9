/* parameters.c - the section `parameters`: own learning rates, decays and freezing, with every optimizer
 * there is.
 *
 * Gradients are set by hand, so that no parameter's course depends on another's: each must then be,
 * bit for bit, that of a run in which the optimizer itself has its rate or decay. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan_state.h"
#include "core/trainer.h"
#include "tests/support/opening.h"

#define MUST(call) cr_assert_eq(call, TN_OK, "%s", e.text)

enum { SAMPLES = 7, INPUTS = 6, CLASSES = 3, STEPS = 5 };

typedef struct run {
    tn_env *env;
    tn_config *config;
    tn_trainer *trainer;
} run;

static float inputs[SAMPLES * 400];
static int32_t labels[SAMPLES];

static const char net[] =
    "input: [6]\nmodel: [{dense: 5}, tanh, {dense: 4}, relu, {dense: 3}]\n";

static tn_trainer *try_open(run *r, int real, const char *model, const char *rest,
                            tn_error *e)
{
    char text[2000];
    const tn_key key = {{1, 2}};
    snprintf(text, sizeof text, "seed: 3\nprecision: %s\nloss: cross_entropy\n%s%s\n",
             real ? "double" : "float", model, rest);
    r->env = open_env(NULL, 1);
    r->config = tn_config_parse(r->env, text, "test.yaml", NULL, 0, e);
    cr_assert_not_null(r->config, "%s", e->text);
    for (int i = 0; i < SAMPLES * 400; i++)
        inputs[i] = (float)tn_random_normal(key, (uint64_t)i);
    for (int i = 0; i < SAMPLES; i++) labels[i] = i % CLASSES;
    return r->trainer = tn_trainer_new(r->env, r->config, NULL, e);
}

static run open_run(int real, const char *model, const char *rest)
{
    run r;
    tn_error e = {0};
    cr_assert_not_null(try_open(&r, real, model, rest, &e), "%s\n%s", rest, e.text);
    return r;
}

static void close_run(run *r)
{
    tn_trainer_free(r->trainer);
    tn_config_free(r->config);
    tn_env_free(r->env);
}

static tn_graph *graph_of(const run *r)
{
    return r->trainer->model->graph;
}

static int32_t find(const run *r, const char *name)
{
    const tn_graph *g = graph_of(r);
    for (int32_t i = 0; i < g->params; i++)
        if (!strcmp(g->param[i].name, name)) return i;
    cr_assert(false, "no parameter %s", name);
    return -1;
}

static void make_step(const run *r)
{
    tn_error e = {0};
    MUST(tn_trainer_step(r->trainer, inputs, NULL, labels, SAMPLES, NULL, &e));
}

static void look(const run *r)
{
    tn_error e = {0};
    MUST(tn_trainer_gradients(r->trainer, inputs, NULL, labels, SAMPLES, NULL, &e));
}

/* A number of a parameter's gradient that depends on nothing else. */
static double drawn(int32_t param, int step, int64_t k)
{
    const tn_key key = {{(uint32_t)param, (uint32_t)step}};
    return 0.3 * tn_random_normal(key, (uint64_t)k);
}

static void set_gradient(const run *r, int32_t param, int step)
{
    const tn_tensor g = tn_plan_gradient(r->trainer->plan, param);
    for (int64_t k = 0; g.data && k < tn_count(&g); k++)
        if (g.dtype == TN_F64)
            ((double *)g.data)[k] = drawn(param, step, k);
        else
            ((float *)g.data)[k] = (float)drawn(param, step, k);
}

/* Steps with gradients of our own; of optimizers that need several, one step as it is, before which
 * all runs stand at the same place. */
static void drive(const run *r)
{
    tn_error e = {0};
    if (tn_updater_passes(r->trainer->updater) > 1) {
        make_step(r);
        return;
    }
    for (int step = 0; step < STEPS; step++) {
        look(r);
        for (int32_t i = 0; i < graph_of(r)->params; i++) set_gradient(r, i, step);
        MUST(tn_trainer_apply(r->trainer, &e));
    }
}

static bool same_values(const run *a, const run *b, int32_t param)
{
    const tn_tensor *v = &graph_of(a)->param[param].value,
                    *w = &graph_of(b)->param[param].value;
    return !memcmp(v->data, w->data, (size_t)tn_count(v) * tn_dtype_size(v->dtype));
}

/* Those of `of` are in a as in b, all others as in c; and b differs from c in the former. */
static void check_courses(const run *a, const run *b, const run *c, const char *of,
                          const char *what)
{
    const tn_graph *g = graph_of(a);
    for (int32_t i = 0; i < g->params; i++) {
        const bool own = !strcmp(g->param[i].name, of);
        cr_expect(same_values(a, own ? b : c, i), "%s: %s", what, g->param[i].name);
        if (own) cr_expect(!same_values(b, c, i), "%s: %s is as without", what, of);
    }
}

/* ---- every optimizer -------------------------------------------------------------------- */

static const struct {
    const char *name, *before, *behind;
} wrappers[] = {
    {"ema", "ema: {decay: 0.5, of: ", "}"},
    {"swa", "swa: {start: 2, of: ", "}"},
    {"lookahead", "lookahead: {every: 2, of: ", "}"},
    {"sam", "sam: {of: ", "}"},
    {"schedule_free", "schedule_free: {of: ", "}"},
};

/* Section `optimizer`, with rate and decay where they belong. */
static const char *optimizer_of(const char *name, const char *rate, const char *decay)
{
    static char text[4][300];
    static int next;
    char *to = text[next++ % 4];
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        if (strcmp(wrappers[i].name, name)) continue;
        snprintf(to, 300, "optimizer: {%s{sgd: {lr: %s, weight_decay: %s}}%s}",
                 wrappers[i].before, rate, decay, wrappers[i].behind);
        return to;
    }
    snprintf(to, 300, "optimizer: {%s: {lr: %s, weight_decay: %s}}", name, rate, decay);
    return to;
}

typedef struct optimizers {
    char name[64][40];
    int count;
} optimizers;

static int add_optimizer(void *data, const tn_plugin_info *p)
{
    optimizers *all = data;
    if (!strcmp(p->kind, "optimizer") && strncmp(p->name, "toy_", 4)) {
        cr_assert(all->count < 64);
        snprintf(all->name[all->count++], 40, "%s", p->name);
    }
    return 0;
}

static const optimizers *all_optimizers(void)
{
    static optimizers all;
    tn_error e = {0};
    tn_env *env = open_env(NULL, 1);
    MUST(tn_plugins_list(env, add_optimizer, &all, &e));
    cr_assert_geq(all.count, 18);
    tn_env_free(env);
    return &all;
}

static void compare(const char *name, const char *rules, const char *own,
                    const char *plain, const char *of)
{
    char rest[600];
    for (int real = 0; real < 2; real++) {
        snprintf(rest, sizeof rest, "%s\n%s", plain, rules);
        run a = open_run(real, net, rest), b = open_run(real, net, own),
            c = open_run(real, net, plain);
        drive(&a), drive(&b), drive(&c);
        check_courses(&a, &b, &c, of, name);
        close_run(&a), close_run(&b), close_run(&c);
    }
}

/* A power of two as factor, which changes no bit of what the rate is made into. */
Test(parameters, factor_on_the_rate_of_every_optimizer)
{
    const optimizers *all = all_optimizers();
    for (int i = 0; i < all->count; i++)
        compare(all->name[i], "parameters: [{match: dense_2.weight, lr_factor: 0.25}]",
                optimizer_of(all->name[i], "0.015625", "0.03"),
                optimizer_of(all->name[i], "0.0625", "0.03"), "dense_2.weight");
}

/* As a number; and as a schedule, which at these steps says the same as the optimizer's would.
 * (The shares of schedule_free are those of the optimizer's rate.) */
Test(parameters, own_rate_of_every_optimizer)
{
    static const char *const rates[] = {"0.03",
                                        "{step: {from: 0.03, every: 2, unit: steps}}"};
    const optimizers *all = all_optimizers();
    for (int i = 0; i < 2 * all->count; i++) {
        const char *name = all->name[i / 2], *rate = rates[i % 2];
        char rules[200];
        if (!strcmp(name, "schedule_free")) continue;
        snprintf(rules, sizeof rules, "parameters: [{match: dense_3.bias, lr: %s}]",
                 rate);
        compare(name, rules, optimizer_of(name, rate, "0.03"),
                optimizer_of(name, "0.0625", "0.03"), "dense_3.bias");
    }
}

Test(parameters, own_decay_of_every_optimizer)
{
    static const char *const decays[] = {"0", "0.5",
                                         "{step: {from: 0.5, every: 2, unit: steps}}"};
    const optimizers *all = all_optimizers();
    for (int i = 0; i < 3 * all->count; i++) {
        const char *name = all->name[i / 3], *decay = decays[i % 3];
        char rules[200];
        snprintf(rules, sizeof rules,
                 "parameters: [{match: dense.weight, weight_decay: %s}]", decay);
        compare(name, rules, optimizer_of(name, "0.0625", decay),
                optimizer_of(name, "0.0625", "0.03"), "dense.weight");
    }
}

static double value_of(const run *r, const char *name, int64_t k)
{
    return ((const double *)graph_of(r)->param[find(r, name)].value.data)[k];
}

/* Biases have no decay unless they are given one. */
Test(parameters, a_bias_may_decay)
{
    run r = open_run(
        1, net,
        "optimizer: {sgd: {lr: 0.1, weight_decay: 0.5}}\n"
        "parameters: [{match: dense.bias, weight_decay: 0.25, lr_factor: 3}]");
    tn_error e = {0};
    double *bias = graph_of(&r)->param[find(&r, "dense.bias")].value.data;
    bias[2] = 0.7;
    look(&r);
    const double g = ((double *)tn_plan_gradient(r.trainer->plan, 1).data)[2];
    MUST(tn_trainer_apply(r.trainer, &e));
    cr_assert_float_eq(value_of(&r, "dense.bias", 2), 0.7 - 0.1 * 3 * (g + 0.25 * 0.7),
                       1e-16);
    close_run(&r);
}

#define DECAYING(rate)                   \
    "optimizer: {sgd: {lr: " rate "}}\n" \
    "regularizer: {l2: {lambda: 0.5, decoupled: true}}"

Test(parameters, a_decoupled_decay_goes_by_the_own_rate)
{
    compare("l2", "parameters: [{match: dense_2.weight, lr_factor: 0.25}]",
            DECAYING("0.015625"), DECAYING("0.0625"), "dense_2.weight");
}

/* w <- w - rate g, then as far towards 0 as that parameter's own rate says. */
Test(parameters, a_prox_goes_by_the_own_rate)
{
    run r = open_run(1, net,
                     "optimizer: {sgd: {lr: 0.1}}\nregularizer: {l1: 0.5}\n"
                     "parameters: [{match: dense.weight, lr: 0.02}]");
    tn_error e = {0};
    const char *const names[] = {"dense.weight", "dense_2.weight"};
    double moved[2];
    look(&r);
    for (int i = 0; i < 2; i++) {
        double *w = graph_of(&r)->param[find(&r, names[i])].value.data;
        const double rate = i ? 0.1 : 0.02;
        w[1] = -0.9;
        moved[i] = -0.9 -
                   rate * ((double *)tn_plan_gradient(r.trainer->plan, 2 * i).data)[1] +
                   rate * 0.5;
    }
    MUST(tn_trainer_apply(r.trainer, &e));
    for (int i = 0; i < 2; i++)
        cr_assert_float_eq(value_of(&r, names[i], 1), moved[i], 1e-15);
    close_run(&r);
}

Test(parameters, averages_of_schedule_free_go_by_the_optimizers_rate)
{
    run r = open_run(1, net,
                     "optimizer: {schedule_free: {of: {sgd: {lr: 0.1}}, beta: 0.5}}\n"
                     "parameters: [{match: dense.bias, lr: {step: {from: 0.2, every: 1, "
                     "unit: steps, factor: 0.5}}}]");
    double z = 0, x = 0;
    drive(&r); /* biases begin with 0; the first step sets z = x = w, then c = 1/t */
    for (int s = 0; s < STEPS; s++) {
        z -= 0.2 * pow(0.5, s) * drawn(1, s, 0);
        x = s ? x + (z - x) / (s + 1) : z;
    }
    cr_assert_float_eq(value_of(&r, "dense.bias", 0), 0.5 * z + 0.5 * x, 1e-14);
    close_run(&r);
}

Test(parameters, without_effect_all_bits_are_as_without_the_section)
{
    run a = open_run(0, net, "optimizer: {adam: {lr: 0.01, weight_decay: 0.1}}"),
        b = open_run(0, net,
                     "optimizer: {adam: {lr: 0.01, weight_decay: 0.1}}\n"
                     "parameters: [{match: \"*\", freeze: true}, {match: \"*\", freeze: "
                     "false, lr_factor: 1}]");
    for (int i = 0; i < STEPS; i++) make_step(&a), make_step(&b);
    for (int32_t i = 0; i < graph_of(&a)->params; i++) cr_assert(same_values(&a, &b, i));
    close_run(&a), close_run(&b);
}

/* ---- freezing --------------------------------------------------------------------------- */

static void copy_values(const run *from, int32_t i, const run *to, int32_t k)
{
    const tn_tensor *v = &graph_of(from)->param[i].value,
                    *w = &graph_of(to)->param[k].value;
    cr_assert_eq(tn_count(v), tn_count(w));
    memcpy(w->data, v->data, (size_t)tn_count(v) * tn_dtype_size(v->dtype));
}

/* What the frozen layers make of the samples. */
static void features_of(const run *r, float *to)
{
    tn_plan *plan;
    tn_error e = {0};
    const tn_pass pass = {.samples = SAMPLES, .training = true};
    const tn_plan_options options = {.samples = SAMPLES, .training = true, .keeps = true};
    MUST(tn_plan_make(graph_of(r), &options, &plan, &e));
    MUST(tn_plan_forward(plan, &pass, inputs, NULL, &e));
    memcpy(to, tn_plan_output(plan, 2), sizeof *to * SAMPLES * 5);
    tn_plan_free(plan);
}

/* With every optimizer, clipping, penalties: the same bits as if the frozen layers had been applied
 * before, and these never change. */
Test(parameters, a_frozen_trunk_is_as_if_applied_before)
{
    static const char head[] =
        "input: [5]\nmodel: [{dense: {units: 4, name: dense_2}}, relu, "
        "{dense: {units: 3, name: dense_3}}]\n";
    static const char more[] =
        "\ngradient: [{clip_norm: 0.1}]\nregularizer: {l2: 0.01}\n";
    const optimizers *all = all_optimizers();
    float features[SAMPLES * 5];
    tn_error e = {0};
    for (int i = 0; i < all->count; i++) {
        char rest[600], frozen[700];
        snprintf(rest, sizeof rest, "%s%s", optimizer_of(all->name[i], "0.05", "0.03"),
                 more);
        snprintf(frozen, sizeof frozen, "%sparameters: [{match: dense, freeze: true}]",
                 rest);
        run a = open_run(0, net, frozen), b = open_run(0, head, rest),
            c = open_run(0, net, rest);
        for (int32_t k = 0; k < 4; k++) copy_values(&a, k + 2, &b, k);
        features_of(&a, features);
        for (int step = 0; step < STEPS; step++) {
            make_step(&a);
            MUST(tn_trainer_step(b.trainer, features, NULL, labels, SAMPLES, NULL, &e));
        }
        for (int32_t k = 0; k < 6; k++) {
            const tn_tensor
                *v = &graph_of(&a)->param[k].value,
                *w = &graph_of(k < 2 ? &c : &b)->param[k < 2 ? k : k - 2].value;
            cr_expect(!memcmp(v->data, w->data, sizeof(float) * (size_t)tn_count(v)),
                      "%s: %s", all->name[i], graph_of(&a)->param[k].name);
        }
        cr_expect_eq(tn_updater_penalty(a.trainer->updater),
                     tn_updater_penalty(b.trainer->updater));
        close_run(&a), close_run(&b), close_run(&c);
    }
}

/* No backward pass up to there, no gradients, no slots. */
Test(parameters, what_is_frozen_costs_nothing)
{
    char name[192];
    tn_tensor slot;
    tn_error e = {0};
    run r = open_run(0, net,
                     "optimizer: {ema: {of: adam}}\n"
                     "parameters: [{match: [dense, dense_2.bias], freeze: true}]");
    make_step(&r);
    const tn_plan *plan = r.trainer->plan;
    cr_assert_eq(plan->node[1].backward, -1);
    cr_assert_eq(plan->node[2].backward, -1);
    cr_assert_neq(plan->node[3].backward, -1);
    cr_assert_eq(tn_plan_memory(plan).gradients, sizeof(float) * (20 + 12 + 3));
    int32_t slots = 0;
    for (; tn_updater_slot(r.trainer->updater, slots, name, &slot); slots++)
        cr_assert(!strstr(name, "dense.") && !strstr(name, "dense_2.bias"), "%s", name);
    cr_assert_eq(slots, 3 * 3);
    cr_assert_eq(tn_trainer_gradient(r.trainer, "dense.weight", &slot, &e), TN_ENOTSUP);
    cr_assert(strstr(e.text, "dense.weight") && strstr(e.text, "frozen"), "%s", e.text);
    close_run(&r);
}

/* Networks of every layer that has parameters. */
static const char *const layered[] = {
    "input: [6]\nmodel: [{dense: 5}, batch_norm, prelu, layer_norm, {dense: 3}]\n",
    "input: [6]\nmodel: [{dense: {units: 6, parametrization: weight_norm}}, rms_norm, "
    "{prelu: {per_channel: true}}, {dense: {units: 3, parametrization: "
    "spectral_norm}}]\n",
    "input: [6]\nmodel: [{dense: {units: 5, parametrization: drop_connect}}, {dense: "
    "3}]\n",
    "input: [4, 4, 2]\nmodel: [{conv2d: 4}, relu, {conv2d: {filters: 4, groups: 4, "
    "kernel: "
    "2}}, {group_norm: 2}, flatten, {dense: 3}]\n",
    "input: [4, 4, 2]\nmodel: [{conv2d: {filters: 4, groups: 2}}, instance_norm, "
    "{residual: [{conv2d: {filters: 4, padding: same}}, batch_norm, relu]}, flatten, "
    "{dense: "
    "3}]\n",
    "input: [5, 2]\nmodel: [{conv1d: 4}, {lstm: {units: 3, return_sequences: true, "
    "projection: 2, layer_norm: true}}, {gru: {units: 3, return_sequences: true}}, {rnn: "
    "3}, "
    "{dense: 3}]\n",
    "input: [5, 2]\nmodel: [{lstm: {units: 3, return_sequences: true, direction: "
    "bidirectional}}, {gru: {units: 3, return_sequences: true, layer_norm: true}}, {rnn: "
    "{units: 3, layer_norm: true}}, {dense: 3}]\n",
};

static void check_others(const char *model, const char *rest, const run *all,
                         const char *name)
{
    char rules[300];
    snprintf(rules, sizeof rules,
             "%s\nparameters: [{match: [\"%s\", none], freeze: true}]", rest, name);
    char *none = strstr(rules, ", none");
    memmove(none, none + 6, strlen(none + 6) + 1);
    run r = open_run(1, model, rules);
    look(&r);
    for (int32_t i = 0; i < graph_of(&r)->params; i++) {
        const tn_graph_param *p = &graph_of(&r)->param[i];
        const tn_tensor g = tn_plan_gradient(r.trainer->plan, i),
                        h = tn_plan_gradient(all->trainer->plan, i);
        if (p->rule.frozen)
            cr_expect_null(g.data, "%s", p->name);
        else
            cr_expect(!memcmp(g.data, h.data, sizeof(double) * (size_t)tn_count(&g)),
                      "%s frozen: %s", name, p->name);
    }
    make_step(&r);
    cr_expect(same_values(&r, &r, 0));
    close_run(&r);
}

/* Any one parameter frozen: the gradients of all others are what they were. */
Test(parameters, gradients_do_not_depend_on_what_is_frozen)
{
    static const char *const rest[] = {"optimizer: sgd", "optimizer: sgd\nmemory: low",
                                       "optimizer: sgd\ntrain: {accumulate: 2}"};
    for (size_t m = 0; m < sizeof layered / sizeof *layered; m++)
        for (size_t k = 0; k < sizeof rest / sizeof *rest; k++) {
            run all = open_run(1, layered[m], rest[k]);
            look(&all);
            for (int32_t i = 0; i < graph_of(&all)->params; i++)
                check_others(layered[m], rest[k], &all, graph_of(&all)->param[i].name);
            close_run(&all);
        }
}

/* The gradient of a weight that is made of others goes no further than it is wanted. */
Test(parameters, parts_of_a_parametrized_weight)
{
    static const char model[] = "input: [6]\nmodel: [{dense: {units: 5, bias: false, "
                                "parametrization: weight_norm}}, "
                                "relu, {dense: 3}]\n";
    run r = open_run(0, model,
                     "optimizer: sgd\nparameters: [{match: dense.weight, freeze: true}, "
                     "{match: dense.weight.g, freeze: false}]");
    const tn_graph_param *p = graph_of(&r)->param;
    cr_assert(p[find(&r, "dense.weight")].rule.frozen);
    cr_assert(!p[find(&r, "dense.weight.g")].rule.frozen);
    float before[30], g[5];
    memcpy(before, p[find(&r, "dense.weight")].value.data, sizeof before);
    memcpy(g, p[find(&r, "dense.weight.g")].value.data, sizeof g);
    for (int i = 0; i < STEPS; i++) make_step(&r);
    cr_assert_arr_eq(p[find(&r, "dense.weight")].value.data, before, sizeof before);
    cr_assert(memcmp(p[find(&r, "dense.weight.g")].value.data, g, sizeof g));
    close_run(&r);
    r = open_run(0, model,
                 "optimizer: sgd\nparameters: [{match: dense.weight, freeze: true}]");
    make_step(&r);
    cr_assert_eq(r.trainer->plan->node[1].backward, -1);
    close_run(&r);
}

/* Statistics are no parameters. */
Test(parameters, running_statistics_of_a_frozen_layer_go_on)
{
    run r = open_run(0, "input: [6]\nmodel: [batch_norm, {dense: 3}]\n",
                     "optimizer: sgd\nparameters: [{match: batch_norm, freeze: true}]");
    float before[6];
    memcpy(before, graph_of(&r)->state[0].value.data, sizeof before);
    make_step(&r);
    cr_assert(memcmp(graph_of(&r)->state[0].value.data, before, sizeof before));
    close_run(&r);
}

/* ---- which --------------------------------------------------------------------------- */

Test(parameters, names_patterns_and_their_order)
{
    run r = open_run(0,
                     "input: [6]\nmodel: [{dense: {units: 6, name: a}}, {residual: "
                     "[{dense: {units: 6, "
                     "name: b}}]}, {dense: 6}, {dense: 3}]\n",
                     "optimizer: adam\nparameters:\n"
                     "  - {match: a, lr_factor: 0.5, weight_decay: 0.1}\n"
                     "  - {match: residual, lr: 0.1}\n"
                     "  - {match: [\"*.bias\", \"dense?2\"], lr_factor: 2}\n"
                     "  - {match: dense_2, freeze: true}\n"
                     "  - {match: dense, lr: {cosine: 0.1}}\n");
    static const struct {
        const char *name, *text;
    } want[] = {{"a.weight", "lr x 0.5, decay 0.1"}, {"a.bias", "lr x 2, decay 0.1"},
                {"residual.b.weight", "lr 0.1"},     {"residual.b.bias", "lr x 2"},
                {"dense.weight", "lr cosine"},       {"dense.bias", "lr cosine"},
                {"dense_2.weight", "frozen"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        cr_expect_str_eq(graph_of(&r)->param[find(&r, want[i].name)].rule.text,
                         want[i].text, "%s", want[i].name);
    const tn_model *m = tn_trainer_model(r.trainer);
    cr_expect_str_eq(tn_model_layer(m, 0).training,
                     "weight: lr x 0.5, decay 0.1; bias: lr x 2, decay 0.1");
    cr_expect_str_eq(tn_model_layer(m, 2).training, "-");
    cr_expect_str_eq(tn_model_layer(m, 3).training, "lr cosine");
    cr_expect_str_eq(tn_model_layer(m, 4).training, "frozen");
    cr_expect_eq(tn_model_layer(m, 4).frozen, 21);
    cr_expect_eq(tn_model_layer(m, 3).frozen, 0);
    close_run(&r);
}

/* The section is refused with a message that has all words. */
static void refused(const char *rules, const char *optimizer, const char *word,
                    const char *other)
{
    char rest[600];
    run r;
    tn_error e = {0};
    snprintf(rest, sizeof rest, "parameters: %s\noptimizer: %s", rules, optimizer);
    cr_expect_null(try_open(&r, 0, net, rest, &e), "%s", rules);
    cr_expect(strstr(e.text, "test.yaml:6:") && strstr(e.text, word) &&
                  strstr(e.text, other),
              "%s: %s", rules, e.text);
    close_run(&r);
}

Test(parameters, errors)
{
    refused("{match: dense}", "sgd", "parameters", "a list");
    refused("[dense]", "sgd", "parameters", "match");
    refused("[{lr: 0.1}]", "sgd", "match", "name");
    refused("[{match: , lr: 0.1}]", "sgd", "match", "name");
    refused("[{match: [], lr: 0.1}]", "sgd", "match", "name");
    refused("[{match: [{a: b}], lr: 0.1}]", "sgd", "match", "name");
    refused("[{match: dense, rate: 0.1}]", "sgd", "rate", "lr");
    refused("[{match: dense, lr_factor: 0.1, lr: 0.1}]", "sgd", "lr_factor",
            "one of the two");
    refused("[{match: dense, lr_factor: -1}]", "sgd", "lr_factor", "number from 0");
    refused("[{match: dense, lr_factor: {cosine: 1}}]", "sgd", "lr_factor",
            "number from 0");
    refused("[{match: dense, lr: -1}]", "sgd", "lr", "number from 0 or a schedule");
    refused("[{match: dense, lr: .inf}]", "sgd", "lr", "number from 0");
    refused("[{match: dense, lr: cosin}]", "sgd", "cosin", "cosine");
    refused("[{match: dense, weight_decay: ten}]", "sgd", "ten", "schedule");
    refused("[{match: dense, weight_decay: }]", "sgd", "weight_decay", "number");
    refused("[{match: dense, lr: [0.1]}]", "sgd", "lr", "number from 0 or a schedule");
    refused("[{match: \"\", lr: 1}]", "sgd", "match", "name");
    refused("[{match: dense, freeze: maybe}]", "sgd", "freeze", "true or false");
    refused("[{match: dense, freeze: true, lr: 1}]", "sgd", "frozen", "learning rate");
    refused("[{match: dens_2, lr: 1}]", "sgd", "dens_2", "did you mean 'dense_2'?");
    refused("[{match: [dense, \"dense3.*\"], lr: 1}]", "sgd", "dense3.*", "did you mean");
    refused("[{match: tanh, lr: 1}]", "sgd", "'tanh' matches no parameter",
            "dense.weight");
    refused("[{match: \"*.gamma\", lr: 1}]", "sgd", "*.gamma",
            "dense.weight, dense.bias");
    refused("[{match: dense, weight_decay: 1}]", "toy_unit", "weight_decay", "toy_unit");
    refused("[{match: \"*\", freeze: true}]", "sgd", "frozen", "nothing to train");
}
