/* final_state.c - layer/final_state: what recurrent layers put out of their last step, from the states
 * of all steps; gradients, a decoder as PyTorch has it, what it refuses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

static const char *const direction[] = {"forward", "reverse", "bidirectional"};

#define LENGTHS "{toy_lengths: {name: length, inputs: input}}"

/* A layer, and where `all` is true with all steps and their ends, else with the last alone. */
static void write_model(uint32_t seed, const char *layer, bool all, char model[500])
{
    const bool ragged = seed % 2, cells = *layer == 'l' && seed % 3;
    const int64_t way = check_draw(seed, 0, 0, 2), units = check_draw(seed, 1, 2, 5),
                  small = *layer == 'l' && seed % 4 == 1 ? units - 1 : 0;
    char options[300], widths[60] = "";
    snprintf(options, sizeof options, "direction: %s, lengths: %s, inputs: [%%s%s]",
             direction[way], ragged ? "true" : "false", ragged ? ", length" : "");
    char first[300], second[300], cell[60] = "";
    snprintf(first, sizeof first, options, "x");
    snprintf(second, sizeof second, options, "all");
    if (*layer == 'l')
        snprintf(cell, sizeof cell, ", return_state: %s, projection: %d",
                 cells ? "true" : "false", (int)small);
    if (way == 2 && cells)
        snprintf(widths, sizeof widths, ", widths: [%d, %d]",
                 (int)(small ? small : units), (int)units);
    size_t used = (size_t)snprintf(
        model, 500,
        "[%s{dense: {units: 3, name: x, inputs: input}}, {%s: {name: all, "
        "units: %d, return_sequences: %s, %s%s}}",
        ragged ? LENGTHS ", " : "", layer, (int)units, all ? "true" : "false", first,
        cell);
    if (all)
        used += (size_t)snprintf(model + used, 500 - used, ", {final_state: {%s%s}}",
                                 second, widths);
    snprintf(model + used, 500 - used, "]");
}

/* The same bits, and the same gradients. */
Test(final_state, is_what_the_last_step_puts_out)
{
    static const char *const layer[] = {"lstm", "gru", "rnn"};
    for (uint32_t seed = 1; seed <= 90; seed++) {
        char all[500], last[500];
        int64_t count, same;
        const tn_shape shape = check_shape(2, check_draw(seed, 2, 1, 6), 2, 0);
        write_model(seed, layer[seed % 3 ? seed % 2 : 2], true, all);
        write_model(seed, layer[seed % 3 ? seed % 2 : 2], false, last);
        const double *a = check_net_numbers(check_net_new(all, NULL, 0, shape, 4, 1, 3),
                                            &count),
                     *b = check_net_numbers(check_net_new(last, NULL, 0, shape, 4, 1, 3),
                                            &same);
        cr_assert_eq(count, same, "%s", all);
        check_near(a, b, count, 1e-14, all);
    }
}

Test(final_state, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[500];
        write_model(seed, seed % 2 ? "lstm" : "gru", true, model);
        check_gradients(model, NULL, 0, check_shape(2, check_draw(seed, 2, 1, 5), 2, 0),
                        check_draw(seed, 3, 2, 5), seed % 5 != 0);
    }
}

/* Beside the sequence, in one net: an encoder and a decoder. */
Test(final_state, as_in_pytorch)
{
    check_torch("layers", "final_state");
}

Test(final_state, independence)
{
    check_independence("[" LENGTHS ", {dense: {units: 16, inputs: input}}, {final_state: "
                       "{inputs: [dense, length], lengths: true, direction: "
                       "bidirectional, widths: [5, 3]}}]",
                       check_shape(2, 30, 4, 0), 20);
}

Test(final_state, a_sample_of_no_steps_ends_with_zeros)
{
    check_net *net = check_net_new("[" LENGTHS
                                   ", {final_state: {inputs: [input, length], "
                                   "lengths: true}}]",
                                   NULL, 0, check_shape(2, 3, 2, 0), 2, 1, 1);
    double *x = net->x;
    x[0] = 0.01, x[6] = 0.4;
    const double *y = check_net_output(net);
    cr_assert(y[0] == 0 && y[1] == 0 && y[2] == x[8] && y[3] == x[9]);
}

static void refuses(const char *options, const char *why)
{
    char model[300];
    snprintf(model, sizeof model, "[{dense: {units: 2, name: two}}, {final_state: %s}]",
             options);
    check_refuses(model, check_shape(2, 4, 6, 0), why);
}

Test(final_state, what_it_refuses)
{
    refuses("{inputs: [input, two]}", "has 2 inputs");
    refuses("{lengths: true}", "has 1 inputs");
    refuses("{inputs: [input, two], lengths: true}", "one number for each sample");
    refuses("{inputs: input, widths: [3]}", "widths go with direction: bidirectional");
    check_refuses("[{final_state: {direction: bidirectional}}]", check_shape(2, 3, 5, 0),
                  "the input has 5 features; their number must be even");
    refuses("{inputs: input, direction: bidirectional, widths: [2]}",
            "together have 4 features, the input has 6");
    refuses("{inputs: input, direction: bidirectional, widths: [0, 3]}",
            "a width of 0 is outside [1, 6]");
    check_refuses("[final_state]", check_shape(1, 4, 0, 0), "(steps, features)");
    check_net *net = check_net_new(
        "[{flatten: {name: length}}, {reshape: {inputs: input, "
        "shape: [1, 1]}}, {final_state: {inputs: [reshape, "
        "length], lengths: true}}]",
        NULL, 0, check_shape(1, 1, 0, 0), 2, 1, 1);
    tn_error e = {0};
    cr_assert_eq(tn_plan_forward(net->plan, &net->pass, net->x, NULL, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "a whole number from 0 to 1"), "%s", e.text);
}
