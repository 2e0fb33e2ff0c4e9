/* lstm.c - layer/lstm: against PyTorch gradients, threads and backends, first values, what is
 * refused. */
#include "tests/support/masking.h"
#include "tests/support/recurrent_options.h"
#include "tests/support/recurrent_torch.h"

static const recurrent_kind kind = {"lstm", 1, ""};

Test(lstm, as_in_pytorch)
{
    check_torch("layers", "lstm");
}

Test(lstm, matches_torch_with_options)
{
    recurrent_matches_torch_with_options("lstm", 4);
}

Test(lstm, matches_torch_with_options_of_cells)
{
    static const recurrent_option o[] = {
        {"state", ", return_state: true", 1, 0},
        {"state-both", ", return_state: true, direction: bidirectional", 1, 16},
        {"projection", ", projection: 2, return_sequences: true", 0, 0},
        {"projection-last", ", projection: 2", 1, 0},
        {"projection-state",
         ", projection: 2, return_state: true, direction: bidirectional", 1, 12},
        {"zoneout-cell", ", zoneout: 0.1, zoneout_cell: 0.4, return_sequences: true", 0,
         0},
        {"all",
         ", projection: 2, return_state: true, direction: bidirectional, layer_norm: "
         "true, zoneout: 0.2, zoneout_cell: 0.3",
         1, 12},
    };
    recurrent_options_match_torch("lstm", o, sizeof o / sizeof *o);
}

Test(lstm, gradients)
{
    recurrent_gradients("lstm", "", 1);
}

Test(lstm, gradients_through_many_steps)
{
    recurrent_long_gradients("lstm");
}

Test(lstm, option_gradients)
{
    recurrent_option_gradients(&kind, 1);
}

Test(lstm, padding_changes_nothing)
{
    recurrent_padding_changes_nothing(&kind);
}

Test(lstm, more_padding_changes_nothing)
{
    recurrent_more_padding_changes_nothing(&kind);
}

Test(lstm, ends_where_samples_do)
{
    recurrent_ends_where_samples_do(&kind);
}

Test(lstm, samples_are_apart)
{
    recurrent_samples_are_apart(&kind);
}

Test(lstm, is_the_same_without_gradients)
{
    recurrent_is_the_same_without_gradients(&kind);
}

/* Also of a schedule that is at 0. */
Test(lstm, options_of_0_change_nothing)
{
    mask_changes_nothing("[{lstm: {units: 5, input_dropout: 0, recurrent_dropout: "
                         "{warmup: {schedule: 0.5, "
                         "steps: 9}}, zoneout: 0, zoneout_cell: 0}}, {dense: 3}]",
                         "[{lstm: 5}, {dense: 3}]", check_shape(2, 4, 6, 0));
}

/* With all gates at 1 a cell grows by 1 at each step, if it does not stay as it was: half of 2^20 do, and
 * of all four steps none or each in one of eight, as far as five standard errors. Where a cell stays has
 * nothing to do with where a state does. */
Test(lstm, zoneout_of_cells_obeys_its_law)
{
    enum { UNITS = 16, SAMPLES = MASK_MANY / UNITS / 4, MANY = SAMPLES * UNITS };
    check_net *net = check_net_new(
        "[{lstm: {units: 16, return_sequences: true, return_state: true, zoneout: 0.5, "
        "zoneout_cell: 0.5}}]",
        NULL, 0, check_shape(2, 4, 1, 0), SAMPLES, 1, 1);
    double kept = 0, alike = 0, *cell = check_room(MANY, sizeof *cell),
           *state = check_room(MANY, sizeof *state);
    for (int32_t p = 0; p < 3; p++) {
        tn_tensor *t = &net->graph->param[p].value;
        for (int64_t i = 0; i < tn_count(t); i++)
            ((double *)t->data)[i] = p == 2 ? 40 : 0;
    }
    const double *y = check_net_output(net);
    for (int i = 0; i < MANY; i++) {
        const double *h = y + i / UNITS * 4 * 2 * UNITS + i % UNITS, *c = h + UNITS;
        int stays = 0;
        for (int t = 0; t < 4; t++) {
            const double before = t ? c[(t - 1) * 2 * UNITS] : 0;
            const double now = c[t * 2 * UNITS];
            cr_assert(now == before || now == before + 1);
            stays += now == before;
        }
        kept += stays, alike += stays == 0 || stays == 4;
        cell[i] = c[0], state[i] = h[0] > 0;
    }
    cr_assert_float_eq(kept, MASK_MANY / 2, 5 * sqrt(MASK_MANY / 4), "%g", kept);
    cr_assert_float_eq(alike, MANY / 8, 5 * sqrt(MANY * 7 / 64.), "%g", alike);
    mask_is_apart(cell, state, MANY, "cells and states");
    mask_is_apart(cell, cell + 1, MANY - 1, "neighbours");
    mask_is_apart(cell, cell + UNITS, MANY - UNITS, "two samples");
}

Test(lstm, options_are_reproducible)
{
    recurrent_options_are_reproducible(&kind);
}

Test(lstm, dropout_hides_as_zeros_of_weights_would)
{
    recurrent_dropout_hides(&kind);
}

Test(lstm, carries_states)
{
    recurrent_carries_states(&kind);
}

Test(lstm, options_of_1_let_nothing_through)
{
    recurrent_has_an_end(&kind);
}

Test(lstm, options_refuse)
{
    recurrent_options_refuse(&kind);
    recurrent_refuses_numbers(&kind);
    recurrent_refused("lstm", "{units: 3, projection: 3}", check_shape(2, 4, 3, 0),
                      "below units");
    recurrent_refused("lstm", "{units: 3, zoneout_cell: -0.1}", check_shape(2, 4, 3, 0),
                      "zoneout_cell");
}

/* With open gates and g = 1 a cell is one larger after each step, or kept: at each step a quarter of
 * them, others each time, within five standard deviations. */
Test(lstm, zoneout_cell_keeps_other_cells_at_each_step)
{
    enum { SAMPLES = 1024, UNITS = 64, STEPS = 4, CELLS_OF_ALL = SAMPLES * UNITS };
    check_net *net = check_net_new(
        "[{lstm: {units: 64, return_sequences: true, return_state: true, zoneout_cell: "
        "0.25}}]",
        NULL, 0, check_shape(2, STEPS, 1, 0), SAMPLES, 1, 1);
    for (int32_t i = 0; i < 3; i++) {
        const tn_tensor *w = &net->graph->param[i].value;
        for (int64_t j = 0; j < tn_count(w); j++)
            ((double *)w->data)[j] = i == 2 ? 50 : 0;
    }
    const double *y = check_net_output(net);
    double kept = 0, never = 0;
    for (int i = 0; i < CELLS_OF_ALL; i++) {
        const double *c = y + i / UNITS * STEPS * 2 * UNITS + UNITS + i % UNITS;
        double before = 0;
        int stays = 0;
        for (int t = 0; t < STEPS; t++, before = *c, c += 2 * UNITS) {
            const double grown = *c - before;
            cr_assert(grown == 0 || fabs(grown - 1) < 1e-12, "grows by %g", grown);
            stays += grown == 0;
        }
        kept += stays, never += !stays;
    }
    const double all = STEPS * CELLS_OF_ALL, share = pow(0.75, STEPS);
    cr_assert_float_eq(kept, all / 4, 5 * sqrt(all * 3 / 16), "%g of %g", kept, all);
    cr_assert_float_eq(never, CELLS_OF_ALL * share,
                       5 * sqrt(CELLS_OF_ALL * share * (1 - share)), "%g", never);
}

/* What the encoder knows at its end, the decoder begins with. */
Test(lstm, hands_its_state_to_another)
{
    check_learns("[{lstm: {units: 6, return_state: true, name: encoder}}, {lstm: {units: "
                 "6, inputs: [input, encoder], return_sequences: true}}, {dense: 2}]",
                 "mse", 0, check_shape(2, 5, 3, 0), 4, 400, 0.3, 0.1);
}

/* Xavier's variance is of one gate's fans, 2 / (features + units). */
Test(lstm, draws_by_the_fans_of_a_gate)
{
    tn_config *config;
    const tn_shape shape = check_shape(2, 3, 100, 0);
    tn_graph *g = open_graph(check_env(), "[{lstm: 60}]", &shape, 1, &config);
    const double *w = g->param[0].value.data;
    double squares = 0;
    for (int i = 0; i < 24000; i++) squares += w[i] * w[i];
    cr_assert_float_eq(squares / 24000, 2.0 / 160, 0.05 * 2 / 160);
    tn_graph_free(g);
    tn_config_free(config);
}

Test(lstm, is_reproducible)
{
    recurrent_is_reproducible("lstm");
}

Test(lstm, is_reproducible_when_wide)
{
    recurrent_is_reproducible_when_wide("lstm", ", projection: 258, zoneout_cell: 0.1");
}

Test(lstm, refuses)
{
    recurrent_refuses("lstm");
}

static void free_graph(void *graph)
{
    tn_graph_free(graph);
}

static void free_config(void *config)
{
    tn_config_free(config);
}

/* With the first values that its layer asks for. */
static const tn_graph *made(const char *model)
{
    tn_config *config;
    const tn_shape shape = check_shape(2, 3, 5, 0);
    tn_graph *graph = open_graph(check_env(), model, &shape, 1, &config);
    check_keep(config, free_config);
    check_keep(graph, free_graph);
    return graph;
}

Test(lstm, forget_gates_begin_open)
{
    const char *const model[] = {"[{lstm: 2}]",
                                 "[{lstm: {units: 2, forget_bias: -0.5}}]"};
    const double open[] = {1, -0.5};
    for (int i = 0; i < 2; i++) {
        const tn_graph *g = made(model[i]);
        const double *bias = g->param[2].value.data;
        for (int j = 0; j < 8; j++) cr_assert_eq(bias[j], j / 2 == 1 ? open[i] : 0);
    }
}

/* Fans are those of one gate; each gate's recurrent weights are orthogonal. */
Test(lstm, says_role_and_fans)
{
    const tn_graph *g = made("[{lstm: {units: 2, direction: bidirectional}}]");
    cr_assert_eq(g->params, 6);
    cr_assert_str_eq(g->param[4].name, "lstm.recurrent_weight_reverse");
    for (int i = 0; i < 6; i++) {
        const tn_param_spec *s = &g->param[i].spec;
        cr_assert_eq(s->role, i % 3 == 2 ? TN_BIAS : TN_WEIGHT);
        cr_assert_eq(s->fan_out, 2);
        cr_assert_eq(s->fan_in, i % 3 == 1 ? 2 : 5);
        cr_assert_eq(g->param[i].value.dim[0], 8);
    }
    const double *r = g->param[1].value.data;
    for (int gate = 0; gate < 4; gate++, r += 4) {
        cr_assert_float_eq(r[0] * r[0] + r[1] * r[1], 1, 1e-14);
        cr_assert_float_eq(r[0] * r[2] + r[1] * r[3], 0, 1e-14);
    }
    cr_assert(memcmp(r - 4, r - 8, 4 * sizeof *r));
}

Test(lstm, learns)
{
    check_learns("[{lstm: {units: 12, return_sequences: true}}, {gru: 10}, {dense: 2}]",
                 "mse", 0, check_shape(2, 7, 3, 0), 6, 400, 0.3, 0.05);
}
