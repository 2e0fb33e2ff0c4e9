/* Files of (steps, samples, ...): the same runs and outputs, bit for bit, as of the same numbers
 * with samples first. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/array.h"
#include "support/process.h"

enum { SAMPLES = 20, STEPS = 5, FEATURES = 3, NUMBERS = SAMPLES * STEPS * FEATURES };

/* In both orders, with names that end in -t where time comes first. */
static void write_both(const char *name, int32_t width, double frequency)
{
    float x[NUMBERS], y[NUMBERS];
    char path[50], shape[50];
    const size_t size = (size_t)(SAMPLES * STEPS * width) * sizeof *x;
    for (int n = 0; n < SAMPLES; n++)
        for (int t = 0; t < STEPS; t++)
            for (int k = 0; k < width; k++)
                x[(n * STEPS + t) * width + k] = y[(t * SAMPLES + n) * width + k] =
                    (float)sin(frequency * (n * 7 + t * 3 + k));
    snprintf(path, sizeof path, "%s.npy", name);
    snprintf(shape, sizeof shape, "(%d, %d, %d)", SAMPLES, STEPS, width);
    array_write(path, "<f4", shape, x, size);
    snprintf(path, sizeof path, "%s-t.npy", name);
    snprintf(shape, sizeof shape, "(%d, %d, %d)", STEPS, SAMPLES, width);
    array_write(path, "<f4", shape, y, size);
}

static void write_arrays(void)
{
    float lengths[SAMPLES];
    int32_t labels[SAMPLES];
    test_start_in_folder();
    for (int i = 0; i < SAMPLES; i++)
        lengths[i] = (float)(1 + i % STEPS), labels[i] = i % 3;
    write_both("x", FEATURES, 1.3);
    write_both("y", 1, 0.7);
    array_write("lengths.npy", "<f4", "(20,)", lengths, sizeof lengths);
    array_write("labels.npy", "<i4", "(20,)", labels, sizeof labels);
}

TestSuite(time_first, .init = write_arrays, .timeout = 120);

#define REST                          \
    "optimizer: {adam: {lr: 0.01}}\n" \
    "train: {epochs: 3}\n"

/* `x` and `y` are files, `order` is an option of npy. */
static void train_last(const char *run, const char *x, const char *order)
{
    test_write_text("last.yaml",
                    "data: {npy: {x: [%s, lengths.npy], names: [series, steps], y: "
                    "labels.npy, test_x: [%s, lengths.npy], test_y: labels.npy, "
                    "validation: 0.25, batch: 4%s}}\n"
                    "model: [{lstm: {units: 8, inputs: [series, steps], lengths: true}}, "
                    "{dense: 3}]\nloss: cross_entropy\n" REST,
                    x, x, order);
    test_ended(tenon("train last.yaml --out %s", run), 0, NULL);
}

static void train_each(const char *run, const char *x, const char *y, const char *order)
{
    test_write_text("each.yaml",
                    "data: {npy: {x: %s, y: %s, test_x: %s, test_y: %s, batch: 4%s}}\n"
                    "model: [{lstm: {units: 8, return_sequences: true}}, {dense: 1}]\n"
                    "loss: mse\n" REST,
                    x, y, x, y, order);
    test_ended(tenon("train each.yaml --out %s", run), 0, NULL);
}

static void same_evaluations(const char *first, const char *second)
{
    const test_process *p = tenon("evaluate %s", first),
                       *q = tenon("evaluate %s", second);
    test_ended(p, 0, NULL), test_ended(q, 0, NULL);
    cr_assert_str_eq(p->out, q->out);
}

/* A sequence beside its lengths; one target for all of it. */
Test(time_first, of_one_input_of_two)
{
    char dict[200];
    size_t count;
    train_last("a", "x.npy", "");
    train_last("b", "x-t.npy", ", time_first: series");
    cr_assert(test_same_files("a/model.safetensors", "b/model.safetensors"));
    same_evaluations("a", "b");
    test_ended(tenon("predict a series=x.npy steps=lengths.npy -o a.npy"), 0, NULL);
    test_ended(tenon("predict a series=x-t.npy steps=lengths.npy --time-first series -o "
                     "b.npy"),
               0, NULL);
    cr_assert(test_same_files("a.npy", "b.npy"));
    array_read("b.npy", dict, &count);
    cr_assert(strstr(dict, "'shape': (20, 3)"), "%s", dict);
    test_ended(tenon("gradients a series=x.npy steps=lengths.npy labels.npy -o a.st"), 0,
               NULL);
    test_ended(tenon("gradients a series=x-t.npy steps=lengths.npy labels.npy "
                     "--time-first=series -o b.st"),
               0, NULL);
    cr_assert(test_same_files("a.st", "b.st"));
}

/* A target for each step; outputs have samples first. */
Test(time_first, of_targets)
{
    char dict[200];
    size_t count;
    train_each("a", "x.npy", "y.npy", "");
    train_each("b", "x-t.npy", "y-t.npy", ", time_first: [input, target]");
    train_each("c", "x-t.npy", "y.npy", ", time_first: [input]");
    cr_assert(test_same_files("a/model.safetensors", "b/model.safetensors"));
    cr_assert(test_same_files("a/model.safetensors", "c/model.safetensors"));
    same_evaluations("a", "b");
    test_ended(tenon("predict a x.npy -o a.npy"), 0, NULL);
    test_ended(tenon("predict b x-t.npy --time-first input -o b.npy --threads 1"), 0,
               NULL);
    cr_assert(test_same_files("a.npy", "b.npy"));
    array_read("b.npy", dict, &count);
    cr_assert(strstr(dict, "'shape': (20, 5, 1)"), "%s", dict);
    test_ended(tenon("gradients a x.npy y.npy -o a.st"), 0, NULL);
    test_ended(tenon("gradients a x-t.npy y-t.npy --time-first input --time-first target "
                     "-o b.st"),
               0, NULL);
    cr_assert(test_same_files("a.st", "b.st"));
}

/* A label for each step; in training a row of probabilities. */
Test(time_first, of_labels_of_steps)
{
    enum { ROWS = SAMPLES * STEPS };
    float rows[ROWS][2] = {{0}};
    int32_t labels[ROWS], turned[ROWS];
    for (int n = 0; n < SAMPLES; n++)
        for (int t = 0; t < STEPS; t++) {
            const int32_t label = (n * n + t) % 3 == 0;
            labels[n * STEPS + t] = turned[t * SAMPLES + n] = label;
            rows[n * STEPS + t][label] = 1;
        }
    array_write("rows.npy", "<f4", "(20, 5, 2)", rows, sizeof rows);
    array_write("labels.npy", "<i4", "(20, 5)", labels, sizeof labels);
    array_write("labels-t.npy", "<i4", "(5, 20)", turned, sizeof turned);
    test_write_text("rows.yaml", "%s",
                    "data: {npy: {x: x.npy, y: rows.npy, batch: 4}}\n"
                    "model: [{lstm: {units: 4, return_sequences: true}}, {dense: 2}]\n"
                    "loss: cross_entropy\n" REST);
    test_ended(tenon("train rows.yaml --out run"), 0, NULL);
    test_ended(tenon("gradients run x.npy labels.npy -o a.st"), 0, NULL);
    test_ended(tenon("gradients run x.npy labels-t.npy --time-first target -o b.st"), 0,
               NULL);
    cr_assert(test_same_files("a.st", "b.st"));
    turned[2 * SAMPLES + 1] = -1;
    array_write("labels-t.npy", "<i4", "(5, 20)", turned, sizeof turned);
    test_ended(tenon("gradients run x.npy labels-t.npy --time-first target -o b.st"), 1,
               "labels-t.npy: value 41 (-1) is no label", NULL);
}

static void refused(const char *arguments, const char *part, const char *other)
{
    const test_process *p = tenon("%s", arguments);
    test_ended(p, 1, part, other, NULL);
    test_one_message(p);
}

Test(time_first, what_does_not_fit_is_told)
{
    float wrong[NUMBERS] = {0};
    train_each("a", "x.npy", "y.npy", "");
    refused("predict a x-t.npy -o o.npy --time-first series",
            "no input for --time-first series", "the model takes input=FILE");
    refused("predict a x-t.npy -o o.npy --time-first target",
            "no input for --time-first target", "the model takes input=FILE");
    refused("gradients a x-t.npy y.npy -o o.st --time-first series",
            "neither target nor an input: --time-first series", "");
    refused("predict a lengths.npy -o o.npy --time-first input",
            "lengths.npy has one axis, but with --time-first", "(steps, samples, ...)");
    refused("predict a x-t.npy -o o.npy",
            "x-t.npy: shape (5, 20, 3), but the model takes samples of shape (5, 3), one "
            "per entry of the first axis",
            "; with --time-first input it would fit");
    refused("predict a x.npy -o o.npy --time-first input",
            "x.npy: shape (20, 5, 3), but the model takes samples of shape (5, 3), one "
            "per entry of the second axis",
            "; without --time-first input it would fit");
    refused(
        "gradients a x.npy y-t.npy -o o.st",
        "y-t.npy has 5 samples along its first axis, but x.npy has 20 along its first",
        "");
    refused("gradients a x-t.npy y.npy -o o.st --time-first input --time-first target",
            "along its second axis, but x-t.npy has 20 along its second", "");
    wrong[(2 * SAMPLES + 7) * FEATURES + 1] = INFINITY;
    array_write("wrong.npy", "<f4", "(5, 20, 3)", wrong, sizeof wrong);
    refused("predict a wrong.npy -o o.npy --time-first input",
            "the value at [2, 7, 1] is inf", "the second index is the sample");
    test_ended(tenon("evaluate a --time-first input"), 2, "unknown", "--time-first",
               NULL);
    test_ended(tenon("predict a x.npy -o o.npy --time-first"), 2, "needs a value", NULL);
    char many[300] = "predict a x.npy -o o.npy";
    for (int i = 0; i < 9; i++) strcat(many, " --time-first input");
    test_ended(tenon("%s", many), 2, "--time-first: at most 8", NULL);
}
