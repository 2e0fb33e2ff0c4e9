/* `tenon gradients`: loss and gradients for arrays of inputs and targets. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "support/array.h"
#include "support/linear_net.h"
#include "support/process.h"

TestSuite(gradients, .init = linear_net, .timeout = 120);

Test(gradients, several_inputs_are_told_and_have_gradients)
{
    enum { HALF = PIXELS / 2 };
    static const float zeros[SAMPLES * HALF];
    static const int32_t labels[SAMPLES] = {0, 1, 2};
    linear_halves();
    array_write("half.npy", "<f4", "(6, 2, 4)", zeros, sizeof zeros);
    array_write("y.npy", "<i4", "(6,)", labels, sizeof labels);
    const test_process *p = tenon(
        "gradients halves top=half.npy bottom=half.npy y.npy -o "
        "g.safetensors");
    test_ended(p, 0, NULL);
    const float *const g = linear_tensor("g.safetensors", "parallel.dense_2.weight",
                                         HALF * CLASSES);
    for (int i = 0; i < HALF * CLASSES; i++) cr_assert_eq(g[i], 0);
    p = tenon("info halves");
    cr_assert_not_null(strstr(p->out, "inputs    top (2, 4, 1), bottom (2, 4, 1)\n"),
                       "%s", p->out);
    p = tenon("info halves --json");
    cr_assert_not_null(strstr(p->out, "\"input\":{\"top\":[2,4,1],\"bottom\":[2,4,1]}"),
                       "%s", p->out);
}

/* Loss and gradients of softmax cross-entropy by their formulas. */
Test(gradients, are_those_of_the_formula)
{
    float x[SAMPLES][PIXELS];
    int64_t label[SAMPLES];
    double gw[WEIGHTS] = {0}, gb[CLASSES] = {0}, loss = 0, most = 0;
    const float *w = linear_tensor(MODEL, "dense.weight", WEIGHTS);
    const float *b = linear_tensor(MODEL, "dense.bias", CLASSES);
    linear_inputs(x);
    for (int i = 0; i < SAMPLES; i++) {
        double y[CLASSES], sum = 0;
        label[i] = i % CLASSES;
        linear_logits(w, b, x[i], y);
        for (int c = 0; c < CLASSES; c++) sum += exp(y[c]);
        loss += (log(sum) - y[label[i]]) / SAMPLES;
        for (int c = 0; c < CLASSES; c++) {
            const double g = (exp(y[c]) / sum - (c == label[i])) / SAMPLES;
            gb[c] += g;
            for (int k = 0; k < PIXELS; k++) gw[c * PIXELS + k] += g * (double)x[i][k];
        }
    }
    array_write("x.npy", "<f4", "(6, 4, 4, 1)", x, sizeof x);
    array_write("y.npy", "<i8", "(6,)", label, sizeof label);
    const test_process *p = tenon("gradients " MODEL " x.npy y.npy -o g.safetensors");
    test_ended(p, 0, NULL);
    cr_assert_float_eq(atof(p->out + strlen("loss ")), loss, 1e-6, "%s", p->out);
    const float *have_w = linear_tensor("g.safetensors", "dense.weight", WEIGHTS);
    const float *have_b = linear_tensor("g.safetensors", "dense.bias", CLASSES);
    cr_assert(have_w && have_b);
    for (int i = 0; i < WEIGHTS; i++) cr_assert_float_eq((double)have_w[i], gw[i], 1e-6);
    for (int i = 0; i < CLASSES; i++) cr_assert_float_eq((double)have_b[i], gb[i], 1e-6);
    for (int i = 0; i < WEIGHTS; i++) most = fmax(most, fabs(gw[i]));
    for (int i = 0; i < CLASSES; i++) most = fmax(most, fabs(gb[i]));
    const char *violation = strstr(p->out, "violation of the conditions for a minimum ");
    cr_assert(violation && fabs(atof(strrchr(p->out, ' ')) / most - 1) < 0.01, "%s",
              p->out);
    test_ended(tenon("gradients " MODEL " x.npy y.npy -o again"), 0, NULL);
    cr_assert(test_same_files("g.safetensors", "again"));
}

/* The loss is that of the predictions of another command. */
Test(gradients, take_a_label_for_each_step)
{
    enum { STEPS = 7, COUNT = 12, KINDS = 4 };
    float x[COUNT * STEPS];
    int32_t label[COUNT * STEPS];
    char dict[200];
    size_t count;
    double loss = 0;
    test_write_text("t.txt", "%s", "abcdabacadbabcdbabbcaccdaabcd");
    test_write_text("seq.yaml",
                    "data: {text: {path: t.txt, steps: 7, stride: 1, "
                    "validation_share: 0}}\n"
                    "model: [{embedding: {vocabulary: 4, units: 3}}, {dense: 4}]\n"
                    "loss: cross_entropy\noptimizer: sgd\ntrain: {epochs: 1}\n");
    test_ended(tenon("train seq.yaml --out seq"), 0, NULL);
    for (int i = 0; i < COUNT * STEPS; i++)
        x[i] = (float)(i * i % KINDS), label[i] = i / 5 % KINDS;
    array_write("x.npy", "<f4", "(12, 7)", x, sizeof x);
    array_write("y.npy", "<i4", "(12, 7)", label, sizeof label);
    test_ended(tenon("predict seq x.npy -o p.npy"), 0, NULL);
    const float *y = array_read("p.npy", dict, &count);
    cr_assert_eq(count, COUNT * STEPS * KINDS);
    for (int i = 0; i < COUNT * STEPS; i++, y += KINDS) {
        double sum = 0;
        for (int k = 0; k < KINDS; k++) sum += exp((double)y[k]);
        loss += (log(sum) - (double)y[label[i]]) / (COUNT * STEPS);
    }
    const test_process *p = tenon("gradients seq x.npy y.npy -o g.safetensors");
    test_ended(p, 0, NULL);
    cr_assert_float_eq(atof(p->out + strlen("loss ")), loss, 1e-6, "%s", p->out);
    array_write("y.npy", "<i4", "(12,)", label, sizeof *label * COUNT);
    test_ended(tenon("gradients seq x.npy y.npy -o h"), 1, "7 a sample", NULL);
    label[3 * STEPS + 2] = 9;
    array_write("y.npy", "<i4", "(12, 7)", label, sizeof label);
    test_ended(tenon("gradients seq x.npy y.npy -o h"), 1, "sample 3: label 9", NULL);
}

Test(gradients, take_probabilities)
{
    float x[SAMPLES][PIXELS], y[SAMPLES][CLASSES] = {{0}};
    int32_t label[SAMPLES];
    linear_inputs(x);
    for (int i = 0; i < SAMPLES; i++) label[i] = i % CLASSES, y[i][label[i]] = 1;
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    array_write("y.npy", "<f4", "(6, 3)", y, sizeof y);
    array_write("l.npy", "<i4", "(6,)", label, sizeof label);
    test_ended(tenon("gradients " MODEL " x.npy y.npy -o a --json"), 0, NULL);
    test_ended(tenon("gradients " MODEL " x.npy l.npy -o b"), 0, NULL);
    const float *a = linear_tensor("a", "dense.weight", WEIGHTS),
                *b = linear_tensor("b", "dense.weight", WEIGHTS);
    for (int i = 0; i < WEIGHTS; i++)
        cr_assert_float_eq((double)a[i], (double)b[i], 1e-6);
}

Test(gradients, targets_that_do_not_fit_are_refused)
{
    float x[SAMPLES][PIXELS];
    int32_t label[SAMPLES] = {0, 1, 2, 0, 1, 3};
    linear_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    array_write("l.npy", "<i4", "(6,)", label, sizeof label);
    linear_refused("gradients " MODEL " x.npy l.npy -o y.npy", "label 3");
    label[5] = -1;
    array_write("l.npy", "<i4", "(6,)", label, sizeof label);
    linear_refused("gradients " MODEL " x.npy l.npy -o y.npy",
                   "value 5 (-1) is no label");
    array_write("l.npy", "<i4", "(5,)", label, 20);
    linear_refused("gradients " MODEL " x.npy l.npy -o y.npy", "x.npy has 6");
    array_write("l.npy", "<f4", "(6, 2)", x, 48);
    linear_refused("gradients " MODEL " x.npy l.npy -o y.npy",
                   "shape (6, 2), but the model's outputs have shape (3)");
    float share[SAMPLES][CLASSES] = {{0.9F}};
    array_write("l.npy", "<f4", "(6, 3)", share, sizeof share);
    linear_refused("gradients " MODEL " x.npy l.npy -o y.npy",
                   "row 0 add up to 0.9, not to 1");
    for (int i = 0; i < SAMPLES; i++) share[i][0] = share[i][1] = 0.5F;
    array_write("l.npy", "<f4", "(6, 3, 1)", share, sizeof share);
    test_ended(tenon("gradients " MODEL " x.npy l.npy -o z.npy"), 0, NULL);
}
