/* recurrent_options.h - what the options of recurrent layers promise, for the suites of all three:
 * gradients, samples that do not see each other nor their padding, threads, states that are carried.
 * Lengths come from the toy toy_lengths, a function of each sample's first value. */
#ifndef TESTS_SUPPORT_RECURRENT_OPTIONS_H
#define TESTS_SUPPORT_RECURRENT_OPTIONS_H

#include "tests/support/recurrent.h"

/* ---- models ---------------------------------------------------------------------------- */

typedef struct recurrent_kind {
    const char *layer;
    int cells;        /* has cell states and their options */
    const char *more; /* further options, ", nonlinearity: relu" */
} recurrent_kind;

/* A layer with random options, behind others through which gradients of all inputs show. `units`
 * from `least` on. */
static void recurrent_random_model(const recurrent_kind *k, int64_t least,
                                   char model[900])
{
    static const char *const direction[] = {"forward", "reverse", "bidirectional"};
    const int64_t way = recurrent_below(3), kind = recurrent_below(4);
    const bool ragged = recurrent_below(3) > 0, first = kind == 1;
    const bool norm = recurrent_below(2), last = recurrent_below(2);
    const int64_t units = (norm ? 4 : least) + recurrent_below(4);
    const int64_t small = k->cells && units > 1 && recurrent_below(2)
                              ? 1 + recurrent_below(units - 1)
                              : 0;
    const int64_t states = (way == 2 ? 2 : 1) *
                           ((small ? small : units) + (k->cells ? units : 0));
    char begin[200] = "", cells[200] = "";
    if (first)
        snprintf(begin, sizeof begin,
                 "{flatten: {name: flat, inputs: input}}, {dense: {name: first, units: "
                 "%d}}, ",
                 (int)states);
    if (k->cells)
        snprintf(cells, sizeof cells,
                 ", projection: %d, return_state: %s, zoneout_cell: %s", (int)small,
                 recurrent_below(2) ? "true" : "false", recurrent_below(2) ? "0.3" : "0");
    snprintf(model, 900,
             "[{dense: {name: sequence, units: %d}}, %s%s{%s: {units: %d, inputs: "
             "[sequence%s%s], lengths: %s, "
             "return_sequences: %s, direction: %s, stateful: %d, bias: %s, layer_norm: "
             "%s, zoneout: %s, input_dropout: %s, recurrent_dropout: %s%s%s}}]",
             (int)(1 + recurrent_below(9)),
             ragged ? "{toy_lengths: {name: length, inputs: input}}, " : "", begin,
             k->layer, (int)units, ragged ? ", length" : "", first ? ", first" : "",
             ragged ? "true" : "false", last ? "false" : "true", direction[way],
             kind == 2 && !way ? 16 : 0, recurrent_below(4) ? "true" : "false",
             norm ? "true" : "false", recurrent_below(2) ? "0.3" : "0",
             recurrent_below(2) ? "0.4" : "0", recurrent_below(2) ? "0.4" : "0", cells,
             k->more);
}

/* ---- both ends -------------------------------------------------------------------------- */

static check_net *recurrent_at_its_end(const recurrent_kind *k, const char *options)
{
    char model[400];
    snprintf(model, sizeof model, "[{%s: {units: 5, return_sequences: true, %s%s}}]",
             k->layer, options, k->more);
    return check_net_new(model, NULL, 0, check_shape(2, 4, 6, 0), 7, 1, 1);
}

static void recurrent_puts_out_zeros(check_net *net)
{
    const double *y = check_net_output(net);
    for (int64_t j = 0; j < 7 * net->outputs; j++) cr_assert_eq(y[j], 0);
}

/* At 1 states stay as they began, the input is hidden whatever it is, and the next step sees no state. */
TN_UNUSED static void recurrent_has_an_end(const recurrent_kind *k)
{
    char name[80];
    check_net *stays = recurrent_at_its_end(k, k->cells ? "zoneout: 1, zoneout_cell: 1"
                                                        : "zoneout: 1"),
              *blind = recurrent_at_its_end(k, "bias: false, input_dropout: 1"),
              *none = recurrent_at_its_end(k, "recurrent_dropout: 1"),
              *zero = recurrent_at_its_end(k, "recurrent_dropout: 0");
    recurrent_puts_out_zeros(stays);
    check_net_loss(stays, true);
    for (int32_t i = 0; i < stays->graph->params; i++) {
        const tn_tensor g = tn_plan_gradient(stays->plan, i);
        for (int64_t j = 0; j < tn_count(&g); j++) cr_assert_eq(((double *)g.data)[j], 0);
    }
    stays->pass.training = false;
    recurrent_puts_out_zeros(stays);

    ((double *)blind->x)[3] = INFINITY, ((double *)blind->x)[9] = NAN;
    recurrent_puts_out_zeros(blind);

    snprintf(name, sizeof name, "%s.recurrent_weight", k->layer);
    tn_tensor *r = &zero->graph->param[check_net_param(zero, name)].value;
    memset(r->data, 0, sizeof(double) * (size_t)tn_count(r));
    tn_graph_changed(zero->graph);
    const double *hidden = check_net_output(none), *without = check_net_output(zero);
    for (int64_t j = 0; j < 7 * none->outputs; j++) cr_assert_eq(hidden[j], without[j]);
}

/* ---- gradients ------------------------------------------------------------------------- */

TN_UNUSED static void recurrent_option_gradients(const recurrent_kind *k, int64_t least)
{
    const int64_t rounds = test_rounds(60, 300);
    char model[900];
    check_env_as("reference", 1); /* nets this small only wait for a second thread */
    for (int64_t i = 0; i < rounds; i++) {
        recurrent_random_model(k, least, model);
        check_gradients(model, NULL, 0,
                        check_shape(2, 1 + recurrent_below(6), 1 + recurrent_below(4), 0),
                        6 + least + recurrent_below(4), i % 3 != 0);
    }
    const int64_t far = test_rounds(test_sanitized() ? 3 : 10, 40);
    for (int64_t i = 0; i < far; i++) { /* through many steps */
        recurrent_random_model(k, least, model);
        check_gradients(model, NULL, 0, check_shape(2, 50, 2, 0), 2, true);
    }
}

/* ---- nets with the same numbers ---------------------------------------------------------- */

static check_net *recurrent_net(const char *model, tn_shape shape, int64_t samples,
                                int32_t real)
{
    return check_net_new(model, NULL, 0, shape, samples, real, 5);
}

/* ---- padding ----------------------------------------------------------------------------- */

static int64_t recurrent_length(const check_net *net, int64_t sample, int64_t steps)
{
    const double part = fabs(recurrent_number(net->real, net->x, sample * net->inputs));
    const int64_t length = 1 + (int64_t)(part * (double)steps);
    return part < 0.05 ? 0 : length < steps ? length : steps;
}

/* From each sample's end on. Its first value has to stay, even of a sample of no steps. */
static void recurrent_pad(check_net *net, int64_t steps, double with)
{
    const int64_t features = net->inputs / steps;
    for (int64_t s = 0; s < net->samples; s++)
        for (int64_t i = recurrent_length(net, s, steps) * features; i < net->inputs;
             i++) {
            if (!i) continue;
            if (net->real)
                ((double *)net->x)[s * net->inputs + i] = with;
            else
                ((float *)net->x)[s * net->inputs + i] = (float)with;
        }
}

static void recurrent_same_padded(const char *model, const char *backend, int32_t real,
                                  double a, double b)
{
    const tn_shape shape = check_shape(2, 7, 3, 0);
    int64_t count;
    check_env_as(backend, 2);
    check_net *net = recurrent_net(model, shape, 9, real);
    recurrent_pad(net, 7, a);
    const double *with_a = check_net_numbers(net, &count);
    recurrent_pad(net, 7, b);
    const double *with_b = check_net_numbers(net, &count);
    for (int64_t i = 0; i < count; i++)
        cr_assert(isfinite(with_b[i]) && !memcmp(&with_a[i], &with_b[i], sizeof *with_a),
                  "%s: number %lld depends on the padding: %.17g and %.17g", model,
                  (long long)i, with_a[i], with_b[i]);
}

/* NaN that a layer reads itself; numbers where one before it reads them. */
static void recurrent_padding_of(const recurrent_kind *k, const char *options)
{
    char model[600];
    for (int i = 0; i < 8; i++) {
        const bool before = i % 2;
        snprintf(model, sizeof model,
                 "[%s{toy_lengths: {name: length, inputs: input}}, {%s: {inputs: [%s, "
                 "length], lengths: true, %s%s%s}}]",
                 before ? "{dense: {units: 5, name: before}}, " : "", k->layer,
                 before ? "before" : "input",
                 strstr(options, "units") ? "" : "units: 9, ", options, k->more);
        recurrent_same_padded(model, i / 2 % 2 ? "blis" : "reference", i / 4, 0.25,
                              before ? -3.5 : NAN);
    }
}

TN_UNUSED static void recurrent_padding_changes_nothing(const recurrent_kind *k)
{
    static const char *const options[] = {
        "return_sequences: true, direction: bidirectional, input_dropout: 0.3",
        "direction: bidirectional, layer_norm: true, zoneout: 0.3",
        "return_sequences: true, direction: reverse, recurrent_dropout: 0.3",
        "layer_norm: true, return_sequences: true",
        "stateful: 9, zoneout: 0.2",
        "units: 6",
        "return_state: true, projection: 4, zoneout_cell: 0.3, direction: bidirectional",
        "return_state: true, projection: 4, return_sequences: true"};
    const size_t all = sizeof options / sizeof *options;
    for (size_t i = 0; i < (k->cells ? all : all - 2); i++)
        recurrent_padding_of(k, options[i]);
}

/* Numbers of as many steps as a sample has, its share of them; zeros behind. */
static void recurrent_cut(const check_net *net, int64_t steps, int64_t common)
{
    const int64_t features = net->inputs / steps;
    for (int64_t s = 0; s < net->samples; s++)
        for (int64_t t = 0; t < steps; t++)
            for (int64_t i = 0; i < features; i++) {
                const int64_t at = (s * steps + t) * features + i;
                const double value = t < s % (common + 1)
                                         ? sin((double)(s * 99 + t * 9 + i + 1))
                                         : 0;
                if (net->real)
                    ((double *)net->x)[at] = value;
                else
                    ((float *)net->x)[at] = (float)value;
            }
}

/* Those of each sample that is padded more, from its first on; behind the others there are zeros. */
static void recurrent_same_rows(const double *want, int64_t width, const double *got,
                                int64_t longer, int64_t samples, double tolerance,
                                const char *what)
{
    double *same = check_room(samples * longer, sizeof *same);
    for (int64_t s = 0; s < samples; s++)
        memcpy(same + s * longer, want + s * width, sizeof *same * (size_t)width);
    check_alike(got, same, samples * longer, tolerance, what);
}

/* Batches that are padded to 7 and to 11 steps: outputs and, where these are as many, gradients. Where
 * the backend makes the product of more rows in another way, digits may differ. */
static void recurrent_same_longer(const char *model, const char *backend, int32_t real,
                                  bool sequences)
{
    enum { STEPS = 7, LONGER = 11, SAMPLES = 19, BEFORE = 2 };
    const double tolerance = !strcmp(backend, "reference") ? 0 : real ? 1e-13 : 1e-6;
    int64_t count, more, width, longer;
    check_env_as(backend, 2);
    check_net *a = recurrent_net(model, check_shape(2, STEPS, 3, 0), SAMPLES, real),
              *b = recurrent_net(model, check_shape(2, LONGER, 3, 0), SAMPLES, real);
    recurrent_cut(a, STEPS, STEPS), recurrent_cut(b, LONGER, STEPS);
    check_net_keep(a), check_net_keep(b);
    const double *want = check_net_numbers(a, &count), *got = check_net_numbers(b, &more);
    recurrent_same_rows(want, a->outputs, got, b->outputs, SAMPLES, tolerance, model);
    cr_assert(sequences ? b->outputs > a->outputs : b->outputs == a->outputs);
    if (sequences) return; /* targets, too, are others */
    cr_assert_eq(count, more);
    check_alike(got, want, count, tolerance, model);
    want = check_net_gradient_at(a, BEFORE, &width);
    got = check_net_gradient_at(b, BEFORE, &longer);
    recurrent_same_rows(want, width / SAMPLES, got, longer / SAMPLES, SAMPLES, tolerance,
                        model);
}

/* In training, too: nothing is drawn by the number of steps that there are. */
TN_UNUSED static void recurrent_more_padding_changes_nothing(const recurrent_kind *k)
{
    static const char *const options[] = {
        "direction: bidirectional, zoneout: 0.3, input_dropout: 0.3",
        "direction: reverse, layer_norm: true, recurrent_dropout: 0.3"};
    char model[600];
    for (int i = 0; i < 16; i++) {
        snprintf(model, sizeof model,
                 "[{lengths: {name: length}}, {dense: {name: before, units: 3, bias: "
                 "false, inputs: input}}, {%s: {inputs: [before, length], lengths: true, "
                 "units: 21, return_sequences: %s, %s%s}}]",
                 k->layer, i % 2 ? "true" : "false", options[i / 2 % 2], k->more);
        recurrent_same_longer(model, i / 4 % 2 ? "blis" : "reference", i / 8, i % 2);
    }
}

/* The output behind a sample's end is 0; its last state is that of its last step. */
TN_UNUSED static void recurrent_ends_where_samples_do(const recurrent_kind *k)
{
    static const char *const direction[] = {"forward", "reverse"};
    const tn_shape shape = check_shape(2, 5, 2, 0);
    char model[2][400];
    for (int way = 0; way < 2; way++) {
        for (int last = 0; last < 2; last++)
            snprintf(model[last], sizeof model[last],
                     "[{toy_lengths: {name: length, inputs: input}}, {%s: {units: 3, "
                     "inputs: [input, length], lengths: true, direction: %s, "
                     "return_sequences: %s%s}}]",
                     k->layer, direction[way], last ? "false" : "true", k->more);
        check_net *all = recurrent_net(model[0], shape, 60, 1);
        const double *y = check_net_output(all),
                     *end = check_net_output(recurrent_net(model[1], shape, 60, 1));
        int shorter = 0, none = 0;
        for (int64_t s = 0; s < 60; s++, y += 15, end += 3) {
            const int64_t length = recurrent_length(all, s, 5), at = way ? 0 : length - 1;
            shorter += length < 5, none += length == 0;
            for (int64_t j = 0; j < 3; j++) {
                cr_assert_eq(end[j], length ? y[at * 3 + j] : 0);
                for (int64_t t = 0; t < 5; t++)
                    cr_assert_eq(y[t * 3 + j] != 0, t < length, "step %d of %d", (int)t,
                                 (int)length);
            }
        }
        cr_assert(shorter > 9 && none > 0, "samples of other lengths are needed");
    }
}

/* ---- samples by themselves ----------------------------------------------------------------- */

/* A batch of n is n batches of one; without masks training and not are the same. */
TN_UNUSED static void recurrent_samples_are_apart(const recurrent_kind *k)
{
    char model[900];
    const int64_t rounds = test_rounds(test_sanitized() ? 20 : 100, 1500);
    check_env_as("reference", 2), check_env_as("blis", 2);
    const void *before = check_kept();
    for (int64_t i = 0; i < rounds; i++, check_release(before)) {
        recurrent_random_model(k, 1, model);
        check_samples(model, check_shape(2, 1 + recurrent_below(6), 3, 0), 5);
    }
    snprintf(
        model, sizeof model,
        "[{dense: 5}, {toy_lengths: {name: length, inputs: input}}, {%s: {units: 19, "
        "inputs: [dense, length], lengths: true, direction: bidirectional, "
        "layer_norm: true, return_sequences: true%s}}, {%s: 7}]",
        k->layer, k->more, k->layer);
    check_modes(model, check_shape(2, 6, 3, 0), 7);
}

TN_UNUSED static void recurrent_is_the_same_without_gradients(const recurrent_kind *k)
{
    char model[900];
    const int64_t rounds = test_rounds(test_sanitized() ? 20 : 100, 1500);
    check_env_as("reference", 2), check_env_as("blis", 2);
    const void *before = check_kept();
    for (int64_t i = 0; i < rounds; i++, check_release(before)) {
        const int64_t samples = 1 + recurrent_below(16);
        const int32_t real = (int32_t)recurrent_below(2);
        check_env_as(i % 2 ? "reference" : "blis", 2);
        recurrent_random_model(k, 1, model);
        const check_net *net = check_net_new(
            model, NULL, 0, check_shape(2, 1 + recurrent_below(60), 3, 0), samples, real,
            (uint32_t)i);
        recurrent_same_without_gradients(net->graph, net->plan, samples, net->x);
    }
}

/* ---- threads, memory, precision --------------------------------------------------------- */

TN_UNUSED static void recurrent_options_are_reproducible(const recurrent_kind *k)
{
    char model[900];
    snprintf(model, sizeof model,
             "[{dense: 21}, {toy_lengths: {name: length, inputs: input}}, {flatten: "
             "{name: flat, inputs: input}}, {dense: {name: first, units: %d}}, {%s: "
             "{units: 70, inputs: [dense, length, first], lengths: true, direction: "
             "bidirectional, return_sequences: true, layer_norm: true, zoneout: 0.2, "
             "input_dropout: 0.3, recurrent_dropout: 0.3%s%s}}, {dense: 9}, tanh, {%s: "
             "{units: 11, stateful: 37}}]",
             k->cells ? 192 : 140, k->layer,
             k->cells ? ", projection: 26, zoneout_cell: 0.1" : "", k->more, k->layer);
    recurrent_same_always(model, 1e-11, 1e-9);
}

/* ---- dropout ------------------------------------------------------------------------------------ */

enum { HIDING_UNITS = 18, HIDING_FEATURES = 15 };

/* 0 for columns of a gradient with nothing in them: the number was hidden. 1 / (1 - 0.4) for others. */
static void recurrent_find_hidden(const tn_tensor *gradient, double *factor)
{
    const double *g = gradient->data;
    const int64_t cols = gradient->dim[1];
    int hidden = 0;
    for (int64_t j = 0; j < cols; j++) {
        bool any = false;
        for (int64_t i = j; i < tn_count(gradient); i += cols) any = any || g[i] != 0;
        factor[j] = any ? 1 / (1 - 0.4) : 0;
        hidden += !any;
    }
    cr_assert(hidden > 1 && hidden < cols - 1, "%d of %d are hidden", hidden, (int)cols);
}

static void recurrent_scale(double *rows, int64_t n, int64_t cols, const double *factor)
{
    for (int64_t i = 0; i < n; i++) rows[i] *= factor[i % cols];
}

/* What a sample's dropout of inputs or states hides at all steps might be zeros of the weights. */
static void recurrent_hides_by(const recurrent_kind *k, const char *option,
                               const char *weight)
{
    char model[2][300], name[60];
    double factor[HIDING_UNITS + HIDING_FEATURES], loss[2];
    for (int plain = 0; plain < 2; plain++)
        snprintf(model[plain], sizeof model[plain],
                 "[{%s: {units: %d, return_sequences: true, %s: %s%s}}]", k->layer,
                 HIDING_UNITS, option, plain ? "0" : "0.4", k->more);
    snprintf(name, sizeof name, "%s.%s", k->layer, weight);
    const tn_shape shape = check_shape(2, 6, HIDING_FEATURES, 0);
    check_net *net = recurrent_net(model[0], shape, 1, 1),
              *same = recurrent_net(model[1], shape, 1, 1);
    loss[0] = check_net_loss(net, true);
    const int32_t number = check_net_param(net, name);
    const tn_tensor g = tn_plan_gradient(net->plan, number);
    recurrent_find_hidden(&g, factor);
    recurrent_scale(same->graph->param[number].value.data, tn_count(&g), g.dim[1],
                    factor);
    loss[1] = check_net_loss(same, true);
    cr_assert_float_eq(loss[0], loss[1], 1e-12, "%s: %g, %g", model[0], loss[0], loss[1]);
    for (int32_t i = 0; i < net->graph->params; i++) {
        const tn_tensor a = tn_plan_gradient(net->plan, i),
                        b = tn_plan_gradient(same->plan, i);
        if (i == number) recurrent_scale(b.data, tn_count(&b), b.dim[1], factor);
        check_near(a.data, b.data, tn_count(&a), 1e-12, net->graph->param[i].name);
    }
}

TN_UNUSED static void recurrent_dropout_hides(const recurrent_kind *k)
{
    recurrent_hides_by(k, "input_dropout", "weight");
    recurrent_hides_by(k, "recurrent_dropout", "recurrent_weight");
}

/* ---- states that are carried ----------------------------------------------------------------- */

/* Two halves of sequences, one behind the other, give what the whole gives. (The second one's gradient,
 * with the first's last states as numbers: KIND-stateful in recurrent_torch.h.) */
TN_UNUSED static void recurrent_carries_states(const recurrent_kind *k)
{
    enum { samples = 3, steps = 4, features = 2, units = 3 };
    char model[400], whole[400];
    snprintf(model, sizeof model,
             "[{%s: {units: 3, stateful: 5, return_sequences: true%s}}]", k->layer,
             k->more);
    snprintf(whole, sizeof whole, "[{%s: {units: 3, return_sequences: true%s}}]",
             k->layer, k->more);
    check_net *half = recurrent_net(model, check_shape(2, steps, features, 0), samples,
                                    1);
    check_net *full = recurrent_net(whole, check_shape(2, 2 * steps, features, 0),
                                    samples, 1);
    const double *all = check_net_output(full), *x = full->x;
    const double *state = half->graph->state[0].value.data;
    for (int part = 0; part < 2; part++) {
        for (int s = 0; s < samples; s++)
            memcpy((double *)half->x + s * steps * features,
                   x + (s * 2 + part) * steps * features,
                   sizeof *x * (size_t)(steps * features));
        for (int again = 0; again < 2;
             again++) { /* until commit a step may be repeated */
            const double *y = check_net_output(half);
            for (int s = 0; s < samples; s++)
                check_alike(y + s * steps * units, all + (s * 2 + part) * steps * units,
                            steps * units, 1e-14, "half");
        }
        check_net_loss(half, true);
        cr_assert(part || state[0] == 0, "the state is set before commit");
        tn_plan_commit(half->plan, &half->pass, TN_COMMIT_STATISTICS);
        cr_assert(part || state[0] == 0, "the state is no statistic");
        tn_plan_commit(half->plan, &half->pass, TN_COMMIT_CARRIED);
        cr_assert_neq(state[0], 0);
    }
    const int64_t width = half->graph->state[0].value.dim[1];
    for (int s = 0; s < 5; s++)
        for (int j = 0; j < units; j++)
            cr_assert_float_eq(
                state[s * width + j],
                s < samples ? all[(s * 2 + 2) * steps * units - units + j] : 0, 1e-14);
    half->pass.training = false; /* outside training nothing is carried */
    const double *y = check_net_output(half);
    check_net *anew = recurrent_net(whole, check_shape(2, steps, features, 0), samples,
                                    1);
    memcpy(anew->x, half->x, sizeof *x * (size_t)(samples * half->inputs));
    cr_assert(!memcmp(check_net_output(anew), y,
                      sizeof *y * (size_t)(samples * half->outputs)));
    tn_graph_forget(half->graph);
    for (int64_t i = 0; i < 5 * width; i++) cr_assert_eq(state[i], 0);
}

/* ---- what is refused ------------------------------------------------------------------------- */

TN_UNUSED static void recurrent_options_refuse(const recurrent_kind *k)
{
    static const char *const cases[][2] = {
        {"{units: 3, lengths: true}", "needs a second input"},
        {"{units: 3, lengths: true, inputs: [input, four]}",
         "one number for each sample"},
        {"{units: 3, inputs: [input, four]}", "the states to begin with are"},
        {"{units: 3, inputs: [input, four, four]}", "has 3 inputs"},
        {"{units: 3, stateful: 2, direction: reverse}", "direction: forward"},
        {"{units: 4, stateful: 2, inputs: [input, four]}", "batch before"},
        {"{units: 3, stateful: -1}", "stateful"},
        {"{units: 3, zoneout: 1.1}", "outside [0, 1]"},
        {"{units: 3, input_dropout: 1.1}", "outside [0, 1]"}};
    char model[400];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(model, sizeof model,
                 "[{flatten: {name: flat}}, {dense: {name: four, units: 4}}, {%s: %s}]",
                 k->layer, cases[i][0]);
        if (!strstr(cases[i][0], "inputs"))
            snprintf(model, sizeof model, "[{%s: %s}]", k->layer, cases[i][0]);
        check_refuses(model, check_shape(2, 4, 2, 0), cases[i][1]);
    }
}

/* A length that is none, a batch that is too large. */
TN_UNUSED static void recurrent_refuses_numbers(const recurrent_kind *k)
{
    char model[400];
    tn_error e = {0};
    snprintf(model, sizeof model,
             "[{flatten: {name: flat}}, {dense: {name: length, units: 1}}, {%s: {units: "
             "3, lengths: true, inputs: [input, length]}}]",
             k->layer);
    check_net *net = recurrent_net(model, check_shape(2, 2, 1, 0), 2, 1);
    cr_assert_eq(tn_plan_forward(net->plan, &net->pass, net->x, NULL, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "a whole number from 0 to 2"), "%s", e.text);
    snprintf(model, sizeof model, "[{%s: {units: 3, stateful: 2}}]", k->layer);
    net = recurrent_net(model, check_shape(2, 2, 1, 0), 3, 1);
    cr_assert_eq(tn_plan_forward(net->plan, &net->pass, net->x, NULL, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "the batch has more samples, 3"), "%s", e.text);
}

#endif
