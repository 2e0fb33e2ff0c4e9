/* dense.c - layer/dense: values (PyTorch 1.13), shapes, roles and fans, gradients. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

static void set(const check_net *net, const char *name, const double *values)
{
    const tn_tensor *value = &net->graph->param[check_net_param(net, name)].value;
    memcpy(value->data, values, sizeof(double) * (size_t)tn_count(value));
}

static void expect(const check_net *net, const char *name, const double *values)
{
    const tn_tensor g = tn_plan_gradient(net->plan, check_net_param(net, name));
    check_near(g.data, values, tn_count(&g), 1e-14, name);
}

Test(dense, as_in_pytorch)
{
    check_torch("layers", "dense");
}

Test(dense, values_and_gradients)
{
    const double x[] = {1, -2, 0.5, 3, 0.25, -1, -1.5, 4, 2, 0.5, 1, 8};
    const double gy[] = {1, -1, 0.5, 2, 0, 1, -1.5, 0.25};
    const double w[] = {0.5, -1, 2, 1, 0.25, -0.5}, b[] = {0.1, -0.2};
    const double y[] = {3.6, 0.05, -0.65, 3.3625, -0.65, -1.7, 15.35, -3.45};
    const double gw[] = {1.75, -3.375, -12, 3.625, 6.75, 1.5}, gb[] = {0, 2.25};
    check_net *net = check_net_new("[{dense: 2}]", NULL, 0, check_shape(1, 3, 0, 0), 4, 1,
                                   1);
    memcpy(net->x, x, sizeof x);
    memcpy(net->target.real, gy, sizeof gy);
    set(net, "dense.weight", w);
    set(net, "dense.bias", b);
    check_net_loss(net, true);
    check_near(check_net_output(net), y, 8, 1e-14, "y");
    expect(net, "dense.weight", gw);
    expect(net, "dense.bias", gb);
}

Test(dense, works_on_the_last_axis)
{
    check_net *net = check_net_new("[{dense: 5}]", NULL, 0, check_shape(3, 2, 3, 4), 2, 1,
                                   1);
    const tn_shape *out = tn_graph_output(net->graph);
    cr_assert_eq(out->rank, 3);
    cr_assert(out->dim[0] == 2 && out->dim[1] == 3 && out->dim[2] == 5);
}

Test(dense, takes_a_single_number)
{
    check_net *net = check_net_new("[{dense: 5}]", NULL, 0, check_shape(0, 0, 0, 0), 2, 1,
                                   1);
    cr_assert_eq(tn_graph_output(net->graph)->rank, 1);
    cr_assert_eq(net->outputs, 5);
}

Test(dense, says_role_and_fans)
{
    const check_net *net = check_net_new("[{dense: 5}]", NULL, 0, check_shape(1, 4, 0, 0),
                                         2, 1, 1);
    const tn_graph_param *weight = &net->graph->param[0], *bias = &net->graph->param[1];
    cr_assert_eq(net->graph->params, 2);
    cr_assert_eq(weight->spec.role, TN_WEIGHT);
    cr_assert(weight->spec.fan_in == 4 && weight->spec.fan_out == 5);
    cr_assert(weight->value.dim[0] == 5 && weight->value.dim[1] == 4);
    cr_assert_eq(bias->spec.role, TN_BIAS);
    cr_assert_eq(bias->spec.fill, 0);
    cr_assert(weight->decays && !bias->decays);
}

Test(dense, without_bias_has_one_parameter)
{
    const char *model = "[{dense: {units: 5, bias: false}}]";
    const check_net *net = check_net_new(model, NULL, 0, check_shape(1, 4, 0, 0), 2, 1,
                                         1);
    cr_assert_eq(net->graph->params, 1);
}

Test(dense, units_must_be_there_and_positive)
{
    const char *text = check_refused("[dense]", check_shape(1, 4, 0, 0));
    cr_assert_not_null(strstr(text, "units"), "%s", text);
    text = check_refused("[{dense: 0}]", check_shape(1, 4, 0, 0));
    cr_assert_not_null(strstr(text, "units"), "%s", text);
}

Test(dense, a_size_that_overflows_is_refused)
{
    tn_shape huge = check_shape(1, INT64_MAX / 8, 0, 0);
    const char *text = check_refused("[{dense: 2000000000}]", huge);
    cr_assert_not_null(strstr(text, "dense"), "%s", text);
}

Test(dense, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[120];
        snprintf(model, sizeof model,
                 "[{dense: {units: %d, bias: %s}}, tanh, {dense: %d}]",
                 (int)check_draw(seed, 0, 1, 9), seed % 3 ? "true" : "false",
                 (int)check_draw(seed, 1, 1, 5));
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 5),
                        check_draw(seed, 2, 1, 5), true);
    }
    check_gradients("[{dense: 4}, {dense: 3}]", NULL, 0, check_shape(1, 5, 0, 0), 3,
                    true);
    check_gradients(
        "[{dense: {units: 4, bias: false}}, {dense: {units: 1, bias: false}}]", NULL, 0,
        check_shape(2, 3, 2, 0), 1, true);
    check_precisions("[{dense: 40}, {dense: 3}]", NULL, 0, check_shape(1, 50, 0, 0), 30,
                     1e-5);
}
