/* product_rules.c - a layer that breaks what its flags promise (TN_BY_PRODUCT, TN_WEIGHT_LAST)
 * is told so, by name, and nothing is read or written that is not there. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "core/plan_state.h"
#include "tests/support/running.h"

enum { SAMPLES = 8, INPUTS = 5 };

#define WEIGHT "TN_WEIGHT_LAST"
#define PRODUCT "TN_BY_PRODUCT"

typedef struct rule {
    char way[20], says[40];
    bool whole; /* also where gradients are stored before the update */
} rule;

static rule rules[] = {
    {"early", WEIGHT, false},         {"twice", WEIGHT, false},
    {"halves", WEIGHT, false},        {"turned", WEIGHT, false},
    {"added", WEIGHT, false},         {"forgotten", WEIGHT, false},
    {"summed", "column sums", false}, {"no_input", "one product", true},
    {"input_twice", PRODUCT, true},   {"no_output", PRODUCT, true},
};

static tn_trainer *trainer_of(const char *way, int32_t real, const char *rest)
{
    char text[400];
    tn_error e = {0};
    snprintf(
        text, sizeof text,
        "input: [5]\nprecision: %s\nmodel: [{dense: 4}, relu, {toy_wrong: %s}, tanh, "
        "{dense: 3}]\nloss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n%s\n",
        real ? "double" : "float", way, rest);
    tn_env *env = run_env(2);
    tn_config *c = run_parse(env, text, NULL, 0);
    tn_trainer *t = tn_trainer_new(env, c, NULL, &e);
    cr_assert_not_null(t, "%s", e.text);
    tn_config_free(c);
    tn_updater_take_from(t->updater, 0, 16);
    return t;
}

static tn_status step(tn_trainer *t, tn_error *e)
{
    static const int32_t label[SAMPLES] = {0, 1, 2};
    float x[SAMPLES * INPUTS];
    for (int i = 0; i < SAMPLES * INPUTS; i++) x[i] = (float)(i % 7) - 3;
    return tn_trainer_step(t, x, NULL, label, SAMPLES, NULL, e);
}

static void finish(tn_trainer *t)
{
    tn_env *env = t->env;
    tn_trainer_free(t);
    tn_env_free(env);
}

static const char *const stored[] = {"", "gradient: [clip_norm]",
                                     "gradient: [{clip_value: 1}]\nmemory: low"};

/* The weights after some steps, which are the same in every way that keeps the rules. */
static void train(const char *way, int32_t real, const char *rest, double *weights)
{
    tn_error e = {0};
    tn_trainer *t = trainer_of(way, real, rest);
    for (int k = 0; k < 3; k++) cr_assert_eq(step(t, &e), TN_OK, "%s", e.text);
    for (int32_t p = 0, at = 0; p < t->model->graph->params; p++) {
        const tn_tensor *w = &t->model->graph->param[p].value;
        for (int64_t i = 0; i < tn_count(w); i++, at++)
            weights[at] = real ? ((const double *)w->data)[i]
                               : (double)((const float *)w->data)[i];
    }
    finish(t);
}

Test(product_rules, who_keeps_them_trains)
{
    enum { WEIGHTS = 5 * 4 + 4 + 4 * 6 + 6 * 3 + 3 };
    static const char *const ways[] = {"older", "own"};
    for (int32_t real = 0; real < 2; real++)
        for (int i = 0; i < 3; i++) {
            double want[WEIGHTS], got[WEIGHTS];
            train("sound", real, stored[i], want);
            for (int k = 0; k < 2; k++) {
                train(ways[k], real, stored[i], got);
                for (int q = 0; q < WEIGHTS; q++)
                    cr_assert_float_eq(got[q], want[q], real ? 1e-14 : 1e-6, "%s, %d",
                                       ways[k], q);
            }
        }
}

static void refuses(const rule *r, int32_t real, const char *rest)
{
    tn_error e = {0};
    tn_trainer *t = trainer_of(r->way, real, rest);
    for (int again = 0; again < 2; again++) {
        cr_assert_neq(step(t, &e), TN_OK, "%s: %s", r->way, rest);
        cr_assert(strstr(e.text, "toy_wrong") && strstr(e.text, r->says), "%s: %s",
                  r->way, e.text);
    }
    finish(t);
}

ParameterizedTestParameters(product_rules, who_breaks_one_is_told)
{
    return cr_make_param_array(rule, rules, sizeof rules / sizeof *rules);
}

ParameterizedTest(rule *r, product_rules, who_breaks_one_is_told)
{
    for (int32_t real = 0; real < 2; real++) {
        refuses(r, real, "");
        refuses(r, real, "gradient: [{clip_value: 1}]\nmemory: low");
        if (r->whole) refuses(r, real, "gradient: [clip_norm]");
    }
}
