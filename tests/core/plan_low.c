/* plan_low.c - `memory: low`: values that are made again are the same bits, wherever the forward
 * pass is cut; less memory is taken; nothing else of a run changes. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <string.h>

#include "core/plan_state.h"
#include "tests/support/rounds.h"
#include "tests/support/running.h"

#define MUST(call) cr_assert_eq(call, TN_OK, "%s", e.text)

enum { STEPS = 3, SAMPLES = 21, MOST_INPUTS = 120 };

typedef struct net {
    char text[900];
    bool whole; /* nothing in it can be made again */
} net;

#define SGD "\noptimizer: {sgd: {lr: 0.1}}"
#define MOMENTUM "\noptimizer: {sgd: {lr: 0.1, momentum: 0.9}}"
#define RESIDUAL "{residual: [{dense: {units: 9, bias: false}}, batch_norm, relu]}"

static net nets[] = {
    {"input: [5]\nmodel: [{dense: 9}, relu, {dropout: 0.4}, {dense: 300}, sigmoid, "
     "{dropout: "
     "0.3}, {dense: 8}, tanh, {dense: 7}, relu, {dropout: 0.2}, {dense: 3}]" SGD,
     false},
    {"input: [5]\nmodel: [{dense: 9}, " RESIDUAL ", " RESIDUAL ", " RESIDUAL
     ", {dense: 3}]" MOMENTUM,
     false},
    {"input: [5]\nmodel: [{dense: 9}, {residual: [{residual: [{dense: 9}, tanh]}, "
     "batch_norm, "
     "{dense: 9}]}, relu, {dense: 3}]" SGD,
     false},
    {"input: [5]\nmodel: [{dense: 9}, sigmoid, {dropout: 0.3}, {dense: 9}, tanh, "
     "{dropout: "
     "0.2}, {dense: 9}, sigmoid, {dropout: 0.3}, {dense: 9}, tanh, sigmoid, {dense: "
     "3}]" SGD,
     false},
    /* windows, views */
    {"input: [7, 5]\nmodel: [{dense: 4}, relu, {toy_max_pool: {size: 3, stride: 2}}, "
     "relu, "
     "flatten, {dropout: 0.2}, {dense: 6}, sigmoid, {dense: 3}]" SGD,
     false},
    {"input: [8, 5]\nmodel: [{dense: 4}, tanh, noisy_pool, batch_norm, "
     "flatten, "
     "{dense: 6}, relu, {dense: 3}]" MOMENTUM,
     false},
    /* several readers, orders of inputs */
    {"input: [5]\nmodel: [{dense: {units: 9, name: a}}, relu, {dense: {units: 9, name: "
     "b}}, "
     "sigmoid, {product: {inputs: [relu, sigmoid]}}, tanh, {dense: 7}, relu, {dense: "
     "3}]" SGD,
     false},
    {"input: [5]\nmodel: [{dense: {units: 9, name: a}}, sigmoid, {product: {inputs: "
     "[sigmoid, "
     "a]}}, relu, {dense: 6}, tanh, {product: {inputs: [tanh, tanh]}}, {dense: 3}]" SGD,
     false},
    {"input: [5]\nmodel: [{dense: {units: 9, name: a}}, relu, {dense: {units: 9, name: "
     "b}}, "
     "tanh, {dense: 9}, "
     "sigmoid, "
     "{product: {inputs: [sigmoid, a]}}, {product: {inputs: [product, relu]}}, {dense: "
     "3}]" SGD,
     false},
    /* a cache, parameters and statistics of other kinds, classes in between */
    {"input: [3, 5]\nmodel: [{dense: 9}, relu, running_sum, tanh, {dense: 6}, "
     "running_sum, "
     "centre_row, {dense: 4}, scale_sample, relu, flatten, {dense: 3}]" SGD,
     false},
    {"input: [5]\nmodel: [{dense: 9}, scale, softmax, slope, {dense: 300}, toy_rms_norm, "
     "tanh, "
     "{dense: 6}, centre_column, centre_tensor, relu, {dense: 3}]" SGD,
     false},
    {"input: [5]\nmodel: [{dropout: 0.3}, relu, {dense: 9}, relu, {toy_linear: {units: "
     "7, "
     "way: columns}}, tanh, {dense: 8}, relu, {dense: 3}]" SGD,
     false},
    {"input: [5]\nmodel: [{dense: {units: 9, parametrization: weight_norm}}, relu, "
     "{dense: "
     "{units: 8, parametrization: toy_count}}, relu, {dense: {units: 8, parametrization: "
     "weight_norm}}, tanh, {dense: 3}]" MOMENTUM,
     false},
    /* updates of other kinds */
    {"input: [5]\nmodel: [{dense: 9}, batch_norm, relu, {dropout: 0.2}, {dense: 9}, "
     "batch_norm, "
     "relu, {dense: 3}]\noptimizer: {adam: {lr: 0.01}}\ngradient: [{clip_norm: 0.1}]\n"
     "regularizer: {l1: 0.001}",
     false},
    {"input: [5]\nmodel: [{dense: 9}, relu, {dropout: 0.2}, {dense: 8}, batch_norm, "
     "relu, "
     "{dense: 3}]\noptimizer: {toy_sam: {rho: 0.1, lr: 0.05}}",
     false},
    {"input: [5]\nmodel: [{dense: 3}]" SGD, true},
    {"input: [5]\nmodel: [flatten, {dense: 3}, relu]" SGD, true},
};

#define COUNT (sizeof nets / sizeof *nets)

/* ---- steps --------------------------------------------------------------------------- */

typedef struct run {
    tn_env *env;
    tn_trainer *trainer;
    float x[STEPS][SAMPLES * MOST_INPUTS];
    int32_t label[SAMPLES];
    double loss[STEPS];
} run;

static void open_run(run *r, const char *text, const char *memory, int real,
                     int32_t threads)
{
    static char config[12000];
    tn_error e = {0};
    const tn_key key = {{1, 2}};
    snprintf(config, sizeof config,
             "seed: 3\nprecision: %s\nmemory: %s\nloss: "
             "cross_entropy\n%s\n",
             real ? "double" : "float", memory, text);
    r->env = run_env(threads);
    tn_config *c = run_parse(r->env, config, NULL, 0);
    r->trainer = tn_trainer_new(r->env, c, NULL, &e);
    cr_assert_not_null(r->trainer, "%s: %s", text, e.text);
    kept(r->trainer);
    tn_config_free(c);
    /* weights of any size are updated by the product of their gradient */
    tn_updater_take_from(r->trainer->updater, 0, 16);
    for (int s = 0; s < STEPS; s++)
        for (int i = 0; i < SAMPLES * MOST_INPUTS; i++)
            r->x[s][i] = (float)tn_random_normal(
                key, (uint64_t)(s * SAMPLES * MOST_INPUTS + i));
    for (int i = 0; i < SAMPLES; i++) r->label[i] = i % 3;
}

static void close_run(run *r)
{
    tn_trainer_free(r->trainer);
    tn_env_free(r->env);
}

/* Another batch each time, so that what is left over from the last one is found out. */
static void make_steps(run *r)
{
    tn_error e = {0};
    for (int s = 0; s < STEPS; s++)
        MUST(tn_trainer_step(r->trainer, r->x[s], NULL, r->label, SAMPLES, &r->loss[s],
                             &e));
}

/* Parameters and states. */
static void same_model(const tn_model *a, const tn_model *b, const char *what)
{
    const char *name;
    tn_tensor v, w;
    for (int32_t i = 0; tn_model_part(a, i, &name, &v); i++) {
        cr_assert(tn_model_part(b, i, &name, &w));
        cr_assert_eq(
            memcmp(v.data, w.data, (size_t)tn_count(&v) * tn_dtype_size(v.dtype)), 0,
            "%s: %s differs", what, name);
    }
}

static void same_run(const run *a, const run *b, const char *what)
{
    same_model(a->trainer->model, b->trainer->model, what);
    cr_assert_arr_eq(a->loss, b->loss, sizeof a->loss, "%s", what);
}

/* ---- cuts ---------------------------------------------------------------------------- */

static tn_plan_options options_of(const run *r)
{
    return (tn_plan_options){.samples = SAMPLES,
                             .training = true,
                             .low = true,
                             .unstored = tn_updater_takes(r->trainer->updater)};
}

/* What the run has to save, and with a `room` a plan that fits into it. */
static int64_t give_plan(run *r, int64_t room, bool apart)
{
    tn_error e = {0};
    tn_plan_options options = options_of(r);
    options.apart = apart;
    tn_plan_free(r->trainer->plan);
    MUST(tn_plan_make_within(r->trainer->model->graph, &options, room, &r->trainer->plan,
                             &e));
    r->trainer->plan_samples = SAMPLES;
    return r->trainer->plan->saved;
}

static int32_t replays(const tn_plan *p)
{
    int32_t n = 0;
    for (int32_t i = 0; i < tn_plan_groups(p); i++)
        n += tn_plan_pass_of(p, i) == TN_PASS_AGAIN;
    return n;
}

static void compare_cuts(const net *n, int real, int32_t threads, const run *normal)
{
    static run low;
    int32_t most = 0;
    open_run(&low, n->text, "low", real, threads);
    const int64_t saved = give_plan(&low, INT64_MAX, false);
    cr_assert_eq(replays(low.trainer->plan), 0);
    close_run(&low);
    const int64_t parts = test_rounds(5, 60);
    for (int64_t part = 1; part <= parts; part++) {
        open_run(&low, n->text, "low", real, threads);
        give_plan(&low, part == 1 ? 1 : saved * part / (parts + 1) + 1, part % 3 == 0);
        const int32_t again = replays(low.trainer->plan);
        most = again > most ? again : most;
        make_steps(&low);
        same_run(&low, normal, n->text);
        close_run(&low);
    }
    cr_assert_eq(most == 0, n->whole, "%s: %d groups run again", n->text, most);
}

ParameterizedTestParameters(plan_low, same_bits_wherever_it_is_cut)
{
    return cr_make_param_array(net, nets, COUNT);
}

ParameterizedTest(net *n, plan_low, same_bits_wherever_it_is_cut)
{
    static run normal;
    for (int real = 0; real < 2; real++) {
        open_run(&normal, n->text, "normal", real, 1);
        make_steps(&normal);
        for (int32_t threads = 1; threads <= 2; threads++)
            compare_cuts(n, real, threads, &normal);
        close_run(&normal);
    }
}

ParameterizedTestParameters(plan_low, same_bits_as_chosen)
{
    return cr_make_param_array(net, nets, COUNT);
}

ParameterizedTest(net *n, plan_low, same_bits_as_chosen)
{
    static run normal, low;
    for (int real = 0; real < 2; real++) {
        open_run(&normal, n->text, "normal", real, 2);
        open_run(&low, n->text, "low", real, 2);
        make_steps(&normal), make_steps(&low);
        same_run(&low, &normal, n->text);
        const tn_plan_size a = tn_plan_memory(low.trainer->plan),
                           b = tn_plan_memory(normal.trainer->plan);
        cr_assert(a.shared <= b.shared && a.gradients == b.gradients, "%s", n->text);
        cr_assert((double)a.shared <= 1.1 * (double)a.least, "%s: %zu of %zu", n->text,
                  a.shared, a.least);
        close_run(&normal), close_run(&low);
    }
}

/* ---- memory -------------------------------------------------------------------------- */

typedef struct deep {
    char text[200], repeated[100];
    int32_t times;
    double most; /* of what `normal` takes */
} deep;

static deep deeps[] = {
    {"input: [64]\nmodel: [{dense: 64}, relu, %s{dense: 3}]" SGD, "{dense: 64}, relu, ",
     9, 0.51},
    {"input: [64]\nmodel: [{dense: 64}, relu, %s{dense: 3}]" SGD, "{dense: 64}, relu, ",
     99, 0.17},
    {"input: [64]\nmodel: [{dense: 64}, %s{dense: 3}]" SGD,
     "{dense: 64}, sigmoid, {dropout: 0.5}, ", 20, 0.29},
    {"input: [64]\nmodel: [{dense: 64}, %s{dense: 3}]" MOMENTUM,
     "{residual: [{dense: {units: 64, bias: false}}, batch_norm, relu]}, ", 20, 0.28},
};

static tn_plan_size size_of(const run *r, bool low)
{
    tn_plan *plan;
    tn_error e = {0};
    const tn_plan_options options = {
        .samples = 1000, .training = true, .low = low, .measures = true};
    MUST(tn_plan_make(r->trainer->model->graph, &options, &plan, &e));
    const tn_plan_size size = tn_plan_memory(plan);
    tn_plan_free(plan);
    return size;
}

ParameterizedTestParameters(plan_low, deep_networks_take_little)
{
    return cr_make_param_array(deep, deeps, sizeof deeps / sizeof *deeps);
}

ParameterizedTest(deep *d, plan_low, deep_networks_take_little)
{
    static run r;
    static char middle[10000], text[11000];
    middle[0] = 0;
    for (int32_t i = 0; i < d->times; i++) strcat(middle, d->repeated);
    snprintf(text, sizeof text, d->text, middle);
    open_run(&r, text, "low", 0, 1);
    const tn_plan_size low = size_of(&r, true), normal = size_of(&r, false);
    const double share = (double)low.shared / (double)normal.shared;
    cr_assert_leq(share, d->most, "%s x %d: %g", d->repeated, d->times, share);
    cr_assert((double)low.shared <= 1.1 * (double)low.least, "%zu of %zu", low.shared,
              low.least);
    close_run(&r);
}

/* With nothing to gain, and where values are all looked at, it is the plan that is usual. */
Test(plan_low, what_saves_nothing_is_not_done)
{
    static run r;
    tn_plan *plan;
    tn_error e = {0};
    open_run(&r, "input: [64]\nmodel: [{dense: 64}, relu, {dense: 3}]" SGD, "low", 0, 1);
    const tn_plan_size low = size_of(&r, true), normal = size_of(&r, false);
    cr_assert(low.shared == normal.shared && low.apart == normal.apart);
    tn_plan_options options = {
        .samples = 8, .training = true, .low = true, .keeps = true};
    MUST(tn_plan_make(r.trainer->model->graph, &options, &plan, &e));
    cr_assert_eq(replays(plan), 0);
    tn_plan_free(plan);
    options.keeps = options.training = false;
    MUST(tn_plan_make(r.trainer->model->graph, &options, &plan, &e));
    cr_assert_eq(replays(plan), 0);
    tn_plan_free(plan);
    close_run(&r);
}

static const char six_layers[] = "input: [6]\nmodel: [{dense: 12}, relu, {dense: 12}, "
                                 "relu, {dense: 12}, relu, {dense: "
                                 "12}, relu, {dense: 12}, relu, {dense: 3}]" SGD;

/* ---- runs ---------------------------------------------------------------------------- */

#define DEEP                                                                     \
    "model=[{dense: 12}, batch_norm, relu, {dropout: 0.2}, {dense: 12}, relu, {" \
    "dense: 12}, batch_norm, relu, {dense: 12}, tanh, {dense: 12}, relu, {dense: 3}]"

static tn_trainer *trained(tn_env *env, const char *memory, const char *more)
{
    tn_error e = {0};
    tn_trainer *t = run_new(env, (const char *const[]){DEEP, memory, more, NULL}, NULL,
                            &e);
    cr_assert_not_null(t, "%s", e.text);
    MUST(tn_trainer_run(t, &e));
    return t;
}

/* With validation after each epoch. */
Test(plan_low, runs_end_with_the_same_model)
{
    static const char *const more[] = {"train.accumulate=3",
                                       "gradient=[{clip_norm: 0.1}]", "precision=double",
                                       "optimizer={adam: {lr: 0.01}}"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        tn_trainer *normal = trained(run_env(1), "memory=normal", more[i]);
        tn_trainer *low = trained(run_env(2), "memory=low", more[i]);
        cr_assert_gt(replays(low->plan), 0);
        cr_assert_lt(tn_plan_memory(low->plan).shared,
                     tn_plan_memory(normal->plan).shared);
        same_model(normal->model, low->model, more[i]);
        cr_assert(normal->validates && normal->monitored == low->monitored);
    }
}

/* The bits are the same, so a run may go on with the other. */
Test(plan_low, a_run_may_go_on_with_the_other)
{
    tn_error e = {0};
    const char *dir = test_folder();
    const char *const normal[] = {DEEP, "memory=normal", NULL};
    const char *const low[] = {DEEP, "memory=low", NULL};
    tn_env *env = run_env(1);
    tn_trainer *whole = trained(env, "memory=normal", NULL);
    tn_trainer *begun = run_new(env, normal, &(tn_train_options){.run_dir = dir}, &e);
    cr_assert_not_null(begun, "%s", e.text);
    tn_trainer_cancel(begun);
    cr_assert_eq(tn_trainer_run(begun, &e), TN_ECANCELED, "%s", e.text);
    tn_trainer_free(begun);
    tn_trainer *rest = run_new(env, low, &(tn_train_options){.resume = dir}, &e);
    cr_assert_not_null(rest, "%s", e.text);
    MUST(tn_trainer_run(rest, &e));
    cr_assert(rest->place.step == whole->place.step && replays(rest->plan) > 0);
    same_model(whole->model, rest->model, "resumed");
    tn_trainer_free(rest);
}

Test(plan_low, a_steady_step_allocates_nothing)
{
    static run r;
    open_run(&r, six_layers, "low", 0, 2);
    make_steps(&r);
    const long long before = atomic_load(&r.env->memory.calls);
    make_steps(&r);
    cr_assert_eq(atomic_load(&r.env->memory.calls), before);
    cr_assert_gt(replays(r.trainer->plan), 0);
    close_run(&r);
}

/* Gradients may be looked at, and stored for the first time, before they are applied. */
Test(plan_low, gradients_can_be_read)
{
    static run normal, low;
    tn_error e = {0};
    tn_tensor a, b;
    open_run(&normal, nets[1].text, "normal", 1, 1);
    open_run(&low, nets[1].text, "low", 1, 1);
    make_steps(&normal), make_steps(&low);
    for (run *r = &normal; r; r = r == &normal ? &low : NULL) {
        MUST(
            tn_trainer_gradients(r->trainer, r->x[0], NULL, r->label, SAMPLES, NULL, &e));
    }
    const tn_graph *g = low.trainer->model->graph;
    for (int32_t i = 0; i < g->params; i++) {
        MUST(tn_trainer_gradient(normal.trainer, g->param[i].name, &a, &e));
        MUST(tn_trainer_gradient(low.trainer, g->param[i].name, &b, &e));
        cr_assert_arr_eq(a.data, b.data, (size_t)tn_count(&a) * sizeof(double), "%s",
                         g->param[i].name);
    }
    MUST(tn_trainer_apply(normal.trainer, &e));
    MUST(tn_trainer_apply(low.trainer, &e));
    make_steps(&normal), make_steps(&low);
    same_run(&low, &normal, "after gradients were read");
    close_run(&normal), close_run(&low);
}

Test(plan_low, the_layer_where_nan_first_appears_is_found)
{
    static run r;
    tn_error e = {0};
    open_run(&r, nets[0].text, "low", 0, 1);
    make_steps(&r);
    ((float *)r.trainer->model->graph->param[2].value.data)[1] = NAN;
    cr_assert_neq(tn_trainer_step(r.trainer, r.x[0], NULL, r.label, SAMPLES, NULL, &e),
                  TN_OK);
    cr_assert_not_null(strstr(e.text, "dense_2"), "%s", e.text);
    close_run(&r);
}

/* ---- what is told -------------------------------------------------------------------- */

Test(plan_low, a_profile_shows_what_runs_again)
{
    static run r;
    tn_error e = {0};
    tn_profile p;
    double again = 0, forward = 0;
    int32_t parts = 0;
    open_run(
        &r,
        "input: [6]\nmodel: [{dense: 12}, relu, {dense: 12}, relu, {dense: 12}, relu, "
        "{dense: 12}, relu, {dense: 12}, relu, {dense: 3}]" SGD,
        "low", 0, 1);
    MUST(tn_trainer_profile(r.trainer, SAMPLES, 5, &p, &e));
    for (int32_t i = 0; i < p.costs; i++) {
        const tn_cost *c = &p.cost[i];
        const bool is = !strcmp(c->part, "again");
        parts += is;
        if (is) again += c->operations;
        if (!strcmp(c->part, "forward")) forward += c->operations;
        if (is) cr_assert(c->seconds > 0 && c->bytes > 0, "%s", c->name);
        if (is) cr_assert_not_null(strstr(c->name, " + relu"), "%s", c->name);
    }
    cr_assert_eq(parts, replays(r.trainer->plan));
    cr_assert(again > 0 && again < forward, "%g of %g", again, forward);
    close_run(&r);
}

static void refused(const char *set, const char *says)
{
    tn_error e = {0};
    cr_assert_null(run_new(run_env(1), (const char *const[]){set, NULL}, NULL, &e));
    cr_assert_not_null(strstr(e.text, says), "%s", e.text);
}

Test(plan_low, another_word_is_refused)
{
    tn_error e = {0};
    refused("memory=tiny", "memory: expected normal or low, got 'tiny'");
    refused("memory=[low]", "memory: expected normal or low");
    tn_config *c = run_parse(run_env(1),
                             "input: [4]\nmodel: [{dense: 2}]\nmemory: tiny\nloss: "
                             "mse\noptimizer: sgd\n",
                             NULL, 0);
    cr_assert_null(tn_trainer_new(kept(run_env(1)), c, NULL, &e));
    cr_assert_not_null(strstr(e.text, "net.yaml:3:1: memory: "), "%s", e.text);
    tn_config_free(c);
}
