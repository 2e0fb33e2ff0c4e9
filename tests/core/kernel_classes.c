/* kernel_classes.c - a toy plugin of each kernel class and each awkward case
 * (core/toys/): its gradients in double, float against double, and a few steps of
 * descent that lower the loss. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "tests/support/check.h"

/* `net` has the toy behind a dense layer, so that its input gradient is checked as
 * that layer's gradients; `first` has it at the front, where no input gradient is
 * wanted. */
typedef struct toy {
    char net[160], first[160];
    tn_shape shape;
} toy;

static toy toys[] = {
    /* map with a parameter for each feature; with one for all */
    {"[{dense: 5}, scale, tanh, {dense: 2}]", "[scale, {dense: 2}]", {1, {4}}},
    {"[{dense: 5}, slope, {dense: 2}]", "[slope, {dense: 2}]", {2, {3, 4}}},
    /* row with parameters */
    {"[{dense: 5}, toy_rms_norm, {dense: 2}]", "[toy_rms_norm, {dense: 2}]", {2, {3, 4}}},
    /* reduce-map over columns (with state), rows, samples and the tensor */
    {"[{dense: 5}, centre_column, tanh, {dense: 2}]",
     "[centre_column, {dense: 2}]",
     {1, {4}}},
    {"[{dense: 5}, centre_row, tanh, {dense: 2}]",
     "[centre_row, {dense: 2}]",
     {2, {3, 4}}},
    {"[{dense: 5}, centre_sample, tanh, {dense: 2}]",
     "[centre_sample, {dense: 2}]",
     {2, {3, 4}}},
    {"[{dense: 5}, centre_tensor, tanh, {dense: 2}]",
     "[centre_tensor, {dense: 2}]",
     {2, {3, 4}}},
    /* one over samples with a parameter for each feature; its samples are cut into more chunks
     * than its rows */
    {"[{dense: 5}, scale_sample, tanh, {dense: 2}]",
     "[scale_sample, {dense: 2}]",
     {2, {3, 4}}},
    /* window over one axis and over two, overlapping and padded */
    {"[{dense: 3}, {toy_max_pool: {size: 3, stride: 2}}, flatten, {dense: 2}]",
     "[{toy_max_pool: 2}, flatten, {dense: 2}]",
     {2, {7, 2}}},
    {"[{dense: 3}, {toy_max_pool: {size: 3, stride: 2, padding: 1}}, flatten, {dense: "
     "2}]",
     "[{toy_max_pool: 2}, flatten, {dense: 2}]",
     {3, {4, 5, 2}}},
    /* window with a parameter, and with random numbers */
    {"[{dense: 3}, noisy_pool, flatten, {dense: 2}]",
     "[noisy_pool, flatten, {dense: 2}]",
     {2, {5, 2}}},
    /* whole, without products and with a cache for each sample */
    {"[{dense: 5}, running_sum, {dense: 2}]", "[running_sum, {dense: 2}]", {2, {2, 3}}},
    /* two inputs, and the same one twice */
    {"[{dense: {units: 5, name: a}}, {dense: {units: 5, name: b}}, tanh, "
     "{product: {inputs: [a, tanh]}}, {dense: 2}]",
     "[{product: {inputs: [input, input]}}, {dense: 2}]",
     {1, {4}}},
    /* a parametrization with a parameter for each output */
    {"[{dense: {units: 5, parametrization: weight_norm}}, tanh, "
     "{dense: {units: 2, parametrization: weight_norm}}]",
     "[{dense: {units: 2, bias: false, parametrization: weight_norm}}]",
     {1, {4}}},
};

#define COUNT (sizeof toys / sizeof *toys)

ParameterizedTestParameters(kernel_classes, gradients)
{
    return cr_make_param_array(toy, toys, COUNT);
}

ParameterizedTest(toy *t, kernel_classes, gradients)
{
    check_gradients(t->net, NULL, 0, t->shape, 3, true);
    check_gradients(t->first, NULL, 0, t->shape, 3, true);
    check_gradients(t->net, NULL, 0, t->shape, 1, true);
}

ParameterizedTestParameters(kernel_classes, precisions)
{
    return cr_make_param_array(toy, toys, COUNT);
}

/* 700 samples are more than one chunk of work. */
ParameterizedTest(toy *t, kernel_classes, precisions)
{
    check_precisions(t->net, NULL, 0, t->shape, 5, 1e-4);
    check_precisions(t->net, NULL, 0, t->shape, 700, 2e-3);
}

ParameterizedTestParameters(kernel_classes, learning)
{
    return cr_make_param_array(toy, toys, COUNT);
}

ParameterizedTest(toy *t, kernel_classes, learning)
{
    check_learns(t->net, "mse", 0, t->shape, 20, 60, 0.02, 0.9);
}

Test(kernel_classes, state_moves_with_commit_only)
{
    check_net *net = check_net_new("[centre_column]", NULL, 0, check_shape(1, 3, 0, 0), 4,
                                   1, 1);
    const double *state = net->graph->state[0].value.data, *x = net->x;
    check_net_loss(net, true);
    cr_assert_eq(state[0], 0);
    tn_plan_commit(net->plan, &net->pass, TN_COMMIT_ALL);
    cr_assert_float_eq(state[0], (x[0] + x[3] + x[6] + x[9]) / 8, 1e-15);
}

/* A parametrization computes like a layer, from the raw weight as one sample of (out,
 * in). */
Test(kernel_classes, a_parametrization_with_its_own_parameter)
{
    check_layer *l = check_kernel_new("parametrization", "weight_norm", NULL,
                                      check_shape(2, 3, 4, 0), 1, 1);
    cr_assert_eq(l->params, 1);
    cr_assert_eq(l->param[0].size, 3);
    check_slot_gradients(l);
}

/* With weights of 0 all values of a window are equal: each window gives its gradient
 * once. */
Test(kernel_classes, of_equal_values_in_a_window_one_gets_the_gradient)
{
    const char *model = "[{dense: 2}, {toy_max_pool: {size: 3, stride: 1}}]";
    check_net *net = check_net_new(model, NULL, 0, check_shape(2, 6, 3, 0), 1, 1, 1);
    const double *target = net->target.real;
    double expected[2] = {0};
    for (int32_t i = 0; i < 2; i++)
        memset(net->graph->param[i].value.data, 0,
               sizeof(double) * (size_t)tn_count(&net->graph->param[i].value));
    for (int64_t i = 0; i < net->outputs; i++) expected[i % 2] += target[i];
    check_net_loss(net, true);
    const tn_tensor g = tn_plan_gradient(net->plan, check_net_param(net, "dense.bias"));
    check_near(g.data, expected, 2, 1e-14, "gradient of the bias");
}
