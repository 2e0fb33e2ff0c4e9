/* plan_group.c - layers that run together give the bits that they give one by one, whatever the
 * backend's blocks and the number of threads, with memory shared or kept apart. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "core/graph_build.h"
#include "core/plan_state.h"
#include "tests/support/check.h"
#include "tests/support/opening.h"
#include "tests/support/rounds.h"

typedef struct net {
    char model[300];
    tn_shape input;
    int32_t forwards, backwards; /* groups */
} net;

/* 21 samples, and 700, which are several chunks; with all rounds other numbers, too. */
static net nets[] = {
    {"[{dense: 9}, relu, {dropout: 0.4}, {dense: 7}, sigmoid, {dropout: 0.3}, {dense: "
     "3}]",
     {1, {5}},
     3,
     3},
    {"[{dense: 40}, tanh, {dense: 300}, relu, {dropout: 0.5}, {dense: 3}]",
     {1, {5}},
     3,
     3},
    /* per-column parameters ride forward only */
    {"[{dense: 9}, scale, relu, {dense: 3}]", {1, {5}}, 2, 3},
    {"[{dense: 9}, relu, slope, {dense: 3}]", {2, {3, 5}}, 2, 3},
    {"[scale, scale, slope, {dense: 4}, tanh, relu]", {1, {5}}, 2, 3},
    {"[{dense: 300}, scale, relu, {dense: 600}, scale, {dense: 3}]", {1, {5}}, 3, 5},
    /* rows ride as long as they are narrow */
    {"[{dense: 300}, relu, softmax, sigmoid, {dense: 20}, softmax, sigmoid]",
     {1, {5}},
     3,
     4},
    /* statistics head groups */
    {"[{dense: 9}, batch_norm, relu, {dropout: 0.2}, {dense: 3}]", {1, {5}}, 3, 3},
    {"[{dense: 9}, softmax, sigmoid, {dense: 6}, relu, toy_rms_norm, tanh]",
     {1, {5}},
     2,
     3},
    {"[{dense: 9}, centre_row, relu, centre_tensor, tanh, {dense: 3}]",
     {2, {3, 5}},
     4,
     4},
    {"[{dense: 9}, scale_sample, relu, {dense: 3}]", {2, {3, 5}}, 4, 3},
    /* several inputs and consumers */
    {"[{dense: 9}, {residual: [{dense: 9}, batch_norm, relu]}, {residual: [{dense: 9}, "
     "tanh]}, {dense: 3}]",
     {1, {5}},
     5,
     5},
    {"[{dense: {units: 9, name: a}}, relu, {dense: {units: 9, name: b}}, sigmoid, "
     "{product: {inputs: [relu, sigmoid]}}, tanh, {dense: 3}]",
     {1, {5}},
     3,
     3},
    {"[{dense: 9}, tanh, {product: {inputs: [tanh, tanh]}}, relu, {dense: 3}]",
     {1, {5}},
     3,
     2},
    {"[{residual: [{residual: [{dense: 5}, tanh]}, batch_norm]}, {dense: 3}]",
     {1, {5}},
     3,
     3},
    {"[{dense: {units: 9, name: a}}, relu, {product: {inputs: [a, relu]}}, {dense: 3}]",
     {1, {5}},
     3,
     2},
    {"[{dense: {units: 9, name: a}}, sigmoid, {product: {inputs: [sigmoid, a]}}, relu]",
     {1, {5}},
     2,
     2},
    /* whole layers stand alone, on windows gradients ride; views change the width */
    {"[{dense: 9}, relu, running_sum, tanh, {dense: 3}]", {2, {3, 5}}, 4, 4},
    {"[{dense: 4}, relu, {toy_max_pool: {size: 3, stride: 2}}, relu, flatten, {dropout: "
     "0.2}, "
     "{dense: 3}, sigmoid]",
     {2, {7, 5}},
     5,
     5},
    {"[{dense: 4}, relu, {dropout: 0.3}, {max_pool: {kernel: 3, stride: 2}}, slope, "
     "softmax, "
     "{avg_pool: {kernel: 2, stride: 1}}, flatten, {dense: 3}]",
     {2, {7, 5}},
     5,
     5},
    {"[{dense: 4}, tanh, {parallel: {branches: [[{max_pool: {kernel: 2, padding: "
     "same}}], "
     "[{avg_pool: {kernel: 2, padding: same}}]]}}, flatten, {dense: 3}]",
     {2, {7, 5}},
     5,
     5},
    /* windows ride on a product where lines are their own, and end the group */
    {"[{conv2d: {filters: 4, kernel: 3, padding: same}}, relu, max_pool, relu, {conv2d: "
     "{filters: "
     "40, kernel: 3, padding: same}}, {avg_pool: {kernel: [2, 3], stride: [2, 1]}}, "
     "flatten, "
     "{dense: 3}]",
     {3, {12, 8, 2}},
     4,
     5},
    {"[{conv1d: {filters: 5, kernel: 3}}, max_pool, {conv1d: {filters: 4, kernel: 2}}, "
     "tanh, "
     "{max_pool: {kernel: 3, stride: 2}}, {conv1d: {filters: 4, kernel: 2}}, {max_pool: "
     "{kernel: "
     "2, padding: same}}, flatten, {dense: 3}]",
     {2, {30, 2}},
     6,
     7},
    /* products written in other ways */
    {"[{toy_linear: 9}, relu, {toy_linear: 3}, {dropout: 0.1}]", {1, {5}}, 2, 3},
    {"[{toy_linear: {units: 9, way: columns}}, relu, {toy_linear: {units: 3, way: "
     "columns}}, tanh]",
     {1, {5}},
     2,
     3},
    {"[{dense: {units: 9, parametrization: weight_norm}}, relu, {dense: 3}]",
     {1, {5}},
     2,
     2},
};

#define COUNT (sizeof nets / sizeof *nets)

/* ---- running ------------------------------------------------------------------------- */

typedef struct lab {
    tn_env *env;
    tn_config *config;
    tn_graph *graph;
    tn_instance *loss;
    double *x, *target;
    int64_t samples, outputs;
} lab;

/* What a pass leaves: loss, output, gradients of all parameters. */
typedef struct result {
    unsigned char *at;
    size_t bytes, room;
} result;

static void keep(result *r, const void *from, size_t bytes)
{
    if (r->bytes + bytes > r->room) {
        r->room = 2 * (r->bytes + bytes);
        r->at = realloc(r->at, r->room);
    }
    memcpy(r->at + r->bytes, from, bytes);
    r->bytes += bytes;
}

static double *random_reals(int64_t n, uint32_t seed, int32_t real)
{
    double *x = calloc((size_t)n, sizeof *x), *y = calloc((size_t)n, sizeof *y);
    check_random(x, n, seed);
    for (int64_t i = 0; i < n; i++)
        if (real)
            y[i] = x[i];
        else
            ((float *)y)[i] = (float)x[i];
    free(x);
    return y;
}

static lab make_lab(const net *n, const char *backend, int32_t threads, int32_t real,
                    int64_t samples)
{
    tn_error e = {0};
    lab l = {.env = open_env(backend, threads), .samples = samples};
    l.graph = open_graph(l.env, n->model, &n->input, real, &l.config);
    cr_assert_eq(tn_instance_named(l.env, "loss", "linear", NULL, real, &l.loss, &e),
                 TN_OK, "%s", e.text);
    l.outputs = tn_shape_count(tn_graph_output(l.graph));
    l.x = random_reals(samples * tn_shape_count(&n->input), 3, real);
    l.target = random_reals(samples * l.outputs, 4, real);
    return l;
}

static void free_lab(lab *l)
{
    free(l->x);
    free(l->target);
    tn_instance_free(l->loss);
    tn_graph_free(l->graph);
    tn_config_free(l->config);
    tn_env_free(l->env);
}

static void run_plan(lab *l, tn_plan *plan, bool training, result *r)
{
    tn_error e = {0};
    const void *y;
    double value, weight;
    const size_t size = l->graph->real ? 8 : 4;
    const tn_field target = {.width = l->outputs, .real = l->target};
    const tn_pass pass = {.samples = l->samples, .step = 5, .training = training};
    tn_status status = tn_plan_forward(plan, &pass, l->x, &y, &e);
    if (!status) keep(r, y, (size_t)(l->samples * l->outputs) * size);
    if (!status)
        status = tn_plan_loss(plan, &pass, l->loss, &target, NULL, 0, training, &value,
                              &weight, &e);
    if (!status) keep(r, &value, sizeof value);
    if (!status && training) status = tn_plan_backward(plan, &pass, false, &e);
    cr_assert_eq(status, TN_OK, "%s", e.text);
    for (int32_t i = 0; training && i < l->graph->params; i++) {
        const tn_tensor g = tn_plan_gradient(plan, i);
        keep(r, g.data, (size_t)tn_count(&g) * size);
    }
}

/* Two passes of one plan, so that what the first leaves in the memory is met. */
static result run(lab *l, tn_plan_options options)
{
    tn_plan *plan;
    tn_error e = {0};
    result r = {0};
    options.samples = l->samples;
    cr_assert_eq(tn_plan_make(l->graph, &options, &plan, &e), TN_OK, "%s", e.text);
    run_plan(l, plan, options.training, &r);
    r.bytes = 0;
    run_plan(l, plan, options.training, &r);
    tn_plan_free(plan);
    return r;
}

static void same(const result *a, result b, const char *what)
{
    cr_assert(a->bytes == b.bytes && !memcmp(a->at, b.at, a->bytes), "%s", what);
    free(b.at);
}

/* Whether layers are part of products, where values are not kept: then bits differ. */
static bool folds(lab *l, const tn_plan_options *options)
{
    tn_plan_options measuring = *options;
    tn_plan *plan;
    tn_error e = {0};
    bool any = false;
    measuring.samples = l->samples;
    cr_assert_eq(tn_plan_make(l->graph, &measuring, &plan, &e), TN_OK, "%s", e.text);
    for (int32_t i = 0; i < l->graph->nodes; i++) any = any || plan->node[i].unit.fold;
    tn_plan_free(plan);
    return any;
}

/* All ways to run it; the result of one. */
static result compare(lab *l, bool training)
{
    const tn_plan_options plain = {.training = training};
    const tn_plan_options apart = {.training = training, .apart = true};
    const tn_plan_options kept = {.training = training, .keeps = true};
    const tn_plan_options slow = {.training = training, .keeps = true, .apart = true};
    const result r = run(l, plain), k = run(l, kept);
    same(&r, run(l, apart), "fused and apart differ");
    same(&k, run(l, slow), "fused and apart differ, values being kept");
    cr_assert(!folds(l, &kept));
    same(folds(l, &plain) ? &k : &r, k, "with memory shared or not differ");
    return r;
}

/* ---- tests --------------------------------------------------------------------------- */

ParameterizedTestParameters(plan_group, fused_and_apart)
{
    return cr_make_param_array(net, nets, COUNT);
}

ParameterizedTest(net *n, plan_group, fused_and_apart)
{
    static const int64_t sizes[] = {21, 21, 21, 21, 700, 1,   2,
                                    3,  7,  64, 65, 129, 257, 1030};
    for (int32_t i = 0; i < test_rounds(5, sizeof sizes / sizeof *sizes); i++) {
        const bool training = i & 1 || i == 4;
        const int32_t real = (i & 2) != 0;
        const int64_t samples = sizes[i];
        lab one = make_lab(n, "blis", 1, real, samples);
        const result r = compare(&one, training);
        lab four = make_lab(n, "blis", 4, real, samples);
        same(&r, compare(&four, training), "1 and 4 threads differ");
        free(r.at);
        free_lab(&one);
        free_lab(&four);
    }
}

/* Samples so large that groups run portion by portion. */
static const net images[] = {
    {"[{conv2d: {filters: 8, padding: same}}, relu, {max_pool: 2}, {conv2d: 16}, tanh, "
     "{dropout: 0.3}, {max_pool: 2}, flatten, {dense: 3}]",
     {3, {64, 64, 3}},
     6,
     0},
    {"[{residual: [{conv2d: {filters: 8, padding: same}}, relu, {conv2d: {filters: 8, "
     "padding: same}}]}, relu, {residual: [{layer_norm: {}}, {conv2d: {filters: 8, "
     "padding: same}}]}, {max_pool: 4}, flatten, {dense: 3}]",
     {3, {64, 64, 8}},
     7,
     0},
    {"[{conv2d: {filters: 8, padding: same}}, batch_norm, relu, {max_pool: 2}, {conv2d: "
     "{filters: 8, groups: 4}}, flatten, {dense: 3}]",
     {3, {64, 64, 8}},
     5,
     0},
    {"[{conv2d: {filters: 8, padding: same}}, relu, {max_pool: 2}, {group_norm: 4}, "
     "{conv2d: 8}, instance_norm, relu, {upsample: 2}, flatten, {dense: 3}]",
     {3, {64, 64, 8}},
     8,
     0},
    {"[relu, {dropout: 0.2}, {max_pool: 3}, {parallel: {branches: [[{conv2d: {filters: "
     "8, padding: same}}], [{conv2d: {filters: 8, kernel: 1}}]]}}, flatten, {dense: 3}]",
     {3, {64, 64, 8}},
     5,
     0},
};

static bool cuts(lab *l, bool training)
{
    const tn_plan_options options = {.samples = l->samples, .training = training};
    tn_plan *plan;
    tn_error e = {0};
    bool any = false;
    cr_assert_eq(tn_plan_make(l->graph, &options, &plan, &e), TN_OK, "%s", e.text);
    for (int32_t i = 0; i < plan->forwards; i++)
        any = any || plan->forward[i].stretch.portion < l->samples;
    tn_plan_free(plan);
    return any;
}

Test(plan_group, in_portions)
{
    for (size_t i = 0; i < sizeof images / sizeof *images; i++)
        for (int32_t way = 0; way < 4; way++) {
            const bool training = way & 1;
            lab one = make_lab(&images[i], "blis", 1, way / 2, 30);
            const result r = compare(&one, training);
            cr_assert(cuts(&one, training), "%s", images[i].model);
            lab three = make_lab(&images[i], "blis", 3, way / 2, 30);
            same(&r, compare(&three, training), "1 and 3 threads differ");
            free(r.at);
            free_lab(&one);
            free_lab(&three);
        }
}

ParameterizedTestParameters(plan_group, blocks_of_one_element)
{
    return cr_make_param_array(net, nets, COUNT);
}

ParameterizedTest(net *n, plan_group, blocks_of_one_element)
{
    for (int32_t i = 0; i < 2; i++) {
        lab l = make_lab(n, "reference", 1, 1, 21);
        free(compare(&l, i).at);
        free_lab(&l);
    }
}

ParameterizedTestParameters(plan_group, as_few_groups_as_expected)
{
    return cr_make_param_array(net, nets, COUNT);
}

ParameterizedTest(net *n, plan_group, as_few_groups_as_expected)
{
    lab l = make_lab(n, "blis", 1, 0, 21);
    tn_plan *plan;
    tn_error e = {0};
    cr_assert_eq(tn_plan_new(l.graph, 21, true, false, &plan, &e), TN_OK, "%s", e.text);
    cr_assert(plan->forwards == n->forwards && plan->backwards == n->backwards,
              "%s: %d and %d groups", n->model, plan->forwards, plan->backwards);
    tn_plan_free(plan);
    free_lab(&l);
}

/* Smaller batches than a plan is made for, and the first rows of others. */
Test(plan_group, fewer_samples_than_a_plan_takes)
{
    lab l = make_lab(&nets[0], "blis", 1, 1, 21);
    tn_plan *plan;
    tn_error e = {0};
    result large = {0}, small = {0};
    cr_assert_eq(tn_plan_new(l.graph, 21, true, false, &plan, &e), TN_OK, "%s", e.text);
    run_plan(&l, plan, true, &large);
    l.samples = 8;
    run_plan(&l, plan, true, &small);
    cr_assert_arr_eq(large.at, small.at, 8 * 3 * sizeof(double));
    free(large.at);
    free(small.at);
    tn_plan_free(plan);
    free_lab(&l);
}

Test(plan_group, an_output_made_by_two_products_is_refused)
{
    const net twice = {"[{toy_linear: {units: 3, way: twice}}]", {1, {5}}, 1, 1};
    lab l = make_lab(&twice, "blis", 1, 0, 4);
    tn_plan *plan;
    tn_error e = {0};
    const tn_pass pass = {.samples = 4};
    cr_assert_eq(tn_plan_new(l.graph, 4, false, false, &plan, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_plan_forward(plan, &pass, l.x, NULL, &e), TN_ENOTSUP);
    cr_assert(strstr(e.text, "toy_linear") && strstr(e.text, "TN_BY_PRODUCT"), "%s",
              e.text);
    tn_plan_free(plan);
    free_lab(&l);
}

Test(plan_group, a_training_pass_needs_a_plan_for_training)
{
    lab l = make_lab(&nets[0], "blis", 1, 0, 4);
    tn_plan *plan;
    tn_error e = {0};
    const tn_pass pass = {.samples = 4, .training = true};
    cr_assert_eq(tn_plan_new(l.graph, 4, false, false, &plan, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_plan_forward(plan, &pass, l.x, NULL, &e), TN_EINVAL);
    tn_plan_free(plan);
    free_lab(&l);
}

Test(plan_group, the_layer_where_nan_first_appears_is_found_again)
{
    lab l = make_lab(&nets[0], "blis", 1, 1, 21);
    tn_plan *plan;
    tn_error e = {0};
    const tn_pass pass = {.samples = 21, .step = 5, .training = true};
    cr_assert_eq(tn_plan_new(l.graph, 21, true, false, &plan, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_plan_forward(plan, &pass, l.x, NULL, &e), TN_OK);
    cr_assert_eq(tn_plan_first_bad(plan, &pass), -1);
    ((double *)l.graph->param[2].value.data)[1] = NAN;
    cr_assert_eq(tn_plan_first_bad(plan, &pass), 4);
    l.x[2] = INFINITY;
    cr_assert_eq(tn_plan_first_bad(plan, &pass), 0);
    tn_plan_free(plan);
    free_lab(&l);
}
