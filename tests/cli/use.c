/* `tenon evaluate`, `predict` and `gradients`: arrays in, numbers out. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/array.h"
#include "support/disk.h"
#include "support/process.h"
#include "support/small_net.h"

enum { SAMPLES = 6, PIXELS = 16, CLASSES = 3, WEIGHTS = PIXELS * CLASSES };
#define MODEL "run/model.safetensors"

/* A model that is one dense layer, so that everything can be computed here. */
static void train_linear(void)
{
    test_start_in_folder();
    small_idx("images.idx", "labels.idx", 100, CLASSES, 4);
    test_write_text("net.yaml", "%s",
                    "data: {idx: {train_images: images.idx, train_labels: labels.idx, "
                    "test_images: images.idx, test_labels: labels.idx}}\n"
                    "model: [flatten, {dense: 3}]\n"
                    "loss: cross_entropy\n"
                    "optimizer: {sgd: {lr: 0.1}}\n"
                    "train: {epochs: 3}\n");
    test_ended(tenon("train net.yaml --out run"), 0, NULL);
}

TestSuite(use, .init = train_linear, .timeout = 120);

/* A tensor of a safetensors file. */
static float *tensor(const char *path, const char *name, size_t count)
{
    uint64_t length;
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    cr_assert_eq(fread(&length, 8, 1, file), 1);
    char *header = calloc(1, length + 1);
    cr_assert_eq(fread(header, 1, length, file), length);
    json_object *all = json_tokener_parse(header), *one = NULL, *offsets = NULL;
    cr_assert(json_object_object_get_ex(all, name, &one), "no %s in %s", name, path);
    cr_assert(json_object_object_get_ex(one, "data_offsets", &offsets));
    const int64_t begin = json_object_get_int64(json_object_array_get_idx(offsets, 0));
    const int64_t end = json_object_get_int64(json_object_array_get_idx(offsets, 1));
    cr_assert_eq((size_t)(end - begin), count * sizeof(float), "%s in %s", name, path);
    json_object_put(all);
    free(header);
    float *values = kept(malloc(count * sizeof *values));
    fseek(file, (long)(8 + length) + begin, SEEK_SET);
    cr_assert_eq(fread(values, sizeof *values, count, file), count);
    fclose(file);
    return values;
}

static void make_inputs(float x[SAMPLES][PIXELS])
{
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < PIXELS; k++) x[i][k] = (float)((i * 7 + k * 5) % 11) / 11;
}

static void logits(const float *w, const float *b, const float *x, double y[CLASSES])
{
    for (int c = 0; c < CLASSES; c++) {
        y[c] = (double)b[c];
        for (int k = 0; k < PIXELS; k++) y[c] += (double)w[c * PIXELS + k] * (double)x[k];
    }
}

/* Another model in the same folder, of the upper and lower half of each image. */
static void train_halves(void)
{
    test_write_text("halves.yaml", "%s",
                    "data: {idx: {train_images: images.idx, train_labels: labels.idx, "
                    "test_images: images.idx, test_labels: labels.idx, transforms: "
                    "[{split: [top, bottom]}]}}\n"
                    "model: [{parallel: {inputs: [top, bottom], join: add, branches: "
                    "[[flatten, {dense: 3}], [flatten, {dense: {units: 3, bias: "
                    "false}}]]}}]\n"
                    "loss: cross_entropy\n"
                    "optimizer: {sgd: {lr: 0.1}}\n"
                    "train: {epochs: 3}\n");
    test_ended(tenon("train halves.yaml --out halves"), 0, NULL);
}

Test(use, several_inputs_are_named_files)
{
    enum { HALF = PIXELS / 2 };
    float x[SAMPLES][PIXELS], top[SAMPLES][HALF], bottom[SAMPLES][HALF];
    char dict[200];
    size_t count;
    train_halves();
    make_inputs(x);
    for (int i = 0; i < SAMPLES; i++) {
        memcpy(top[i], x[i], sizeof top[i]);
        memcpy(bottom[i], x[i] + HALF, sizeof bottom[i]);
    }
    array_write("top.npy", "<f4", "(6, 2, 4, 1)", top, sizeof top);
    array_write("bottom.npy", "<f4", "(6, 2, 4)", bottom, sizeof bottom);
    test_ended(tenon("predict halves bottom=bottom.npy top=top.npy -o out.npy"), 0, NULL);
    const float *const y = array_read("out.npy", dict, &count);
    cr_assert_eq(count, SAMPLES * CLASSES);
    const float *const w = tensor("halves/model.safetensors", "parallel.dense.weight",
                                  HALF * CLASSES),
                       *const b = tensor("halves/model.safetensors",
                                         "parallel.dense.bias", CLASSES),
                       *const v = tensor("halves/model.safetensors",
                                         "parallel.dense_2.weight", HALF * CLASSES);
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

Test(use, several_inputs_are_told_and_have_gradients)
{
    enum { HALF = PIXELS / 2 };
    static const float zeros[SAMPLES * HALF];
    static const int32_t labels[SAMPLES] = {0, 1, 2};
    train_halves();
    array_write("half.npy", "<f4", "(6, 2, 4)", zeros, sizeof zeros);
    array_write("y.npy", "<i4", "(6,)", labels, sizeof labels);
    const test_process *p = tenon(
        "gradients halves top=half.npy bottom=half.npy y.npy -o "
        "g.safetensors");
    test_ended(p, 0, NULL);
    const float *const g = tensor("g.safetensors", "parallel.dense_2.weight",
                                  HALF * CLASSES);
    for (int i = 0; i < HALF * CLASSES; i++) cr_assert_eq(g[i], 0);
    p = tenon("info halves");
    cr_assert_not_null(strstr(p->out, "inputs    top (2, 4, 1), bottom (2, 4, 1)\n"),
                       "%s", p->out);
    p = tenon("info halves --json");
    cr_assert_not_null(strstr(p->out, "\"input\":{\"top\":[2,4,1],\"bottom\":[2,4,1]}"),
                       "%s", p->out);
}

Test(use, evaluate_reads_the_config_beside_the_model)
{
    const test_process *p = tenon("evaluate " MODEL);
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "test loss ") && strstr(p->out, "test accuracy "), "%s",
              p->out);
    rename("run/config.yaml", "moved.yaml");
    test_ended(tenon("evaluate " MODEL), 1, "no config.yaml beside it", "--data", NULL);
    const test_process *q = tenon("evaluate " MODEL " --data moved.yaml");
    test_ended(q, 0, NULL);
    cr_assert_str_eq(p->out, q->out);
    test_ended(tenon("evaluate " MODEL " --data moved.yaml --split validation"), 1,
               "validation", NULL);
}

Test(use, the_folder_of_a_run_stands_for_its_model)
{
    float x[SAMPLES][PIXELS];
    make_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    const test_process *p = tenon("evaluate run"), *q = tenon("evaluate " MODEL);
    test_ended(p, 0, NULL);
    cr_assert_str_eq(p->out, q->out);
    test_ended(tenon("predict run/ x.npy -o a.npy"), 0, NULL);
    test_ended(tenon("predict " MODEL " x.npy -o b.npy"), 0, NULL);
    cr_assert(test_same_files("a.npy", "b.npy"));
    remove(MODEL);
    test_ended(tenon("evaluate run"), 1, "run is a folder without model.safetensors",
               NULL);
}

Test(use, what_is_no_model_is_told_apart)
{
    const test_process *p = tenon("evaluate net.yaml"),
                       *q = tenon("predict net.yaml x.npy -o y.npy"),
                       *r = tenon("evaluate run/checkpoint.safetensors");
    test_ended(p, 1, "net.yaml is a config, but tenon evaluate takes a model", NULL);
    test_ended(q, 1, "net.yaml is a config, but tenon predict takes a model", NULL);
    test_ended(r, 1,
               "run/checkpoint.safetensors: is the checkpoint of a run, not a model",
               NULL);
    test_one_message(p), test_one_message(q), test_one_message(r);
}

static void has_field(const json_object *object, const char *name, const char *text)
{
    json_object *value = NULL;
    cr_assert(json_object_object_get_ex(object, name, &value), "no %s", name);
    cr_assert_str_eq(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), text);
}

Test(use, info_tells_what_is_in_a_model)
{
    test_ended(tenon("train net.yaml --out named --set seed=9 --set precision=double "
                     "--set classes=[red,green,blue]"),
               0, NULL);
    const test_process *p = tenon("info named/model.safetensors"),
                       *q = tenon("info named --json"), *config = tenon("info net.yaml");
    test_ended(p, 0, NULL), test_ended(q, 0, NULL), test_ended(config, 0, NULL);
    cr_assert(strstr(p->out, "\nmodel     named/model.safetensors\nseed      9\n"
                             "precision double\ninput     (4, 4, 1)\n"
                             "classes   red, green, blue\n"),
              "%s", p->out);
    cr_assert(strstr(p->out, "\nlayer ") && strstr(p->out, "\n51 parameters\n"), "%s",
              p->out);
    cr_assert(strstr(config->out, "precision float\n"), "%s", config->out);
    test_ended(tenon("info named --set seed=4"), 1, "--set changes a config", NULL);
    json_object *object = json_tokener_parse(q->out);
    cr_assert(object, "%s", q->out);
    has_field(object, "seed", "9");
    has_field(object, "precision", "\"double\"");
    has_field(object, "input", "[4,4,1]");
    has_field(object, "classes", "[\"red\",\"green\",\"blue\"]");
    has_field(object, "parameters", "51");
    json_object_put(object);
}

/* Counted here in what the file holds. */
Test(use, info_tells_how_sparse_a_model_is)
{
    char line[200];
    int zeros = 0, units = 0, unused = 0;
    test_ended(tenon("train net.yaml --out sparse --set train.epochs=30 --set "
                     "regularizer=[{\"l1\":0.05},{\"group_lasso\":{\"lambda\":0.03,"
                     "\"over\":\"columns\"}}]"),
               0, NULL);
    const float *const w = tensor("sparse/model.safetensors", "dense.weight", WEIGHTS);
    for (int c = 0; c < CLASSES; c++) {
        int off = 0;
        for (int k = 0; k < PIXELS; k++) off += w[c * PIXELS + k] == 0;
        zeros += off, units += off == PIXELS;
    }
    for (int k = 0; k < PIXELS; k++)
        unused += w[k] == 0 && w[PIXELS + k] == 0 && w[2 * PIXELS + k] == 0;
    cr_assert(zeros > 0 && zeros < WEIGHTS && unused > 0, "%d, %d", zeros, unused);
    const test_process *p = tenon("info sparse"), *q = tenon("info sparse --json");
    test_ended(p, 0, NULL), test_ended(q, 0, NULL);
    snprintf(line, sizeof line,
             "\ndense.weight      48  %d (%.2f %%)  %5d of 3  %7d of 16\n", zeros,
             100. * zeros / WEIGHTS, units, unused);
    cr_assert_not_null(strstr(p->out, line), "%s%s", p->out, line);
    const int kept_bytes = 4 * (WEIGHTS + CLASSES - zeros),
              places = WEIGHTS + CLASSES - zeros;
    snprintf(line, sizeof line,
             "\n%d (%.2f %%) of all parameters are exactly zero: 204 bytes, without the "
             "zeros %d "
             "(bitmap), %d (16-bit indices) or %d (32-bit indices)\n",
             zeros, 100. * zeros / (WEIGHTS + CLASSES), kept_bytes + 6 + 1,
             kept_bytes + 2 * places + 24, kept_bytes + 4 * places + 24);
    cr_assert_not_null(strstr(p->out, line), "%s%s", p->out, line);
    snprintf(line, sizeof line,
             "\"with_zeros\":[{\"parameter\":\"dense.weight\",\"values\":48,\"zeros\":%d,"
             "\"units\":3,\"zero_units\":%d,\"inputs\":16,\"unused_inputs\":%d}]",
             zeros, units, unused);
    cr_assert_not_null(strstr(q->out, line), "%s%s", q->out, line);
    p = tenon("info run"), q = tenon("info net.yaml");
    cr_assert_not_null(strstr(p->out, "\nnone of them is exactly zero: 204 bytes\n"),
                       "%s", p->out);
    cr_assert_null(strstr(q->out, "exactly zero"), "%s", q->out);
}

/* With names of classes, as counts and to four digits. */
Test(use, evaluate_prints_tables)
{
    size_t size;
    test_write_text("more.yaml",
                    "classes: [a, b, \"\\e[31mc\"]\nmetrics: [{recall: "
                    "{per_class: true}}, confusion_matrix]\n%s",
                    test_read("net.yaml", &size));
    const test_process *p = tenon("train more.yaml --out more");
    test_ended(p, 0, NULL);
    cr_assert_not_null(strstr(p->out, "  epoch       loss     recall  learning rate"),
                       "%s", p->out);
    const char *csv = test_read("more/metrics.csv", &size);
    cr_assert_not_null(strstr(csv,
                              ",recall,recall[0],recall[1],recall[2],confusion_matrix["
                              "0][0],"),
                       "%s", csv);
    p = tenon("evaluate more");
    test_ended(p, 0, NULL);
    const char *list = strstr(p->out, "\n\nrecall\n0 a   "),
               *table = strstr(p->out, "\n\nconfusion_matrix   0   1   2\n0 a");
    cr_assert(list && table && strstr(table, "\n2 ?[31mc"), "%s", p->out);
    int all = 0, n, row, count[3];
    for (int i = 0; i < 3; i++) {
        table = strchr(table + 2, '\n');
        cr_assert_eq(
            sscanf(table, "%d %*s %d %d %d%n", &row, &count[0], &count[1], &count[2], &n),
            4);
        cr_assert_eq(row, i);
        all += count[0] + count[1] + count[2];
    }
    cr_assert_eq(all, 100);
    p = tenon("evaluate more --json");
    cr_assert_not_null(strstr(p->out, "\"confusion_matrix[2][1]\":"), "%s", p->out);
}

/* One output tells two classes apart. */
Test(use, one_output_shows_both_classes)
{
    small_idx("images.idx", "labels.idx", 100, 2, 4);
    test_write_text(
        "two.yaml", "%s",
        "data: {idx: {train_images: images.idx, train_labels: labels.idx, "
        "test_images: images.idx, test_labels: labels.idx}}\n"
        "model: [flatten, {dense: 1}]\nclasses: [cat, dog]\n"
        "loss: binary_cross_entropy\nmetrics: [{recall: {per_class: true}}, "
        "confusion_matrix]\noptimizer: {sgd: {lr: 0.1}}\ntrain: {epochs: 1}\n");
    test_ended(tenon("train two.yaml --out two"), 0, NULL);
    const test_process *p = tenon("info two"), *q = tenon("info two --json"),
                       *e = tenon("evaluate two");
    cr_assert_not_null(strstr(p->out, "\nclasses   cat, dog\n"), "%s", p->out);
    cr_assert_not_null(strstr(q->out, "\"classes\":[\"cat\",\"dog\"]"), "%s", q->out);
    cr_assert_not_null(strstr(e->out, "\n\nrecall\n0 cat "), "%s", e->out);
    cr_assert_not_null(strstr(strstr(e->out, "confusion_matrix"), "\n1 dog "), "%s",
                       e->out);
}

Test(use, evaluate_as_json)
{
    const test_process *p = tenon("evaluate " MODEL " --json --threads 1");
    test_ended(p, 0, NULL);
    json_object *object = json_tokener_parse(p->out), *value = NULL;
    cr_assert(object && json_object_object_get_ex(object, "accuracy", &value), "%s",
              p->out);
    cr_assert(json_object_object_get_ex(object, "threads", &value));
    cr_assert_eq(json_object_get_int(value), 1);
    json_object_put(object);
}

static void check_prediction(const char *path, float x[SAMPLES][PIXELS])
{
    char dict[200];
    size_t count;
    const float *y = array_read(path, dict, &count);
    const float *w = tensor(MODEL, "dense.weight", WEIGHTS);
    const float *b = tensor(MODEL, "dense.bias", CLASSES);
    cr_assert_eq(count, SAMPLES * CLASSES);
    cr_assert(strstr(dict, "'<f4'") && strstr(dict, "(6, 3)"), "%s", dict);
    for (int i = 0; i < SAMPLES; i++) {
        double want[CLASSES];
        logits(w, b, x[i], want);
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
Test(use, mc_dropout_gives_mean_and_standard_deviation)
{
    enum { PASSES = 4000 };
    float x[SAMPLES][PIXELS];
    char dict[200];
    size_t count;
    train_dropping();
    make_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    const test_process *p = tenon(
        "predict drops x.npy -o mc.npy --mc-dropout 4000 --json --threads 2");
    test_ended(p, 0, NULL);
    cr_assert_str_eq(p->out, "{\"event\":\"predict\",\"samples\":6,\"passes\":4000,"
                             "\"shape\":[2,6,3],\"file\":\"mc.npy\"}\n");
    const float *mean = array_read("mc.npy", dict, &count);
    cr_assert_eq(count, 2 * SAMPLES * CLASSES);
    const float *deviation = mean + SAMPLES * CLASSES;
    const float *w = tensor("drops/model.safetensors", "dense.weight", WEIGHTS),
                *b = tensor("drops/model.safetensors", "dense.bias", CLASSES);
    for (int i = 0; i < SAMPLES; i++) {
        double want[CLASSES];
        logits(w, b, x[i], want);
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

Test(use, mc_dropout_is_the_same_for_the_same_seed)
{
    float x[SAMPLES][PIXELS];
    train_dropping();
    make_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    test_ended(tenon("predict drops x.npy -o a.npy --mc-dropout 10 --threads 1"), 0,
               NULL);
    test_ended(tenon("predict drops x.npy -o b.npy --mc-dropout 10 --threads 3 --seed 5"),
               0, NULL);
    cr_assert(test_same_files("a.npy", "b.npy"), "the model's seed is 5");
    test_ended(tenon("predict drops x.npy -o c.npy --mc-dropout 10 --seed 6"), 0, NULL);
    cr_assert_not(test_same_files("a.npy", "c.npy"));
}

Test(use, mc_dropout_refuses)
{
    float x[SAMPLES][PIXELS];
    make_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    test_ended(tenon("predict run x.npy -o y.npy --mc-dropout 5"), 1,
               "no layer of the model draws random numbers", "dropout", NULL);
    test_ended(tenon("predict run x.npy -o y.npy --mc-dropout 1"), 2, "from 2 to", NULL);
    test_ended(tenon("predict run x.npy -o y.npy --mc-dropout many"), 2, "'many'", NULL);
    test_ended(tenon("predict run x.npy -o y.npy --seed 3"), 2, "--mc-dropout", NULL);
    test_ended(tenon("predict run x.npy -o y.npy --mc-dropout 5 --seed -3"), 2, "from 0",
               NULL);
}

Test(use, predict_takes_arrays_of_every_type)
{
    float x[SAMPLES][PIXELS];
    double wide[SAMPLES][PIXELS];
    make_inputs(x);
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

/* Loss and gradients of softmax cross-entropy by their formulas. */
Test(use, gradients_are_those_of_the_formula)
{
    float x[SAMPLES][PIXELS];
    int64_t label[SAMPLES];
    double gw[WEIGHTS] = {0}, gb[CLASSES] = {0}, loss = 0, most = 0;
    const float *w = tensor(MODEL, "dense.weight", WEIGHTS);
    const float *b = tensor(MODEL, "dense.bias", CLASSES);
    make_inputs(x);
    for (int i = 0; i < SAMPLES; i++) {
        double y[CLASSES], sum = 0;
        label[i] = i % CLASSES;
        logits(w, b, x[i], y);
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
    const float *have_w = tensor("g.safetensors", "dense.weight", WEIGHTS);
    const float *have_b = tensor("g.safetensors", "dense.bias", CLASSES);
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
Test(use, gradients_take_a_label_for_each_step)
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

Test(use, gradients_take_probabilities)
{
    float x[SAMPLES][PIXELS], y[SAMPLES][CLASSES] = {{0}};
    int32_t label[SAMPLES];
    make_inputs(x);
    for (int i = 0; i < SAMPLES; i++) label[i] = i % CLASSES, y[i][label[i]] = 1;
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    array_write("y.npy", "<f4", "(6, 3)", y, sizeof y);
    array_write("l.npy", "<i4", "(6,)", label, sizeof label);
    test_ended(tenon("gradients " MODEL " x.npy y.npy -o a --json"), 0, NULL);
    test_ended(tenon("gradients " MODEL " x.npy l.npy -o b"), 0, NULL);
    const float *a = tensor("a", "dense.weight", WEIGHTS),
                *b = tensor("b", "dense.weight", WEIGHTS);
    for (int i = 0; i < WEIGHTS; i++)
        cr_assert_float_eq((double)a[i], (double)b[i], 1e-6);
}

/* ---- arrays that do not fit -------------------------------------------------------------- */

static void refused(const char *line, const char *message)
{
    const test_process *p = tenon("%s", line);
    test_ended(p, 1, message, NULL);
    test_one_message(p);
    cr_assert(!test_exists("y.npy"), "nothing is written");
}

#define PREDICT "predict " MODEL " x.npy -o y.npy"

Test(use, arrays_that_do_not_fit_are_refused)
{
    float x[SAMPLES * PIXELS] = {0};
    refused(PREDICT, "x.npy: No such file");
    array_write("x.npy", "<f4", "(6, 15)", x, 360);
    refused(PREDICT, "shape (6, 15), but the model takes samples of shape (4, 4, 1)");
    array_write("x.npy", "<f4", "(4, 4)", x, 64);
    refused(PREDICT, "shape (4, 4), but the model takes samples of shape (4, 4, 1), one "
                     "per entry of the first axis; this is one sample, to which x[None] "
                     "adds the axis");
    array_write("x.npy", "<f4", "(6, 16)", x, sizeof x);
    refused(PREDICT, "shape (6, 16), but the model takes samples of shape (4, 4, 1)");
    array_write("x.npy", "<f4", "(6, 2, 8)", x, sizeof x);
    refused(PREDICT, "shape (6, 2, 8), but the model takes samples of shape (4, 4, 1)");
    array_write("x.npy", "<f4", "(96,)", x, sizeof x);
    refused(PREDICT, "shape (96), but the model takes samples of shape (4, 4, 1)");
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x - 1);
    refused(PREDICT, "truncated");
    array_write("x.npy", "<f4", "(5, 16)", x, sizeof x);
    refused(PREDICT, "trailing garbage");
    array_write("x.npy", "<f4", "(0, 16)", x, 0);
    refused(PREDICT, "axis 1 of the array has size 0");
    array_write("x.npy", "<f4", "(9223372036854775807, 16)", x, sizeof x);
    refused(PREDICT, "overflow");
    array_write("x.npy", "<f4", "(-1, 16)", x, sizeof x);
    refused(PREDICT, "the .npy header is damaged");
    array_write("x.npy", ">f4", "(6, 4, 4)", x, sizeof x);
    refused(PREDICT, "'>f4'");
    array_write("x.npy", "<c8", "(3, 16)", x, sizeof x);
    refused(PREDICT, "'<c8'");
    array_write_as("x.npy", "{'descr': \x80\1[('a', '<f4'), ('b', '<f4')], }", x, 16);
    refused(PREDICT, "element type ??[('; expected");
    test_write_text("x.npy", "nothing of the kind");
    refused(PREDICT, "is not a .npy file");
    static const char *const strange[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 16), 'more': 1, }",
        "{'x': \"'descr': '<f4', 'fortran_order': False, 'shape': (6, 16)\"}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 16), }, {}"};
    for (int i = 0; i < 3; i++) {
        array_write_as("x.npy", strange[i], x, sizeof x);
        refused(PREDICT, "the .npy header is damaged");
    }
    test_write_text("x.npy", "%s", "");
    refused(PREDICT, "is not a .npy file");
    x[17] = NAN;
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    refused(PREDICT, "x.npy: the value at [1, 0, 1] is nan, not a finite float32 (the "
                     "first index is the sample)");
    refused("predict " MODEL " . -o y.npy", ".: not a regular file");
}

Test(use, predictions_go_through_a_link)
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

Test(use, targets_that_do_not_fit_are_refused)
{
    float x[SAMPLES][PIXELS];
    int32_t label[SAMPLES] = {0, 1, 2, 0, 1, 3};
    make_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    array_write("l.npy", "<i4", "(6,)", label, sizeof label);
    refused("gradients " MODEL " x.npy l.npy -o y.npy", "label 3");
    label[5] = -1;
    array_write("l.npy", "<i4", "(6,)", label, sizeof label);
    refused("gradients " MODEL " x.npy l.npy -o y.npy", "value 5 (-1) is no label");
    array_write("l.npy", "<i4", "(5,)", label, 20);
    refused("gradients " MODEL " x.npy l.npy -o y.npy", "6 samples");
    array_write("l.npy", "<f4", "(6, 2)", x, 48);
    refused("gradients " MODEL " x.npy l.npy -o y.npy",
            "shape (6, 2), but the model's outputs have shape (3)");
    float share[SAMPLES][CLASSES] = {{0.9F}};
    array_write("l.npy", "<f4", "(6, 3)", share, sizeof share);
    refused("gradients " MODEL " x.npy l.npy -o y.npy", "row 0 add up to 0.9, not to 1");
    for (int i = 0; i < SAMPLES; i++) share[i][0] = share[i][1] = 0.5F;
    array_write("l.npy", "<f4", "(6, 3, 1)", share, sizeof share);
    test_ended(tenon("gradients " MODEL " x.npy l.npy -o z.npy"), 0, NULL);
}

Test(use, an_output_never_replaces_an_input)
{
    float x[SAMPLES][PIXELS];
    make_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    array_write("same.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    cr_assert_eq(link("x.npy", "hard.npy"), 0);
    refused("predict " MODEL " x.npy -o x.npy", "-o x.npy would replace the input x.npy");
    refused("predict " MODEL " x.npy -o ./run/../x.npy", "would replace the input x.npy");
    refused("predict " MODEL " x.npy -o hard.npy", "would replace the input x.npy");
    refused("predict run x.npy -o " MODEL, "would replace the input " MODEL);
    refused("gradients run x.npy same.npy -o same.npy", "replace the input same.npy");
    cr_assert(test_same_files("x.npy", "same.npy"));
}

/* A limit on the size of files is told like a full disk, and nothing half written stays. */
Test(use, a_limit_on_files_is_an_error_and_leaves_nothing)
{
    static float x[4000][PIXELS];
    const struct rlimit few = {4096, 4096};
    array_write("x.npy", "<f4", "(4000, 4, 4)", x, sizeof x);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
    refused(PREDICT, "y.npy: cannot be written: File too large");
    cr_assert(!test_exists(".y.npy.tmp"));
    const test_process *p = tenon("train net.yaml --out second --set model.1.dense=400");
    test_ended(p, 1, "larger than the system allows a file to be", NULL);
    test_one_message(p);
    cr_assert(!test_exists("second/.checkpoint.safetensors.tmp"));
}

Test(use, a_full_disk_is_an_error_and_spares_the_old_file)
{
    float x[SAMPLES][PIXELS];
    make_inputs(x);
    array_write("x.npy", "<f4", "(6, 4, 4)", x, sizeof x);
    test_ended(tenon("predict " MODEL " x.npy -o /dev/full"), 1, "/dev/full",
               "No space left on device", NULL);
    test_ended(tenon("predict " MODEL " x.npy -o no/such/folder.npy"), 1,
               "tenon: no/such/folder.npy: No such file", NULL);
}
