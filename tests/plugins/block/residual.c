/* residual.c - block/residual: what it expands to, shapes it refuses, gradients. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

static const check_net *net_of(const char *model)
{
    return check_net_new(model, NULL, 0, check_shape(1, 4, 0, 0), 3, 1, 1);
}

Test(residual, equal_shapes_need_no_parameters)
{
    check_net *net = check_net_new("[{residual: {body: [tanh]}}]", NULL, 0,
                                   check_shape(1, 4, 0, 0), 3, 1, 1);
    const double *y = check_net_output(net), *x = net->x;
    cr_assert_eq(net->graph->params, 0);
    check_layer *l = check_layer_new("tanh", NULL, check_shape(1, 4, 0, 0), 3, 1);
    l->x[0] = net->x;
    check_forward(l, true, 0);
    for (int32_t i = 0; i < 12; i++) cr_assert_eq(y[i], l->y[i] + x[i]);
}

Test(residual, a_projection_where_features_differ)
{
    const check_net *net = net_of("[{residual: [{dense: 6}, relu]}]");
    cr_assert_eq(net->graph->params, 3);
    cr_assert_eq(net->outputs, 6);
    const tn_graph_param *projection = &net->graph->param[2];
    cr_assert_not_null(strstr(projection->name, "weight"));
    cr_assert(projection->value.dim[0] == 6 && projection->value.dim[1] == 4);
}

Test(residual, a_projection_can_be_asked_for)
{
    const check_net *net = net_of(
        "[{residual: {body: [{dense: 4}], shortcut: projection}}]");
    cr_assert_eq(net->graph->params, 3);
}

Test(residual, an_identity_refuses_other_shapes)
{
    const char *text = check_refused(
        "[{residual: {body: [{dense: 6}], shortcut: identity}}]",
        check_shape(1, 4, 0, 0));
    cr_assert_not_null(strstr(text, "(4)"), "%s", text);
    cr_assert_not_null(strstr(text, "(6)"), "%s", text);
    cr_assert_not_null(strstr(text, "test.yaml:1"), "%s", text);
}

Test(residual, a_projection_cannot_change_other_axes)
{
    const char *text = check_refused("[{residual: [flatten]}]", check_shape(2, 3, 4, 0));
    cr_assert_not_null(strstr(text, "(3, 4)"), "%s", text);
    cr_assert_not_null(strstr(text, "(12)"), "%s", text);
}

Test(residual, an_error_in_the_body_comes_through)
{
    const char *text = check_refused("[{residual: [{dens: 6}]}]",
                                     check_shape(1, 4, 0, 0));
    cr_assert_not_null(strstr(text, "dens"), "%s", text);
}

Test(residual, nests)
{
    const check_net *net = net_of(
        "[{residual: [{residual: [{dense: 4}]}, tanh]}, {dense: 2}]");
    cr_assert_eq(net->graph->params, 4);
    cr_assert_eq(net->outputs, 2);
}

Test(residual, gradients)
{
    check_gradients(
        "[{dense: 4}, {residual: [{dense: 4}, tanh, {dense: 4}]}, tanh, {dense: 2}]",
        NULL, 0, check_shape(1, 3, 0, 0), 3, true);
    check_gradients("[{residual: [{dense: 5}, sigmoid]}, {dense: 2}]", NULL, 0,
                    check_shape(1, 3, 0, 0), 3, true);
    check_gradients(
        "[{dense: 4}, {residual: [{residual: [{dense: 4}, tanh]}, batch_norm]}]", NULL, 0,
        check_shape(1, 3, 0, 0), 4, true);
    check_precisions("[{dense: 4}, {residual: [{dense: 4}, tanh]}]", NULL, 0,
                     check_shape(1, 3, 0, 0), 3, 1e-5);
}
