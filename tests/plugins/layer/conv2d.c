/* conv2d.c - layer/conv2d: by the definition, by differences, shapes, roles and fans, refusals. */
#include "tests/support/convolving.h"

Test(conv2d, is_its_definition_at_random_shapes)
{
    check_random_layers(2, (uint32_t)test_rounds(test_sanitized() ? 100 : 500, 3000), 4,
                        9, 12);
}

/* Depths of several blocks, rows of several strips, columns of several panels. */
Test(conv2d, is_its_definition_where_products_are_cut)
{
    check_random_layers(2, (uint32_t)test_rounds(test_sanitized() ? 5 : 15, 200), 3, 20,
                        90);
}

/* A window of the image serves several rows of the output, lines of patches, samples; or it is less
 * than what a row meets, or holds lines that nobody needs, or lies in the image as it is. */
Test(conv2d, is_its_definition_where_windows_are_shared)
{
    static const shape all[] = {
        {2, 5, 20, 24, 1, {8, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true},
        {2, 2, 32, 17, 1, {16, 16}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, false},
        {2, 2, 16, 16, 1, {32, 32}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, true},
        {2, 3, 6, 5, 1, {24, 33}, {3, 3}, {1, 1}, {2, 1}, {2, 1}, {2, 1}, true},
        {2, 2, 5, 9, 1, {40, 20}, {3, 4}, {1, 1}, {15, 1}, {9, 1}, {9, 2}, true},
        {2, 2, 3, 7, 1, {30, 20}, {2, 3}, {4, 1}, {1, 1}, {0, 1}, {1, 1}, true},
        {2, 2, 60, 4, 1, {5, 70}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true},
        {2, 3, 7, 20, 1, {18, 18}, {3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}, true},
        {2, 2, 4, 33, 1, {11, 40}, {5, 5}, {1, 2}, {1, 1}, {2, 1}, {1, 2}, true},
    };
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
        check_by_definition(i, &all[i]);
}

/* Depthwise with more taps than are read at a time, and a product with as many. */
Test(conv2d, is_its_definition_with_large_filters)
{
    for (int64_t groups = 1; groups <= 19; groups += 18) {
        const shape s = {2,       2,      19,     19,     groups, {12, 13},
                         {9, 10}, {2, 1}, {1, 2}, {4, 9}, {3, 9}, true};
        const values want = random_values(&s, 1), got = inputs_of(&s, &want);
        by_definition(&s, &want);
        by_layer(&s, &got, "blis", 2, 1);
        cr_assert_leq(error_of(&s, &got, &want), 1e-13);
    }
}

/* Of 3 x 3 filters over whole vectors of channels, of numbers of 8 bytes or of both kinds: tiles of
 * 2 x 2 positions, also at the edges of images, some in several groups. */
static shape random_tiled_shape(uint32_t seed, int64_t most)
{
    const int large = seed % 9 == 0;
    const int64_t lanes = seed % 2 ? 8 : 16, wide = large ? 1 : seed % 8 ? 2 : 5;
    shape s = {.axes = 2,
               .samples = pick(seed, 1, 1, large ? 2 : 5),
               .groups = 1,
               .channels = lanes * pick(seed, 2, 1, wide),
               .filters = lanes * pick(seed, 3, 1, wide),
               .kernel = {3, 3},
               .stride = {1, 1},
               .dilation = {1, 1},
               .bias = pick(seed, 4, 0, 3) > 0};
    for (uint32_t i = 0; i < 2; i++) {
        s.before[i] = pick(seed, 5 + i, 0, 3), s.after[i] = pick(seed, 7 + i, 0, 3);
        s.in[i] = pick(seed, 9 + i, 4, large ? 5 * most : most);
    }
    return s;
}

static void check_tiled_layers(uint32_t rounds)
{
    const void *before = conv_open_envs();
    for (uint32_t seed = 1; seed <= rounds; seed++) {
        const shape s = random_tiled_shape(seed, 9);
        check_by_definition(seed, &s);
        check_release(before);
    }
}

Test(conv2d, is_its_definition_tile_by_tile)
{
    check_tiled_layers((uint32_t)test_rounds(test_sanitized() ? 8 : 40, 1500));
}

/* Too many channels for sums of each slot's own; for rows that backends take as they lie. */
Test(conv2d, is_its_definition_with_many_channels)
{
    static const shape all[] = {
        {2, 1, 208, 200, 1, {4, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true},
        {2, 1, 16, 512, 1, {4, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true},
        {2, 1, 256, 32, 1, {4, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, true},
    };
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
        check_by_definition(i, &all[i]);
}

Test(conv2d, further_axes_are_more_images)
{
    check_further_axes(2, (uint32_t)test_rounds(60, 500));
}

Test(conv2d, gradients)
{
    check_random_gradients(2, (uint32_t)test_rounds(36, 100));
}

static void check_tiled_gradients(uint32_t rounds)
{
    check_env_as("blis", 2);
    for (uint32_t seed = 1; seed <= rounds; seed++) {
        shape s = random_tiled_shape(seed, 5);
        s.samples = 1 + seed % 2, s.channels = 8, s.filters = seed % 3 ? 8 : 16;
        s.in[0] = 4 + seed % 3, s.in[1] = 4 + seed % 4;
        check_gradients_of(s);
    }
}

Test(conv2d, gradients_tile_by_tile)
{
    check_tiled_gradients((uint32_t)test_rounds(test_sanitized() ? 3 : 30, 60));
}

Test(conv2d, as_in_pytorch)
{
    check_torch("layers", "conv2d");
}

Test(conv2d, independence)
{
    const tn_shape image = check_shape(3, 11, 9, 3);
    check_independence("[{dense: 6}, {conv2d: {filters: 9, padding: same}}, tanh, "
                       "{conv2d: {filters: 12, kernel: 1}}, {conv2d: {filters: 8, "
                       "kernel: 4, stride: 2, groups: 4, bias: false}}]",
                       image, 7);
    check_independence("[{dense: 6}, {conv2d: {filters: 6, groups: 6, padding: same}}, "
                       "{conv2d: {filters: 12, groups: 6, stride: 2, dilation: 2}}]",
                       image, 7);
    check_independence("[{dense: 16}, {conv2d: {filters: 16, padding: same}}, tanh, "
                       "{max_pool: 2}, {conv2d: {filters: 32, bias: false}}]",
                       image, 7);
}

/* Where several layers read the same values, each adds to their gradient in its way: by a product,
 * by one for each phase, by loops. */
Test(conv2d, gradients_of_shared_inputs_add_up)
{
    static const char *const last[] = {"b, c, d", "d, b, c", "c, d, b"};
    for (int i = 0; i < 3; i++) {
        char text[600];
        snprintf(
            text, sizeof text,
            "[{conv2d: {filters: 4, kernel: 1}}, {tanh: {name: a}}, {conv2d: {filters: "
            "4, "
            "stride: 2, name: b}}, {conv2d: {filters: 4, groups: 4, stride: 2, inputs: "
            "a, name: c}}, {conv2d: {filters: 4, kernel: 4, inputs: a, name: d}}, {add: "
            "{inputs: [%s]}}]",
            last[i]);
        check_gradients(text, NULL, 0, check_shape(3, 5, 5, 2), 2, true);
    }
}

/* Likewise tile by tile, with an activation in front whose gradient rides behind the last. */
Test(conv2d, gradients_of_inputs_shared_tile_by_tile_add_up)
{
    check_env_as("blis", 2);
    check_gradients("[{conv2d: {filters: 8, kernel: 1}}, {tanh: {name: a}}, {conv2d: "
                    "{filters: 8, padding: same, name: b}}, {conv2d: {filters: 8, "
                    "padding: same, inputs: a, name: c}}, {add: {inputs: [c, b]}}]",
                    NULL, 0, check_shape(3, 5, 6, 2), 2, true);
}

/* ---- options -------------------------------------------------------------------------- */

static void expect_output(const char *model, tn_shape input, tn_shape output)
{
    const check_net *net = check_net_new(model, NULL, 0, input, 1, 1, 1);
    const tn_shape *out = tn_graph_output(net->graph);
    cr_assert_eq(out->rank, 3);
    for (int32_t i = 0; i < 3; i++)
        cr_assert_eq(out->dim[i], output.dim[i], "%s: axis %d is %lld", model, i,
                     (long long)out->dim[i]);
}

Test(conv2d, shapes)
{
    const tn_shape image = check_shape(3, 9, 12, 4);
    expect_output("[{conv2d: 5}]", image, check_shape(3, 7, 10, 5));
    expect_output("[{conv2d: {filters: 5, padding: same}}]", image,
                  check_shape(3, 9, 12, 5));
    expect_output("[{conv2d: {filters: 5, kernel: 4, stride: 2, padding: same}}]", image,
                  check_shape(3, 5, 6, 5));
    expect_output("[{conv2d: {filters: 5, kernel: [1, 2], stride: [2, 3], padding: "
                  "explicit, pad: [1, 0]}}]",
                  image, check_shape(3, 6, 4, 5));
    expect_output(
        "[{conv2d: {filters: 5, dilation: 3, padding: explicit, pad: [3, 0, 0, 1]}}]",
        image, check_shape(3, 6, 7, 5));
}

/* With an even filter the odd zero is behind: the first output is that without padding. */
Test(conv2d, padding_same_puts_the_odd_zero_behind)
{
    check_net *net = check_net_new(
        "[{conv2d: {filters: 1, kernel: 2, padding: same, bias: false}}]", NULL, 0,
        check_shape(3, 3, 3, 1), 1, 1, 1);
    const double *x = net->x, *w = net->graph->param[0].value.data,
                 *y = check_net_output(net);
    cr_assert_float_eq(y[0], w[0] * x[0] + w[1] * x[1] + w[2] * x[3] + w[3] * x[4],
                       1e-14);
    cr_assert_float_eq(y[8], w[0] * x[8], 1e-14);
}

Test(conv2d, says_shapes_roles_and_fans)
{
    const check_net *net = check_net_new(
        "[{conv2d: {filters: 6, kernel: [2, 5], groups: 2}}]", NULL, 0,
        check_shape(3, 9, 9, 4), 1, 1, 1);
    const tn_graph_param *weight = &net->graph->param[0], *bias = &net->graph->param[1];
    const int64_t dim[] = {6, 2, 2, 5};
    cr_assert_eq(net->graph->params, 2);
    cr_assert_eq(weight->value.rank, 4);
    for (int32_t i = 0; i < 4; i++) cr_assert_eq(weight->value.dim[i], dim[i]);
    cr_assert(weight->spec.fan_in == 20 && weight->spec.fan_out == 30);
    cr_assert(weight->spec.role == TN_WEIGHT && bias->spec.role == TN_BIAS);
    cr_assert(weight->decays && !bias->decays);
}

Test(conv2d, what_cannot_be_is_refused)
{
    const tn_shape image = check_shape(3, 9, 9, 4);
    check_refuses("[conv2d]", image, "filters");
    check_refuses("[{conv2d: 0}]", image, "filters");
    check_refuses(
        "[{conv2d: {filters: 4, kernel: 0}}]", image,
        "option 'kernel': expected a whole number, or one for each axis, from 1");
    check_refuses("[{conv2d: {filters: 4, kernel: [3, 3, 3]}}]", image,
                  "option 'kernel'");
    check_refuses("[{conv2d: {filters: 4, kernel: []}}]", image, "option 'kernel'");
    check_refuses("[{conv2d: {filters: 4, stride: 0}}]", image, "option 'stride'");
    check_refuses("[{conv2d: {filters: 4, dilation: [1, 9000000000]}}]", image,
                  "option 'dilation'");
    check_refuses("[{conv2d: {filters: 4, padding: explicit, pad: -1}}]", image,
                  "option 'pad'");
    check_refuses("[{conv2d: {filters: 4, padding: explicit, pad: [1, 2, 3]}}]", image,
                  "option 'pad'");
    check_refuses("[{conv2d: {filters: 4, pad: 1}}]", image, "give both or neither");
    check_refuses("[{conv2d: {filters: 4, padding: explicit}}]", image, "go together");
    check_refuses("[{conv2d: {filters: 4, groups: 3}}]", image, "multiple of groups (3)");
    check_refuses("[{conv2d: {filters: 6, groups: 3}}]", image,
                  "4 channels cannot be cut");
    check_refuses("[{conv2d: {filters: 4, kernel: [9, 10]}}]", image,
                  "covers 10 positions of the width, which has 9");
    check_refuses("[{conv2d: {filters: 4, dilation: 5}}]", image,
                  "covers 11 positions of the height");
    check_refuses("[{conv2d: 4}]", check_shape(2, 9, 9, 0),
                  "needs an input of shape (height, width, channels), or several of them "
                  "behind further axes, got one of rank 2");
}

Test(conv2d, sizes_that_overflow_are_refused)
{
    check_refuses("[{conv2d: {filters: 2000000000, kernel: 1}}]",
                  check_shape(3, 1, 1, INT64_MAX / 8), "conv2d");
    check_refuses("[{conv2d: {filters: 2000000000, kernel: 2000000000, padding: same}}]",
                  check_shape(3, 1, 1, 2000000000), "conv2d");
    check_refuses("[{conv2d: {filters: 4, padding: explicit, pad: 2000000000}}]",
                  check_shape(3, INT64_MAX - 5, 1, 1), "the height is too large");
    check_refuses("[{conv2d: {filters: 4, padding: explicit, pad: 2000000000}}]",
                  check_shape(3, 9, 9, 1), "not possible");
    check_refuses("[{conv2d: {filters: 16, padding: explicit, pad: 2000000000}}]",
                  check_shape(3, 9, 9, 16), "not possible");
}

/* A number that is not finite reaches no further than the tiles that meet it. */
Test(conv2d, what_is_not_finite_stays_in_its_tiles)
{
    check_env_as("blis", 2);
    check_net *net = check_net_new("[{conv2d: {filters: 16, padding: same}}]", NULL, 0,
                                   check_shape(3, 12, 12, 16), 1, 0, 3);
    ((float *)net->x)[(5 * 12 + 5) * 16 + 2] = INFINITY;
    const float *y = (const float *)check_net_output(net);
    for (int i = 0; i < 12; i++)
        for (int j = 0; j < 12; j++)
            for (int f = 0; f < 16; f++) {
                const int met = i >= 4 && i <= 6 && j >= 4 && j <= 6,
                          near = i >= 4 && i <= 7 && j >= 4 && j <= 7;
                const int finite = isfinite(y[(i * 12 + j) * 16 + f]);
                cr_assert(finite ? !met : near, "%d, %d", i, j);
            }
}

/* ---- inference ------------------------------------------------------------------------ */

/* A net that only predicts packs its filters, at the second use, if the backend packs, and gives the
 * bits of filters where they lie. */
Test(conv2d, filters_are_packed_at_inference)
{
    tn_env *env = open_env("blis", 2);
    const tn_shape input = check_shape(3, 9, 9, 5);
    tn_config *config;
    tn_graph *graph = open_graph(
        env, "[{conv2d: 20}, relu, {conv2d: {filters: 7, stride: 2}}]", &input, 0,
        &config);
    const tn_plan_options options = {.samples = 3};
    const tn_pass pass = {.samples = 3};
    tn_plan *plan;
    tn_error e = {0};
    float x[3 * 9 * 9 * 5], first[3 * 3 * 3 * 7];
    const void *y;
    cr_assert_eq(tn_plan_make(graph, &options, &plan, &e), TN_OK, "%s", e.text);
    for (int i = 0; i < 3 * 9 * 9 * 5; i++) x[i] = (float)(i % 17) - 8;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(tn_plan_forward(plan, &pass, x, &y, &e), TN_OK, "%s", e.text);
        if (!i) memcpy(first, y, sizeof first);
        cr_assert_arr_eq(y, first, sizeof first);
    }
    const tn_instance *backend;
    const tn_matrix filters = {.rows = 45, .cols = 20};
    cr_assert_eq(tn_env_backend(env, 0, &backend, &e), TN_OK, "%s", e.text);
    const bool packs = tn_real_ops_of(0)->pack_size(backend, &filters) > 0;
    cr_assert_eq(graph->param[0].packed.at != NULL, packs);
    cr_assert_eq(graph->param[2].packed.at != NULL, packs);
    tn_plan_free(plan);
    tn_graph_free(graph);
    tn_config_free(config);
    tn_env_free(env);
}

/* Of `samples` images, on a backend; a net that folds, pools and packs. The result of the third
 * forward pass, which is that of the first. */
static void predict_tiles(const char *backend, int64_t samples, const float *x, float *to)
{
    static const char text[] =
        "[{conv2d: {filters: 32, padding: same}}, batch_norm, relu, {max_pool: 2}, "
        "{conv2d: {filters: 16, bias: false}}]";
    tn_env *env = open_env(backend, 2);
    const tn_shape input = check_shape(3, 12, 14, 16);
    tn_config *config;
    tn_graph *graph = open_graph(env, text, &input, 0, &config);
    const tn_plan_options options = {.samples = samples};
    const tn_pass pass = {.samples = samples};
    tn_plan *plan;
    tn_error e = {0};
    const void *y;
    const size_t bytes = (size_t)(samples * 4 * 5 * 16) * sizeof *to;
    float *mean = graph->state[0].value.data;
    for (int i = 0; i < 32; i++) mean[i] = (float)i / 8;
    cr_assert_eq(tn_plan_make(graph, &options, &plan, &e), TN_OK, "%s", e.text);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(tn_plan_forward(plan, &pass, x, &y, &e), TN_OK, "%s", e.text);
        if (!i) memcpy(to, y, bytes);
        cr_assert_arr_eq(y, to, bytes);
    }
    tn_plan_free(plan);
    tn_graph_free(graph);
    tn_config_free(config);
    tn_env_free(env);
}

Test(conv2d, tiles_are_folded_and_packed_at_inference)
{
    enum { SAMPLES = 5, IN = 12 * 14 * 16, OUT = 4 * 5 * 16 };
    static float x[SAMPLES * IN], want[SAMPLES * OUT], got[SAMPLES * OUT];
    for (int i = 0; i < SAMPLES * IN; i++) x[i] = (float)(i * 7 % 23) / 8 - 1;
    predict_tiles("reference", SAMPLES, x, want);
    predict_tiles("blis", SAMPLES, x, got);
    for (int i = 0; i < SAMPLES * OUT; i++)
        cr_assert_float_eq(got[i], want[i], 2e-5, "%d: %g, not %g", i, got[i], want[i]);
    predict_tiles("blis", 1, x + 2 * IN, want);
    cr_assert_arr_eq(want, got + 2 * OUT, sizeof *want * OUT);
}
