/* graph.c - networks from configs: what is refused with a reason, which initializer and
 * regularizer a weight gets, and what blocks hand to their layers. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>
#include <time.h>

#include "core/graph_build.h"
#include "tests/support/check.h"

/* ---- what is refused ------------------------------------------------------------------- */

typedef struct refused {
    char model[160], message[100];
    tn_shape input;
} refused;

#define WINDOW(options) "[{toy_window: {" options "}}]"

static refused all_refused[] = {
    {"[relu]",
     "the shape (1, 1, 1, 1, 1, 1, 1, 1) of the input 'input' is not possible",
     {8, {1, 1, 1, 1, 1, 1, 1, 1}}},
    {"[{toy_odd: deep}]", "toy_odd: the output's shape (1, 1, 1", {1, {4}}},
    {"[{toy_odd: wider}]", "toy_odd: its output must be of its input's", {1, {4}}},
    {"[{toy_odd: column}]", "toy_odd: a parameter per column", {1, {4}}},
    {"[{toy_odd: silent}]", "toy_odd gave no reason", {1, {4}}},
    {"[{toy_odd: foreign}]", "regularizer/l2 is no initializer", {1, {4}}},
    {"[{toy_odd: uneven}]", "p cannot be cut into 2 equal parts", {1, {4}}},
    {"[{dense: 3}, {toy_odd: {inputs: [input, dense]}}]", "its inputs must be", {1, {4}}},
    {"[{dense: {units: 8, name: a}}, {dense: {units: 8, inputs: input}}, {dense: 3}]",
     "t.yaml:1:10: layer 'a' is read by no layer; name it in the inputs: of one",
     {1, {4}}},
    {"[{dense: 4}, {parallel: [[{relu: {name: r}}, {tanh: {inputs: dense}}], []]}]",
     "layer 'parallel.r' is read by no layer",
     {1, {4}}},
    {"[toy_view]", "toy_view: a view's output has as many elements", {1, {4}}},
    {WINDOW("axes: 0"), "windows cover 1 or 2 axes", {2, {4, 2}}},
    {WINDOW("axes: 2"), "must have the axes of its windows", {2, {4, 2}}},
    {WINDOW("wider: 1"), "windows keep the channels", {2, {4, 2}}},
    {WINDOW("stride: 0"), "at least 1", {2, {4, 2}}},
    {WINDOW("window: 0"), "at least 1", {2, {4, 2}}},
    {WINDOW("before: -1"), "must not be negative", {2, {4, 2}}},
    {WINDOW("out: 4"), "not that of its windows", {2, {4, 2}}},
    {WINDOW("before: 2, out: 5"), "in the padding only", {2, {4, 2}}},
    {WINDOW("after: 2, out: 5"), "in the padding only", {2, {4, 2}}},
    {"[{toy_block: none}]", "toy_block gives a node 0 inputs", {1, {4}}},
    {"[{toy_block: many}]", "toy_block gives a node 65 inputs", {1, {4}}},
    {"[{toy_block: wild}]", "toy_block names node 99", {1, {4}}},
    {"[{toy_block: silent}]", "toy_block gave no reason", {1, {4}}},
    {"[{toy_block: forgets}]", "nobody", {1, {4}}},
    {"[{dense: {units: 4, inputs: lefd}}]", "no layer 'lefd' before this one", {1, {4}}},
    {"[{tanh: {inputs: length}}]", "unless the section input: lists it", {1, {4}}},
    {"[{sequential: {name: left, body: [relu]}}, {tanh: {inputs: lefd}}]",
     "did you mean 'left'?",
     {1, {4}}},
    {"[{sequential: {name: left, body: [{tanh: {inputs: left}}]}}]",
     "no layer 'left' before this one",
     {1, {4}}},
    {"[{sequential: {name: a, body: [relu]}}, {tanh: {name: a}}]",
     "t.yaml:1:49: two layers are called 'a'",
     {1, {4}}},
    {"[{tanh: {name: a}}, {sequential: {name: a, body: [relu]}}]",
     "two layers are called 'a'",
     {1, {4}}},
    {"[{repeat: {times: 2, body: [{sequential: {name: a, body: [relu]}}]}}]",
     "two layers are called 'repeat.a'",
     {1, {4}}},
    {"[{relu: {parametrization: toy_factor}}]",
     "relu: option 'parametrization' is for weights, and here are none",
     {1, {4}}},
    {"[{residual: {body: [relu], init: zeros}}]",
     "residual: option 'init' is for weights, and here are none",
     {1, {4}}},
    {"[{relu: {regularizer: l2}}]",
     "relu: option 'regularizer' is for weights",
     {1, {4}}},
};

ParameterizedTestParameters(graph, refuses)
{
    return cr_make_param_array(refused, all_refused,
                               sizeof all_refused / sizeof *all_refused);
}

ParameterizedTest(refused *r, graph, refuses)
{
    check_refuses(r->model, r->input, r->message);
}

static const tn_graph *graph_of(const char *model)
{
    return check_net_new(model, NULL, 0, check_shape(1, 2, 0, 0), 3, 1, 1)->graph;
}

Test(graph, seven_axes_and_fitting_windows_are_taken)
{
    const tn_shape deep = {7, {1, 2, 1, 1, 1, 1, 3}};
    check_net_new("[relu]", NULL, 0, deep, 2, 1, 1);
    check_net_new(WINDOW("before: 1, after: 1, out: 5"), NULL, 0, check_shape(2, 4, 2, 0),
                  2, 1, 1);
}

/* Without an error to fill, the status is the same. */
Test(graph, status_does_not_depend_on_the_error)
{
    tn_error e = {0};
    tn_graph *g;
    const tn_shape input = {1, {4}};
    tn_config *config = tn_config_parse(check_env(), "model: [{toy_odd: silent}]",
                                        "t.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    cr_assert_eq(tn_graph_new(check_env(), config->root, &input, 1, 7, INT64_MAX, &g, &e),
                 TN_ENUMERIC);
    cr_assert_eq(e.status, TN_ENUMERIC);
    cr_assert_eq(
        tn_graph_new(check_env(), config->root, &input, 1, 7, INT64_MAX, &g, NULL),
        TN_ENUMERIC);
    tn_config_free(config);
}

/* ---- names ----------------------------------------------------------------------------- */

Test(graph, equal_layers_are_numbered_in_time_that_grows_with_them_only)
{
    static char model[70000] = "model: [toy_own";
    const tn_shape input = {1, {4}};
    tn_error e = {0};
    tn_graph *g;
    size_t end = strlen(model);
    for (int i = 1; i < 9000; i++, end += strlen(",relu"))
        memcpy(model + end, ",relu", sizeof ",relu");
    model[end] = ']';
    tn_config *config = tn_config_parse(check_env(), model, "t.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    const clock_t start = clock();
    cr_assert_eq(tn_graph_new(check_env(), config->root, &input, 0, 7, INT64_MAX, &g, &e),
                 TN_OK, "%s", e.text);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    cr_assert_str_eq(g->node[9000].name, "relu_8999");
    cr_assert_eq(tn_graph_find(g, "relu_8999"), 9000);
    cr_assert_eq(tn_graph_find(g, "relu_9000"), -1);
    cr_assert_lt(seconds, 5);
    tn_graph_free(g);
    tn_config_free(config);
}

Test(graph, nodes_of_blocks_are_told_apart)
{
    const tn_graph *g = graph_of("[toy_block, toy_block, {toy_block: nests}]");
    cr_assert_str_eq(g->node[1].name, "toy_block.dense");
    cr_assert_str_eq(g->node[2].name, "toy_block_2.dense");
    cr_assert_str_eq(g->node[3].name, "toy_block_3.toy_block.dense");
}

Test(graph, the_name_of_a_block_stands_for_its_output)
{
    const tn_graph *g = graph_of("[{residual: {name: left, body: [tanh]}}, "
                                 "{dense: {units: 2, name: right, inputs: input}}, "
                                 "{add: {inputs: [left, right]}}]");
    cr_assert_str_eq(g->node[g->node[4].input[0]].name, "left.add");
    cr_assert_str_eq(g->node[g->node[4].input[1]].name, "right");
}

Test(graph, blocks_without_names_and_in_blocks_have_outputs_too)
{
    const tn_graph *g = graph_of(
        "[{residual: [tanh]}, {residual: [tanh]}, {sequential: {name: outer, body: "
        "[{sequential: {name: inner, body: []}}, relu, {add: {inputs: [inner, "
        "relu]}}]}}, "
        "{add: {inputs: [residual, residual_2, outer.inner, outer]}}]");
    const tn_graph_node *inner = &g->node[6], *last = &g->node[7];
    cr_assert_str_eq(inner->name, "outer.add");
    cr_assert_str_eq(g->node[inner->input[0]].name, "residual_2.add");
    cr_assert_str_eq(g->node[last->input[0]].name, "residual.add");
    cr_assert_str_eq(g->node[last->input[1]].name, "residual_2.add");
    cr_assert_eq(last->input[2], inner->input[0], "an empty block is what it reads");
}

/* "none", "auto" and what a block hands down are no wish. */
Test(graph, layers_without_weights_inherit_in_silence)
{
    graph_of("[{residual: {init: zeros, parametrization: weight_norm, body: [{dense: 2}, "
             "relu]}}, {relu: {init: auto, regularizer: none, parametrization: none}}]");
}

/* ---- initializers and regularizers -------------------------------------------------------- */

typedef struct choice {
    char config[200];
    char init[40];
    char regularizer[20]; /* "": none */
} choice;

static choice choices[] = {
    /* the node's, the layer's own, the model's, auto */
    {"model: [{toy_own: {init: zeros}}]\ninit: xavier", "zeros", ""},
    {"model: [toy_own]\ninit: zeros", "toy_dial", ""},
    {"model: [{dense: 2}]\ninit: zeros", "zeros", ""},
    {"model: [{dense: {units: 2, init: auto}}]\ninit: zeros", "xavier (auto: dense)", ""},
    {"model: [{toy_own: {init: auto}}]\ninit: zeros", "toy_lsuv (auto: toy_own)", ""},
    {"model: [{dense: 2}, relu]", "he (auto: relu)", ""},
    {"model: [{dense: 2}, batch_norm, {leaky_relu: 0.2}]",
     "he (auto: leaky_relu, gain 1.387)", ""},
    {"model: [{dense: 2}, selu]", "lecun (auto: selu)", ""},
    {"model: [{dense: 2}, {dense: 2}, relu]", "xavier (auto: dense)", ""},
    {"model: [{dense: 2}]\ninit: zeros\nregularizer: l2", "zeros", "l2"},
    {"model: [{dense: 2}]\ninit: zeros\nregularizer: none", "zeros", ""},
    {"model: [{dense: {units: 2, regularizer: none}}]\ninit: zeros\nregularizer: l2",
     "zeros", ""},
    /* what a block hands on */
    {"model: [{toy_block: {init: zeros, regularizer: l1}}]\nregularizer: l2", "zeros",
     "l1"},
    {"model: [{toy_block: {regularizer: none}}]\ninit: zeros\nregularizer: l2", "zeros",
     ""},
    {"model: [{residual: {body: [{dense: {units: 2, init: zeros}}], init: xavier}}]",
     "zeros", ""},
    {"model: [{toy_block: {how: nests, init: zeros, regularizer: l1}}]", "toy_dial",
     "l1"},
};

ParameterizedTestParameters(graph, choices)
{
    return cr_make_param_array(choice, choices, sizeof choices / sizeof *choices);
}

ParameterizedTest(choice *c, graph, choices)
{
    tn_error e = {0};
    tn_graph *g;
    const tn_shape input = {1, {2}};
    tn_config *config = tn_config_parse(check_env(), c->config, "t.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    cr_assert_eq(tn_graph_new(check_env(), config->root, &input, 1, 7, INT64_MAX, &g, &e),
                 TN_OK, "%s: %s", c->config, e.text);
    const tn_instance *r = g->param[0].regularizer;
    cr_assert_str_eq(g->param[0].init_text, c->init, "%s", c->config);
    cr_assert_str_eq(r ? r->entry->name : "", c->regularizer, "%s", c->config);
    cr_assert_null(g->param[0].spec.name);
    tn_graph_free(g);
    tn_config_free(config);
}

static double first_weight(const char *model, bool calibrated)
{
    static const double x[4] = {1, 2, 3, 4};
    tn_error e = {0};
    tn_graph *g;
    char text[200];
    const tn_shape input = {1, {2}};
    snprintf(text, sizeof text, "model: %s", model);
    tn_config *config = tn_config_parse(check_env(), text, "t.yaml", NULL, 0, &e);
    cr_assert_eq(tn_graph_new(check_env(), config->root, &input, 1, 7, INT64_MAX, &g, &e),
                 TN_OK, "%s", e.text);
    const void *const in[] = {x};
    if (calibrated) cr_assert_eq(tn_graph_calibrate(g, in, 2, &e), TN_OK, "%s", e.text);
    const double w = *(const double *)g->param[0].value.data;
    tn_graph_free(g);
    tn_config_free(config);
    return w;
}

Test(graph, an_initializer_of_the_layers_own_has_its_dials)
{
    cr_assert_eq(first_weight("[toy_own]", false), 3);
    cr_assert_eq(first_weight("[{toy_own: {start: {toy_dial: 7}}}]", false), 7);
    cr_assert_eq(first_weight("[{toy_block: nests}]", false), 5);
    cr_assert_eq(first_weight("[toy_own]", true), 4);
}

/* ---- what moves while training runs --------------------------------------------------------- */

typedef struct count {
    int parametrizations, regularizers;
} count;

static void count_kind(void *data, tn_instance *i)
{
    count *c = data;
    c->parametrizations += !strcmp(i->entry->kind, "parametrization");
    c->regularizers += !strcmp(i->entry->kind, "regularizer");
}

Test(graph, parametrizations_are_ticked_and_walked_as_layers_are)
{
    tn_error e = {0};
    tn_graph *g;
    count c = {0, 0};
    const tn_shape input = {1, {2}};
    tn_config *config = tn_config_parse(
        check_env(),
        "model: [{toy_block: {parametrization: {toy_factor: {cosine: {from: 1}}}}}, "
        "{dense: {units: 2, regularizer: l1}}, {dense: 2}]\nregularizer: l2",
        "t.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    cr_assert_eq(tn_graph_new(check_env(), config->root, &input, 1, 7, INT64_MAX, &g, &e),
                 TN_OK, "%s", e.text);
    const tn_instance *way = g->param[0].parametrization;
    tn_graph_tick(g, &(tn_clock){.step = 0, .steps = 100, .epoch = 0, .epochs = 1});
    cr_assert_float_eq(way->now[0], 1, 1e-12);
    tn_graph_tick(g, &(tn_clock){.step = 50, .steps = 100, .epoch = 0.5, .epochs = 1});
    cr_assert_float_eq(way->now[0], 0.5, 1e-12);
    tn_graph_epoch(g, &(tn_clock){.step = 50, .steps = 100}, &(tn_event){0});
    tn_graph_walk(g, count_kind, &c);
    cr_assert_eq(c.parametrizations, 1);
    cr_assert_eq(c.regularizers, 2);
    tn_graph_free(g);
    tn_config_free(config);
}
