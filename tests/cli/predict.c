/* `tenon predict`: arrays in, outputs of the model out. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/array.h"
#include "support/disk.h"
#include "support/linear_net.h"
#include "support/process.h"

TestSuite(predict, .init = linear_net, .timeout = 120);

Test(predict, several_inputs_are_named_files)
{
    enum { HALF = PIXELS / 2 };
    float x[SAMPLES][PIXELS], top[SAMPLES][HALF], bottom[SAMPLES][HALF];
    char dict[200];
    size_t count;
    linear_halves();
    linear_inputs(x);
    for (int i = 0; i < SAMPLES; i++) {
        memcpy(top[i], x[i], sizeof top[i]);
        memcpy(bottom[i], x[i] + HALF, sizeof bottom[i]);
    }
    array_write("top.npy", "<f4", "(6, 2, 4, 1)", top, sizeof top);
    array_write("bottom.npy", "<f4", "(6, 2, 4)", bottom, sizeof bottom);
    test_ended(tenon("predict halves bottom=bottom.npy top=top.npy -o out.npy"), 0, NULL);
    const float *const y = array_read("out.npy", dict, &count);
    cr_assert_eq(count, SAMPLES * CLASSES);
    const float *const w = linear_tensor("halves/model.safetensors",
                                         "parallel.dense.weight", HALF * CLASSES),
                       *const b = linear_tensor("halves/model.safetensors",
                                                "parallel.dense.bias", CLASSES),
                       *const v = linear_tensor("halves/model.safetensors",
                                                "parallel.dense_2.weight",
                                                HALF * CLASSES);
    for (int i = 0; i < SAMPLES; i++)
        for (int c = 0; c < CLASSES; c++) {
            double sum = (double)b[c];
            for (int k = 0; k < HALF; k++)
                sum += (double)w[c * HALF + k] * (double)top[i][k] +
                       (double)v[c * HALF + k] * (double)bottom[i][k];
            cr_assert_float_eq(y[i * CLASSES + c], sum, 1e-5);
        }
    test_ended(tenon("evaluate halves"), 0, NULL);
    test_ended(tenon("bench halves.yaml --steps 2"), 0, NULL);
    test_write_text("made.yaml", "%s",
                    "input: {top: [2, 4, 1], bottom: [5]}\n"
                    "model: [{flatten: {inputs: top}}, {concat: {inputs: [flatten, "
                    "bottom]}}, {dense: 3}]\n"
                    "loss: cross_entropy\noptimizer: sgd\n");
    test_ended(tenon("bench made.yaml --steps 2"), 0, NULL);
    test_ended(tenon("info made.yaml --set input.bottom=[6] --set input.top=[3]"), 0,
               NULL);
    test_ended(tenon("predict halves top.npy bottom=bottom.npy -o out.npy"), 1,
               "no name of an input in top.npy; the model takes top=FILE bottom=FILE",
               NULL);
    test_ended(tenon("predict halves top=top.npy -o out.npy"), 1, "no file for bottom",
               NULL);
    test_ended(tenon("predict halves top=top.npy top=top.npy -o out.npy"), 1,
               "a second file in top=top.npy", NULL);
    test_ended(tenon("predict run top.npy bottom.npy -o out.npy"), 1,
               "2 files, but the model has one input", NULL);
    test_ended(tenon("predict halves top=top.npy bottom=bottom.npy -o bottom.npy"), 1,
               "would replace the input bottom.npy", NULL);
    array_write("few.npy", "<f4", "(5, 2, 4)", bottom, sizeof(float[5 * HALF]));
    test_ended(tenon("predict halves top=top.npy bottom=few.npy -o out.npy"), 1,
               "few.npy has 5 samples, but top.npy has 6", NULL);
}

static void check_prediction(const char *path, float x[SAMPLES][PIXELS])
{
    char dict[200];
    size_t count;
    const float *y = array_read(path, dict, &count);
    const float *w = linear_tensor(MODEL, "dense.weight", WEIGHTS);
    const float *b = linear_tensor(MODEL, "dense.bias", CLASSES);
    cr_assert_eq(count, SAMPLES * CLASSES);
    cr_assert(strstr(dict, "'<f4'") && strstr(dict, "(6, 3)"), "%s", dict);
    for (int i = 0; i < SAMPLES; i++) {
        double want[CLASSES];
        linear_logits(w, b, x[i], want);
        for (int c = 0; c < CLASSES; c++)
            cr_assert_float_eq((double)y[i * CLASSES + c], want[c], 1e-5);
    }
}

/* A model with dropout on its pixels. */
static void train_dropping(void)
{
    test_write_text("drops.yaml", "%s",
                    "seed: 5\n"
                    "data: {idx: {train_images: images.idx, train_labels: labels.idx, "
                    "test_images: images.idx, test_labels: labels.idx}}\n"
                    "model: [flatten, {dropout: 0.5}, {dense: 3}]\n"
                    "loss: cross_entropy\n"
                    "optimizer: {sgd: {lr: 0.1}}\n"
                    "train: {epochs: 1}\n");
    test_ended(tenon("train drops.yaml --out drops"), 0, NULL);
}

/* The law of the logits: b + sum of x w, and p / (1 - p) times the sum of squares. */
Test(predict, mc_dropout_gives_mean_and_standard_deviation)
{
    enum { PASSES = 4000 };
    float x[SAMPLES][PIXELS];
    char dict[200];
    size_t count;
    train_dropping();
    linear_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    const test_process *p = tenon(
        "predict drops x.npy -o mc.npy --mc-dropout 4000 --json --threads 2");
    test_ended(p, 0, NULL);
    cr_assert_str_eq(p->out, "{\"event\":\"predict\",\"samples\":6,\"passes\":4000,"
                             "\"shape\":[2,6,3],\"file\":\"mc.npy\"}\n");
    const float *mean = array_read("mc.npy", dict, &count);
    cr_assert_eq(count, 2 * SAMPLES * CLASSES);
    const float *deviation = mean + SAMPLES * CLASSES;
    const float *w = linear_tensor("drops/model.safetensors", "dense.weight", WEIGHTS),
                *b = linear_tensor("drops/model.safetensors", "dense.bias", CLASSES);
    for (int i = 0; i < SAMPLES; i++) {
        double want[CLASSES];
        linear_logits(w, b, x[i], want);
        for (int c = 0; c < CLASSES; c++) {
            double variance = 0;
            for (int k = 0; k < PIXELS; k++)
                variance += pow((double)w[c * PIXELS + k] * (double)x[i][k], 2);
            const double error = sqrt(variance / PASSES);
            const int at = i * CLASSES + c;
            cr_assert_float_eq((double)mean[at], want[c], 5 * error + 1e-6);
            cr_assert_float_eq((double)deviation[at], sqrt(variance), 5 * error + 1e-6);
        }
    }
}

Test(predict, mc_dropout_is_the_same_for_the_same_seed)
{
    float x[SAMPLES][PIXELS];
    train_dropping();
    linear_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    test_ended(tenon("predict drops x.npy -o a.npy --mc-dropout 10 --threads 1"), 0,
               NULL);
    test_ended(tenon("predict drops x.npy -o b.npy --mc-dropout 10 --threads 3 --seed 5"),
               0, NULL);
    cr_assert(test_same_files("a.npy", "b.npy"), "the model's seed is 5");
    test_ended(tenon("predict drops x.npy -o c.npy --mc-dropout 10 --seed 6"), 0, NULL);
    cr_assert_not(test_same_files("a.npy", "c.npy"));
}

Test(predict, mc_dropout_refuses)
{
    float x[SAMPLES][PIXELS];
    linear_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    test_ended(tenon("predict run x.npy -o y.npy --mc-dropout 5"), 1,
               "no layer of the model draws random numbers", "dropout", NULL);
    test_ended(tenon("predict run x.npy -o y.npy --mc-dropout 1"), 2, "from 2 to", NULL);
    test_ended(tenon("predict run x.npy -o y.npy --mc-dropout many"), 2, "'many'", NULL);
    test_ended(tenon("predict run x.npy -o y.npy --seed 3"), 2, "--mc-dropout", NULL);
    test_ended(tenon("predict run x.npy -o y.npy --mc-dropout 5 --seed -3"), 2, "from 0",
               NULL);
}

Test(predict, takes_arrays_of_every_type)
{
    float x[SAMPLES][PIXELS];
    double wide[SAMPLES][PIXELS];
    linear_inputs(x);
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < PIXELS; k++) wide[i][k] = (double)x[i][k];
    array_write("x.npy", "<f4", "(6, 4, 4, 1)", x, sizeof x);
    test_ended(tenon("predict " MODEL " x.npy -o y.npy"), 0, NULL);
    check_prediction("y.npy", x);
    array_write("wide.npy", "<f8", "(6, 4, 4)", wide, sizeof wide);
    test_ended(tenon("predict " MODEL " wide.npy --out y2.npy --threads 1"), 0, NULL);
    cr_assert(test_same_files("y.npy", "y2.npy"));
    array_write("x.npy", "<f4", "(6, 4, 1, 4)", x, sizeof x);
    const test_process *p = tenon("predict " MODEL " x.npy -o y3.npy --json");
    test_ended(p, 0, NULL);
    cr_assert_str_eq(p->out, "{\"event\":\"predict\",\"samples\":6,\"shape\":[6,3],"
                             "\"file\":\"y3.npy\"}\n");
    cr_assert(test_same_files("y.npy", "y3.npy"), "however a sample is cut into axes");

    uint8_t bytes[SAMPLES][PIXELS];
    int64_t longs[SAMPLES][PIXELS];
    int32_t ints[SAMPLES][PIXELS];
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < PIXELS; k++) {
            bytes[i][k] = (uint8_t)((i * 7 + k * 5) % 11);
            longs[i][k] = ints[i][k] = bytes[i][k];
            x[i][k] = bytes[i][k];
        }
    }
    array_write("u1.npy", "|u1", "(6, 4, 4)", bytes, sizeof bytes);
    array_write("i8.npy", "<i8", "(6, 4, 4)", longs, sizeof longs);
    array_write("i4.npy", "<i4", "(6, 4, 4)", ints, sizeof ints);
    test_ended(tenon("predict " MODEL " u1.npy -o u1.out"), 0, NULL);
    test_ended(tenon("predict " MODEL " i8.npy -o i8.out"), 0, NULL);
    test_ended(tenon("predict " MODEL " input=i4.npy -o i4.out"), 0, NULL);
    check_prediction("u1.out", x);
    cr_assert(test_same_files("u1.out", "i8.out") && test_same_files("u1.out", "i4.out"));
}

#define PREDICT "predict " MODEL " x.npy -o y.npy"

Test(predict, arrays_that_do_not_fit_are_refused)
{
    float x[SAMPLES * PIXELS] = {0};
    linear_refused(PREDICT, "x.npy: No such file");
    array_write("x.npy", "<f4", "(6, 15)", x, 360);
    linear_refused(PREDICT,
                   "shape (6, 15), but the model takes samples of shape (4, 4, 1)");
    array_write("x.npy", "<f4", "(4, 4)", x, 64);
    linear_refused(PREDICT,
                   "shape (4, 4), but the model takes samples of shape (4, 4, 1), one "
                   "per entry of the first axis; this is one sample, to which x[None] "
                   "adds the axis");
    array_write("x.npy", "<f4", "(6, 16)", x, sizeof x);
    linear_refused(PREDICT,
                   "shape (6, 16), but the model takes samples of shape (4, 4, 1)");
    array_write("x.npy", "<f4", "(6, 2, 8)", x, sizeof x);
    linear_refused(PREDICT,
                   "shape (6, 2, 8), but the model takes samples of shape (4, 4, 1)");
    array_write("x.npy", "<f4", "(96,)", x, sizeof x);
    linear_refused(PREDICT, "shape (96), but the model takes samples of shape (4, 4, 1)");
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x - 1);
    linear_refused(PREDICT, "truncated");
    array_write("x.npy", "<f4", "(5, 16)", x, sizeof x);
    linear_refused(PREDICT, "trailing garbage");
    array_write("x.npy", "<f4", "(0, 16)", x, 0);
    linear_refused(PREDICT, "axis 1 of the array has size 0");
    array_write("x.npy", "<f4", "(9223372036854775807, 16)", x, sizeof x);
    linear_refused(PREDICT, "overflow");
    array_write("x.npy", "<f4", "(-1, 16)", x, sizeof x);
    linear_refused(PREDICT, "the .npy header is damaged");
    array_write("x.npy", ">f4", "(6, 4, 4)", x, sizeof x);
    linear_refused(PREDICT, "'>f4'");
    array_write("x.npy", "<c8", "(3, 16)", x, sizeof x);
    linear_refused(PREDICT, "'<c8'");
    array_write_as("x.npy", "{'descr': \x80\1[('a', '<f4'), ('b', '<f4')], }", x, 16);
    linear_refused(PREDICT, "element type ??[('; expected");
    test_write_text("x.npy", "nothing of the kind");
    linear_refused(PREDICT, "is not a .npy file");
    static const char *const strange[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 16), 'more': 1, }",
        "{'x': \"'descr': '<f4', 'fortran_order': False, 'shape': (6, 16)\"}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 16), }, {}"};
    for (int i = 0; i < 3; i++) {
        array_write_as("x.npy", strange[i], x, sizeof x);
        linear_refused(PREDICT, "the .npy header is damaged");
    }
    test_write_text("x.npy", "%s", "");
    linear_refused(PREDICT, "is not a .npy file");
    x[17] = NAN;
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    linear_refused(PREDICT,
                   "x.npy: the value at [1, 0, 1] is nan, not a finite float32 (the "
                   "first index is the sample)");
    linear_refused("predict " MODEL " . -o y.npy", ".: not a regular file");
}

Test(predict, predictions_go_through_a_link)
{
    static const float x[SAMPLES * PIXELS];
    struct stat about;
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    test_write_text("there.npy", "old");
    cr_assert_eq(symlink("there.npy", "link.npy"), 0);
    test_ended(tenon("predict " MODEL " x.npy -o link.npy"), 0, NULL);
    cr_assert(!lstat("link.npy", &about) && S_ISLNK(about.st_mode));
    test_ended(tenon("predict " MODEL " x.npy -o plain.npy"), 0, NULL);
    cr_assert(test_same_files("there.npy", "plain.npy"));
    cr_assert_eq(unlink("there.npy"), 0);
    test_ended(tenon("predict " MODEL " x.npy -o link.npy"), 1, "link.npy: a link that",
               NULL);
    cr_assert(!lstat("link.npy", &about) && S_ISLNK(about.st_mode));
}

Test(predict, an_output_never_replaces_an_input)
{
    float x[SAMPLES][PIXELS];
    linear_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    array_write("same.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    cr_assert_eq(link("x.npy", "hard.npy"), 0);
    linear_refused("predict " MODEL " x.npy -o x.npy",
                   "-o x.npy would replace the input x.npy");
    linear_refused("predict " MODEL " x.npy -o ./run/../x.npy",
                   "would replace the input x.npy");
    linear_refused("predict " MODEL " x.npy -o hard.npy",
                   "would replace the input x.npy");
    linear_refused("predict run x.npy -o " MODEL, "would replace the input " MODEL);
    linear_refused("gradients run x.npy same.npy -o same.npy",
                   "replace the input same.npy");
    cr_assert(test_same_files("x.npy", "same.npy"));
}

/* A limit on the size of files is told like a full disk, and nothing half written stays. */
Test(predict, a_limit_on_files_is_an_error_and_leaves_nothing)
{
    static float x[4000][PIXELS];
    const struct rlimit few = {4096, 4096};
    array_write("x.npy", "<f4", "(4000, 4, 4)", x, sizeof x);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
    linear_refused(PREDICT, "y.npy: cannot be written: File too large");
    cr_assert(!test_exists(".y.npy.tmp"));
    const test_process *p = tenon("train net.yaml --out second --set model.1.dense=400");
    test_ended(p, 1, "larger than the system allows a file to be", NULL);
    test_one_message(p);
    cr_assert(!test_exists("second/.checkpoint.safetensors.tmp"));
}

Test(predict, a_full_disk_is_an_error_and_spares_the_old_file)
{
    float x[SAMPLES][PIXELS];
    linear_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    test_ended(tenon("predict " MODEL " x.npy -o /dev/full"), 1, "/dev/full",
               "No space left on device", NULL);
    test_ended(tenon("predict " MODEL " x.npy -o no/such/folder.npy"), 1,
               "tenon: no/such/folder.npy: No such file", NULL);
}
