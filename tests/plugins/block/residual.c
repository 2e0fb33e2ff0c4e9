/* residual.c - block/residual: what it expands to, shapes it refuses, gradients. */
#include "tests/support/blocks.h"

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

/* A pre-activation: a projection reads it, an identity goes around it. */
Test(residual, layers_before_the_body)
{
    const tn_shape in = check_shape(2, 3, 4, 0);
    blocks_same("[{residual: {before: [batch_norm, tanh], body: [{dense: 4}]}}]",
                "[batch_norm, tanh, {dense: 4}, {add: {inputs: [dense, input]}}]", in);
    blocks_same(
        "[{residual: {before: [batch_norm, tanh], body: [{dense: 5}]}}]",
        "[batch_norm, tanh, {dense: 5}, {dense: {units: 5, bias: false, inputs: tanh, "
        "name: w}}, {add: {inputs: [dense, w]}}]",
        in);
}

Test(residual, a_projection_of_any_layers)
{
    const tn_shape image = check_shape(3, 6, 5, 3);
    const char *block =
        "[{residual: {body: [{dense: 4}, {max_pool: {kernel: 3, stride: 2, "
        "padding: same}}], projection: [{avg_pool: {kernel: 2, padding: same}}, "
        "{dense: 4}, batch_norm]}}]";
    blocks_same(
        block,
        "[{dense: 4}, {max_pool: {kernel: 3, stride: 2, padding: same}}, {avg_pool: "
        "{kernel: 2, padding: same, inputs: input}}, {dense: {units: 4, name: w}}, "
        "batch_norm, {add: {inputs: [max_pool, batch_norm]}}]",
        image);
    blocks_same("[{residual: {body: [{dense: 3}], projection: [{dense: 3}]}}]",
                "[{dense: 3}, {add: {inputs: [dense, input]}}]", image);
    check_refuses(
        "[{residual: {body: [{dense: 4}], projection: [{dense: 5}]}}]", image,
        "the body turns shape (6, 5, 3) into (6, 5, 4): the projection makes (6, 5, "
        "5) of it");
    check_refuses(
        "[{residual: {body: [{dense: 3}], shortcut: identity, projection: [{dense: "
        "3}]}}]",
        image, "a projection goes with shortcut: auto or projection");
}

Test(residual, zeros_for_channels_that_are_missing)
{
    const tn_shape image = check_shape(3, 6, 5, 3);
    blocks_same(
        "[{residual: {body: [{dense: 5}, {avg_pool: {kernel: 2, padding: same}}], "
        "shortcut: zero_pad}}]",
        "[{dense: 5}, {avg_pool: {kernel: 2, padding: same}}, {max_pool: {kernel: 1, "
        "stride: 2, inputs: input}}, {zero_pad: {after: [0, 0, 2]}}, {add: {inputs: "
        "[avg_pool, zero_pad]}}]",
        image);
    blocks_same(
        "[{residual: {body: [{dense: 7}], shortcut: zero_pad}}]",
        "[{dense: 7}, {zero_pad: {after: [4], inputs: input}}, {add: {inputs: [dense, "
        "zero_pad]}}]",
        check_shape(1, 3, 0, 0));
    check_refuses("[{residual: {body: [{dense: 2}], shortcut: zero_pad}}]", image,
                  "zero_pad keeps the rank and adds channels");
    check_refuses("[{residual: {body: [upsample], shortcut: zero_pad}}]", image,
                  "no stride takes as many positions");
}

/* A layer behind the body drops samples; none where none is dropped. */
Test(residual, drops_its_body_at_random)
{
    const tn_shape in = check_shape(2, 3, 4, 0);
    blocks_same("[{residual: {body: [{dense: 4}, tanh], drop: 0.3}}]",
                "[{dense: 4}, tanh, {stochastic_depth: 0.3}, {add: {inputs: "
                "[stochastic_depth, input]}}]",
                in);
    blocks_same("[{residual: {body: [{dense: 4}, tanh], drop: 0}}]",
                "[{dense: 4}, tanh, {add: {inputs: [tanh, input]}}]", in);
    blocks_same("[{residual: {body: [{dense: 4}, tanh], drop: 1}}]",
                "[{dense: 4}, tanh, {stochastic_depth: 1}, {add: {inputs: "
                "[stochastic_depth, input]}}]",
                in);
    check_refuses("[{residual: {body: [tanh], drop: 1.1}}]", in, "outside [0, 1]");
    check_gradients("[{dense: 4}, {residual: {body: [{dense: 4}, tanh], drop: 0.4}}]",
                    NULL, 0, check_shape(1, 3, 0, 0), 6, true);
}

/* A small ResNet: three stages of residual blocks, the second and third at half the size. */
static const char resnet[] =
    "[{dense: 3}, batch_norm, tanh,"
    " {repeat: {times: 2, body: [{residual: [{dense: 3}, batch_norm, tanh, {dense: 3}, "
    "batch_norm]}, tanh]}},"
    " {residual: {body: [{avg_pool: 2}, {dense: 4}, batch_norm, tanh, {dense: 4}, "
    "batch_norm],"
    " projection: [{avg_pool: 2}, {dense: 4}, batch_norm]}}, tanh,"
    " {residual: {body: [{avg_pool: 2}, {dense: 5}, batch_norm], shortcut: zero_pad}}, "
    "tanh,"
    " global_avg_pool, {dense: 2}]";

Test(residual, a_small_resnet)
{
    check_gradients(resnet, NULL, 0, check_shape(3, 4, 4, 2), 3, true);
    check_threads(resnet, check_shape(3, 8, 8, 2), 9);
    check_learns(resnet, "mse", 0, check_shape(3, 4, 4, 2), 12, 60, 0.05, 0.7);
}

Test(residual, independence)
{
    check_independence(
        "[{dense: 12}, {residual: [{dense: 12}, tanh, {dense: 12}]}, tanh, "
        "{residual: [{max_pool: {kernel: 3, stride: 1, padding: same}}, "
        "{dense: 9}]}]",
        check_shape(3, 6, 5, 3), 9);
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

Test(residual, as_in_pytorch)
{
    check_torch("layers", "residual");
}

/* Identities, projections and zeros, at any stride; with and without layers in front, whose batch_norm
 * needs rows that differ, and with bodies that are dropped. */
static tn_shape write_block(uint32_t seed, char block[CHECK_LAYERS])
{
    static const char *const shortcut[] = {"auto", "projection", "zero_pad"};
    const int32_t axes = (int32_t)check_draw(seed, 5, 1, 2);
    const int64_t channels = check_draw(seed, 0, 1, 4), how = check_draw(seed, 1, 0, 3),
                  more = how ? check_draw(seed, 2, 0, 2) : 0, filters = channels + more,
                  stride = how > 1 ? check_draw(seed, 3, 1, 2) : 1;
    const char *before = seed % 2 ? "before: [batch_norm, tanh], " : "";
    char way[120] = "";
    if (how == 3)
        snprintf(way, sizeof way,
                 "projection: [{conv%dd: {filters: %d, kernel: 1, stride: %d, padding: "
                 "same}}]",
                 axes, (int)filters, (int)stride);
    else
        snprintf(way, sizeof way, "shortcut: %s", shortcut[how]);
    snprintf(block, CHECK_LAYERS,
             "{residual: {%sbody: [{conv%dd: {filters: %d, kernel: 3, stride: %d, "
             "padding: same}}, tanh, {dense: %d}], %s, drop: %s}}",
             before, axes, (int)check_draw(seed, 4, 1, 3), (int)stride, (int)filters, way,
             seed % 3 ? "0" : "0.4");
    return check_draw_rows(seed, axes + 1, axes + 1, 4, channels);
}

Test(residual, is_the_same_with_both_backends)
{
    check_backends(write_block);
}

Test(residual, gradients_of_random_blocks)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char block[CHECK_LAYERS], model[CHECK_LAYERS + 60];
        tn_shape shape = write_block(seed, block);
        int64_t *features = &shape.dim[shape.rank - 1];
        snprintf(model, sizeof model, "[{dense: %d}, %s, tanh, {dense: 2}]",
                 (int)*features, block);
        *features = check_draw(seed, 7, 1, 4);
        check_gradients(model, NULL, 0, shape, check_draw(seed, 6, 2, 4), seed % 5 != 0);
    }
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
