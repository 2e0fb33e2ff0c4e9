/* courses.h - small nets trained on one batch by any optimizer there is, whose parameters' courses are
 * compared. */
#ifndef TESTS_SUPPORT_COURSES_H
#define TESTS_SUPPORT_COURSES_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan_state.h"
#include "core/trainer.h"
#include "tests/support/opening.h"

#define MUST(call) cr_assert_eq(call, TN_OK, "%s", e.text)

enum { SAMPLES = 7, CLASSES = 3, STEPS = 5 };

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

static bool same_values(const run *a, const run *b, int32_t param)
{
    const tn_tensor *v = &graph_of(a)->param[param].value,
                    *w = &graph_of(b)->param[param].value;
    return !memcmp(v->data, w->data, (size_t)tn_count(v) * tn_dtype_size(v->dtype));
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

#endif
