/* lsuv.c - outputs of every layer have variance 1 on the first batch. */
#include <criterion/criterion.h>
#include <math.h>

#include "core/plan.h"
#include "core/real/unit.h"
#include "tests/support/check.h"
#include "tests/support/kept.h"
#include "tests/support/opening.h"

enum { BATCH = 32, SIDE = 6, CHANNELS = 2, PIXELS = SIDE * SIDE * CHANNELS };

static double x[BATCH * PIXELS];

static double variance_of(const double *y, int64_t n)
{
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) mean += y[i] / (double)n;
    for (int64_t i = 0; i < n; i++) sum += (y[i] - mean) * (y[i] - mean) / (double)n;
    return sum;
}

/* Inputs that no formula expects: large and off centre. */
static tn_graph *calibrated(tn_env *env, const char *model, tn_status status, tn_error *e)
{
    const tn_shape input = {3, {SIDE, SIDE, CHANNELS}};
    const void *const in[] = {x};
    tn_config *config;
    for (int i = 0; i < BATCH * PIXELS; i++)
        x[i] = 20 + 7 * tn_random_normal((tn_key){{1, 2}}, (uint64_t)i);
    tn_graph *g = kept(open_graph(env, model, &input, 1, &config));
    kept(config);
    cr_assert_eq(tn_graph_calibrate(g, in, BATCH, e), status, "%s", e->text);
    return g;
}

/* Variance of the outputs of every node with a weight. */
static void expect_one(tn_graph *g, double tolerance)
{
    const tn_plan_options options = {.samples = BATCH, .keeps = true};
    const tn_pass pass = {.samples = BATCH};
    const void *const in[] = {x};
    tn_plan *plan;
    tn_error e = {0};
    cr_assert_eq(tn_plan_make(g, &options, &plan, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_plan_run(plan, &pass, in, NULL, &e), TN_OK, "%s", e.text);
    for (int32_t p = 0; p < g->params; p += 2) {
        const int32_t node = g->param[p].node;
        const int64_t n = BATCH * tn_shape_count(&g->node[node].spec.out);
        cr_assert_float_eq(variance_of(tn_plan_output(plan, node), n), 1, tolerance, "%s",
                           g->param[p].name);
    }
    tn_plan_free(plan);
}

static const char net[] =
    "[{conv2d: {filters: 6, kernel: [3, 3]}}, sigmoid, {conv2d: {filters: 5, kernel: [3, "
    "3]}}, relu, flatten, {dense: 40}, tanh, {dense: 30}, softplus, {dense: 10}]\ninit: ";

static void outputs_of(const char *init, double tolerance)
{
    char text[500];
    tn_error e = {0};
    snprintf(text, sizeof text, "%s%s", net, init);
    expect_one(calibrated(kept(open_env(NULL, 1)), text, TN_OK, &e), tolerance);
}

Test(lsuv, every_layers_outputs_have_variance_1)
{
    outputs_of("lsuv", 0.1);
    outputs_of("{lsuv: 1e-6}", 1e-6);
}

/* Outputs whose deviation stays 3: a weight is scaled as often as `rounds` says. */
Test(lsuv, rounds)
{
    for (int rounds = 1; rounds < 4; rounds++) {
        char options[30];
        snprintf(options, sizeof options, "{rounds: %d}", rounds);
        const tn_instance *lsuv = check_plugin("initializer", "lsuv", options, 1);
        const tn_initializer *slots = lsuv->vtable;
        const tn_param_info info = {.name = "dense.weight", .parts = 1};
        const tn_shape two = {1, {2}};
        double y[] = {-2, 4}, value[] = {27, -54};
        const tn_tensor out = tn_tensor_over(&two, -1, 1, y);
        tn_tensor w = tn_tensor_over(&two, -1, 1, value);
        int32_t again = 1, round = 0;
        for (; again && round < 9; round++)
            cr_assert_eq(slots->calibrate(lsuv->self, check_call(), &info, round, &out,
                                          &w, &again),
                         TN_OK);
        cr_assert_eq(round, rounds + 1, "the last round only looks");
        cr_assert_eq(value[0] * pow(3, rounds), 27);
        cr_assert_eq(value[1] * pow(3, rounds), -54);
    }
}

/* Only scaled: rows or columns of the last layer's weight are still orthogonal. */
Test(lsuv, weights_stay_orthogonal)
{
    char text[500];
    tn_error e = {0};
    snprintf(text, sizeof text, "%slsuv", net);
    const tn_graph *g = calibrated(kept(open_env(NULL, 1)), text, TN_OK, &e);
    const double *w = g->param[g->params - 2].value.data;
    double length = 0;
    for (int j = 0; j < 30; j++) length += w[j] * w[j];
    for (int i = 0; i < 10; i++)
        for (int k = 0; k <= i; k++) {
            double product = 0;
            for (int j = 0; j < 30; j++) product += w[30 * i + j] * w[30 * k + j];
            cr_assert_float_eq(product, i == k ? length : 0, 1e-12 * (1 + length));
        }
}

Test(lsuv, outputs_that_do_not_vary_are_an_error)
{
    tn_error e = {0};
    calibrated(kept(open_env(NULL, 1)),
               "[flatten, {dense: {units: 4, init: zeros}}, {dense: 3}]\ninit: lsuv",
               TN_ENUMERIC, &e);
    cr_assert_not_null(strstr(e.text, "variance 0"), "%s", e.text);
}
