/* rnn.c - layer/rnn: against PyTorch 1.13, gradients, threads and backends, masks of dropout and
 * zoneout, first values, stacks, what is refused. */
#include "tests/support/masking.h"
#include "tests/support/recurrent_options.h"
#include "tests/support/recurrent_torch.h"

static const recurrent_kind kind = {"rnn", 0, ""};

Test(rnn, as_in_pytorch)
{
    check_torch("layers", "rnn");
}

Test(rnn, matches_torch_with_options)
{
    recurrent_matches_torch_with_options("rnn", 0);
}

Test(rnn, gradients)
{
    recurrent_gradients("rnn", "", 1);
    recurrent_gradients("rnn", ", nonlinearity: relu", 4);
}

Test(rnn, gradients_through_many_steps)
{
    recurrent_long_gradients("rnn");
}

Test(rnn, option_gradients)
{
    static const recurrent_kind rectified = {"rnn", 0, ", nonlinearity: relu"};
    recurrent_option_gradients(&kind, 1);
    check_precisions("[{rnn: {units: 8, nonlinearity: relu, layer_norm: true, zoneout: "
                     "0.2}}]",
                     NULL, 0, check_shape(2, 6, 5, 0), 4, 1e-4);
    recurrent_padding_changes_nothing(&rectified);
}

/* With rectifiers, whose units may all be dead by chance: not of random models. */
Test(rnn, option_gradients_of_rectifiers)
{
    static const char *const options[] = {
        "layer_norm: true, zoneout: 0.3",
        "zoneout: 0.2, recurrent_dropout: 0.3, stateful: 8",
        "layer_norm: true, direction: bidirectional, input_dropout: 0.3",
        "direction: reverse, return_sequences: true"};
    char model[400];
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        snprintf(model, sizeof model,
                 "[{dense: {name: sequence, units: 3}}, {toy_lengths: {name: length, "
                 "inputs: input}}, {rnn: {units: 6, inputs: [sequence, length], lengths: "
                 "true, nonlinearity: relu, %s}}]",
                 options[i]);
        for (int64_t steps = 1; steps < 6; steps += 2)
            check_gradients(model, NULL, 0, check_shape(2, steps, 2, 0), 7, true);
    }
}

/* What a unit holds fades by a tenth at each step, and its bias keeps it from the kink, so that gradients go
 * through all steps. */
Test(rnn, gradients_of_rectifiers_through_many_steps)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        check_net *net = check_net_new(
            "[{dense: 3}, {rnn: {units: 4, nonlinearity: relu}}, {dense: 2}]", NULL, 0,
            check_shape(2, 50, 2, 0), 3, 1, seed);
        double *r =
            net->graph->param[check_net_param(net, "rnn.recurrent_weight")].value.data;
        double *bias = net->graph->param[check_net_param(net, "rnn.bias")].value.data;
        for (int i = 0; i < 16; i++) r[i] = 0.05 * r[i] + (i % 5 ? 0 : 0.9);
        for (int i = 0; i < 4; i++) bias[i] = 3;
        if (check_net_gradients(net)) return;
    }
    cr_assert_fail("a kink lies near each of 40 sets of numbers");
}

Test(rnn, padding_changes_nothing)
{
    recurrent_padding_changes_nothing(&kind);
}

Test(rnn, more_padding_changes_nothing)
{
    recurrent_more_padding_changes_nothing(&kind);
}

Test(rnn, ends_where_samples_do)
{
    recurrent_ends_where_samples_do(&kind);
}

Test(rnn, samples_are_apart)
{
    recurrent_samples_are_apart(&kind);
}

Test(rnn, is_the_same_without_gradients)
{
    recurrent_is_the_same_without_gradients(&kind);
}

Test(rnn, options_are_reproducible)
{
    recurrent_options_are_reproducible(&kind);
}

Test(rnn, dropout_hides_as_zeros_of_weights_would)
{
    recurrent_dropout_hides(&kind);
}

Test(rnn, carries_states)
{
    recurrent_carries_states(&kind);
}

Test(rnn, options_of_1_let_nothing_through)
{
    recurrent_has_an_end(&kind);
}

Test(rnn, options_refuse)
{
    recurrent_options_refuse(&kind);
    recurrent_refuses_numbers(&kind);
}

Test(rnn, is_reproducible)
{
    recurrent_is_reproducible("rnn");
}

Test(rnn, is_reproducible_when_wide)
{
    recurrent_is_reproducible_when_wide("rnn", "");
}

Test(rnn, refuses)
{
    recurrent_refuses("rnn");
    recurrent_refused("rnn", "{units: 3, nonlinearity: sine}", check_shape(2, 4, 3, 0),
                      "tanh");
}

/* With W = 0, b = 1 and R the identity a unit that is kept grows, h_t = 1 + h_(t-1) / (1 - p), and
 * one that is hidden stays at 1. */
static check_net *counting_with(const char *option, int64_t samples)
{
    char model[200];
    snprintf(model, sizeof model,
             "[{rnn: {units: 64, nonlinearity: relu, return_sequences: true, %s: 0.5}}]",
             option);
    check_net *net = check_net_new(model, NULL, 0, check_shape(2, 4, 1, 0), samples, 1,
                                   1);
    double *w = net->graph->param[0].value.data, *r = net->graph->param[1].value.data,
           *b = net->graph->param[2].value.data;
    for (int i = 0; i < 64; i++) {
        w[i] = 0, b[i] = 1;
        for (int j = 0; j < 64; j++) r[i * 64 + j] = i == j;
    }
    return net;
}

static check_net *counting(void)
{
    return counting_with("recurrent_dropout", 6);
}

Test(rnn, recurrent_dropout_hides_the_same_units_at_all_steps)
{
    int hidden = 0;
    check_net *net = counting();
    const double *y = check_net_output(net);
    for (int s = 0; s < 6; s++)
        for (int j = 0; j < 64; j++) {
            const double *h = y + s * 4 * 64 + j;
            const int grows = h[64] > 1;
            hidden += !grows;
            for (int t = 0; t < 4; t++)
                cr_assert_eq(h[t * 64], grows ? (double)((2 << t) - 1) : 1);
        }
    cr_assert(hidden > 150 && hidden < 234, "%d of 384", hidden);
}

Test(rnn, recurrent_dropout_counts_samples_of_the_logical_batch)
{
    double all[6 * 4 * 64];
    check_net *net = counting();
    memcpy(all, check_net_output(net), sizeof all);
    net->pass.row = 2, net->pass.samples = 4;
    cr_assert(!memcmp(all + 2 * 4 * 64, check_net_output(net), sizeof all / 6 * 4));
}

Test(rnn, recurrent_dropout_is_for_training)
{
    check_net *net = counting();
    net->pass.training = false;
    const double *y = check_net_output(net);
    for (int j = 0; j < 4 * 64; j++) cr_assert_eq(y[j], 1 + j / 64);
}

/* A unit that is kept has the state before, another one is one larger: of 2^20 draws half, and of the
 * units one in eight at all four steps or at none, both within five standard deviations. */
Test(rnn, zoneout_keeps_other_units_at_each_step)
{
    enum { SAMPLES = 4096, UNITS = SAMPLES * 64, DRAWS = 4 * UNITS };
    double kept = 0, alike = 0;
    check_net *net = counting_with("zoneout", SAMPLES);
    const double *y = check_net_output(net);
    for (int i = 0; i < UNITS; i++) {
        const double *h = y + i / 64 * 4 * 64 + i % 64;
        int stays = 0;
        for (int t = 0; t < 4; t++) {
            const double before = t ? h[(t - 1) * 64] : 0;
            cr_assert(h[t * 64] == before || h[t * 64] == before + 1);
            stays += h[t * 64] == before;
        }
        kept += stays, alike += stays == 0 || stays == 4;
    }
    cr_assert_float_eq(kept, DRAWS / 2, 5 * sqrt(DRAWS / 4), "%g", kept);
    cr_assert_float_eq(alike, UNITS / 8, 5 * sqrt(UNITS * 7 / 64.), "%g", alike);
}

Test(rnn, zoneout_is_its_mean_outside_training)
{
    check_net *net = counting_with("zoneout", 6);
    net->pass.training = false;
    const double *y = check_net_output(net);
    for (int j = 0; j < 4 * 64; j++) cr_assert_eq(y[j], (1 + j / 64) / 2.0);
}

/* W = I, R = 0: the output is the input. */
static check_net *showing(void)
{
    check_net *net = check_net_new(
        "[{rnn: {units: 32, nonlinearity: relu, return_sequences: true, bias: false, "
        "input_dropout: 0.5}}]",
        NULL, 0, check_shape(2, 4, 32, 0), 6, 1, 1);
    double *w = net->graph->param[0].value.data, *r = net->graph->param[1].value.data,
           *x = net->x;
    for (int i = 0; i < 32 * 32; i++) w[i] = i % 33 == 0, r[i] = 0;
    for (int i = 0; i < 6 * 4 * 32; i++) x[i] = 1 + i % 4;
    return net;
}

Test(rnn, input_dropout_hides_the_same_features_at_all_steps)
{
    int hidden = 0;
    check_net *net = showing();
    const double *y = check_net_output(net), *x = net->x;
    for (int s = 0; s < 6; s++)
        for (int j = 0; j < 32; j++) {
            const int at = s * 4 * 32 + j, gone = y[at] == 0;
            hidden += gone;
            for (int t = 0; t < 4; t++)
                cr_assert_eq(y[at + t * 32], gone ? 0 : 2 * x[at + t * 32]);
        }
    cr_assert(hidden > 68 && hidden < 124, "%d of 192", hidden);
    net->pass.training = false;
    cr_assert(!memcmp(check_net_output(net), x, sizeof *x * 6 * 4 * 32));
}

/* What dropout makes of the ones of 64 units, or features, of a sample: 0 or 1 / 0.7. A layer behind
 * `before`; `direction` 1 is the reverse one. */
static double *masks_of(const char *option, const char *before, uint64_t step,
                        int32_t direction)
{
    enum { UNITS = 64, MOST = MASK_MANY / UNITS };
    const int of_states = !strcmp(option, "recurrent_dropout");
    char model[300];
    snprintf(model, sizeof model,
             "[%s{rnn: {units: 64, nonlinearity: relu, return_sequences: true, "
             "direction: bidirectional, %s: 0.3}}]",
             before, option);
    check_net *net = check_net_new(model, NULL, 0, check_shape(2, 2, UNITS, 0), MOST, 1,
                                   1);
    double *x = net->x, *mask = check_room(MASK_MANY, sizeof *mask);
    for (int64_t i = 0; i < MOST * net->inputs; i++) x[i] = 1;
    for (int32_t p = 0; p < 6; p++) {
        tn_tensor *t = &net->graph->param[p].value;
        double *v = t->data;
        const int is_shown = p % 3 == of_states;
        for (int64_t i = 0; i < tn_count(t); i++)
            v[i] = p % 3 == 2 ? of_states : is_shown && i % (UNITS + 1) == 0;
    }
    net->pass.step = step;
    const double *y = check_net_output(net);
    for (int64_t i = 0; i < MASK_MANY; i++) { /* the second step of states, or the last */
        const int64_t row = 2 * (i / UNITS) + (direction ? 0 : 1);
        mask[i] = y[(2 * row + direction) * UNITS + i % UNITS] - of_states;
    }
    return mask;
}

/* Of units, features and both directions, in layers and steps of their own. */
Test(rnn, masks_obey_their_law_and_are_independent)
{
    check_env_as("blis", 2);
    const double *input = masks_of("input_dropout", "", 0, 0);
    const double *state = masks_of("recurrent_dropout", "", 0, 0);
    for (int k = 0; k < 2; k++) {
        const char *option = k ? "recurrent_dropout" : "input_dropout";
        const double *a = k ? state : input;
        mask_has_two_points(a, MASK_MANY, 0.3, 1 / 0.7, 0);
        mask_is_apart(a, masks_of(option, "", 1, 0), MASK_MANY, "two steps");
        mask_is_apart(a, masks_of(option, "", 0, 1), MASK_MANY, "two directions");
        mask_is_apart(a, masks_of(option, "{dropout: 0}, ", 0, 0), MASK_MANY,
                      "two layers");
        mask_is_apart(a, a + 1, MASK_MANY - 1, "neighbours");
        mask_is_apart(a, a + 64, MASK_MANY - 64, "two samples");
    }
    mask_is_apart(input, state, MASK_MANY, "inputs and states");
}

Test(rnn, begins_as_an_identity)
{
    tn_config *config;
    const tn_shape shape = check_shape(2, 4, 3, 0);
    tn_graph *g = open_graph(
        check_env(),
        "[{rnn: {units: 6, nonlinearity: relu, return_sequences: true, "
        "recurrent_initializer: identity}}, {lstm: {units: 2, recurrent_initializer: "
        "{identity: 0.5}}}]",
        &shape, 1, &config);
    const double *r = g->param[1].value.data, *of_gates = g->param[4].value.data;
    for (int i = 0; i < 36; i++) cr_assert_eq(r[i], i % 7 == 0);
    for (int i = 0; i < 16; i++) cr_assert_eq(of_gates[i], i % 4 % 3 == 0 ? 0.5 : 0);
    tn_graph_free(g);
    tn_config_free(config);
}

/* Stacks are made by blocks; a sequence that comes features first is turned. */
Test(rnn, stacks_and_turns)
{
    const tn_shape turned = check_shape(2, 3, 5, 0), shape = check_shape(2, 5, 3, 0);
    check_gradients("[{transpose: [1, 0]}, {repeat: {times: 3, body: [{rnn: {units: 3, "
                    "return_sequences: true}}]}}, {sequential: [{gru: {units: 2, "
                    "return_sequences: true}}, {lstm: 4}]}]",
                    NULL, 0, turned, 2, true);
    check_net *a = check_net_new("[{transpose: [1, 0]}, {rnn: 4}]", NULL, 0, turned, 2, 1,
                                 3),
              *b = check_net_new("[{rnn: 4}]", NULL, 0, shape, 2, 1, 3);
    const double *x = a->x;
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < 15; i++)
            ((double *)b->x)[s * 15 + i] = x[s * 15 + i % 3 * 5 + i / 3];
    cr_assert(!memcmp(check_net_output(a), check_net_output(b), sizeof *x * 8));
}
