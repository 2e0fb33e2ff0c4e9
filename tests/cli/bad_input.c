/* Everything wrong that a user or a stranger can put into a config, a data file or a model file
 * ends `tenon` with status 1 and one message that says where and what. */
#include <criterion/criterion.h>
#include <libdeflate.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/array.h"
#include "support/disk.h"
#include "support/process.h"
#include "support/small_net.h"

TestSuite(bad_input, .init = test_start_in_folder, .timeout = 120);

/* Runs net.yaml, which must be refused with all the texts up to a NULL. */
static void refused(const char *first, ...)
{
    va_list texts;
    const test_process *p = tenon("train net.yaml --out run");
    test_ended(p, 1, first, NULL);
    test_one_message(p);
    va_start(texts, first);
    for (const char *text; (text = va_arg(texts, const char *)) != NULL;)
        cr_assert(strstr(p->err, text), "stderr lacks '%s': %s", text, p->err);
    va_end(texts);
    cr_assert(!test_exists("run/model.safetensors"));
}

static void config(const char *data, const char *model)
{
    test_write_text("net.yaml",
                    "data: {%s}\n"
                    "model:\n"
                    "%s"
                    "loss: cross_entropy\n"
                    "optimizer: sgd\n"
                    "train: {epochs: 1}\n",
                    data, model);
}

#define IDX "idx: {train_images: images.idx, train_labels: labels.idx}"
#define SMALL "  - flatten\n  - dense: 3\n"

static void model(const char *text)
{
    small_idx("images.idx", "labels.idx", 50, 3, 4);
    config(IDX, text);
}

/* ---- what a run lacks ------------------------------------------------------------------ */

/* By info as by train, which shows no model and leaves no folder. */
Test(bad_input, what_a_run_lacks_is_told_before_it_begins)
{
    static const char *const lacks[][2] = {
        {"train: {accumulate: 2}\n", "train: says no number of epochs"},
        {"train: {epochs: 1}\nobserve: [{early_stopping: {monitor: val_acc}}]\n",
         "net.yaml:6:12: observer early_stopping: monitor: this run has no value "
         "'val_acc'; it has loss, accuracy"},
        {"train: {epochs: 1}\nobserve: [early_stopping]\n",
         "(values with val_ need a validation split: data option validation)"},
        {"train: {epochs: 1}\nobserve: [{checkpoint: {best: accuracy_val}}]\n",
         "best: this run has no value 'accuracy_val'"},
        {"train: {epochs: 1}\nobserve: [{checkpoint: {best: penalty}}]\n"
         "regularizer: {l2: 1e-3}\n",
         "best: it is not known whether 'penalty' should be small or large"}};
    static const char *const commands[] = {"info net.yaml", "train net.yaml --out run"};
    small_idx("images.idx", "labels.idx", 50, 3, 4);
    for (size_t i = 0; i < sizeof lacks / sizeof *lacks; i++) {
        test_write_text("net.yaml",
                        "data: {%s}\nmodel: [flatten, {dense: 3}]\nloss: cross_entropy\n"
                        "optimizer: sgd\n%s",
                        IDX, lacks[i][0]);
        for (int k = 0; k < 2; k++) {
            const test_process *p = tenon("%s", commands[k]);
            test_ended(p, 1, lacks[i][1], NULL);
            test_one_message(p);
            cr_assert_str_empty(p->out);
        }
        cr_assert(!test_exists("run"));
    }
}

/* ---- configs --------------------------------------------------------------------------- */

Test(bad_input, unknown_plugin)
{
    model("  - flatten\n  - dens: 3\n");
    refused("net.yaml:4:", "no layer 'dens'", "did you mean 'dense'?",
            "layer/dens.so in /", NULL);
    model("  - flatten\n  - dense: {units: 3, init: hee}\n");
    refused("net.yaml:4:", "no initializer 'hee'", "'he'", NULL);
    model("  - ../../x\n");
    refused("net.yaml:3:", "cannot be the name of a layer", NULL);
}

Test(bad_input, options)
{
    model("  - flatten\n  - dense: {unit: 3}\n");
    refused("net.yaml:4:13: ", "unknown option 'unit'", "did you mean 'units'?", NULL);
    model("  - flatten\n  - dense: {units: 3, qqqqqqq: 1}\n");
    refused("net.yaml:4:23: ", "unknown option 'qqqqqqq'; it has units, bias, name, ",
            NULL);
    model("  - flatten\n  - dense: {units: ten}\n");
    refused("net.yaml:4:13: ", "'units'", "expected a whole number", "'ten'", NULL);
    model("  - flatten\n  - dense: {units: 3.5}\n");
    refused("net.yaml:4:13: ", "expected a whole number", NULL);
    model("  - flatten\n  - dense: {units: 0}\n");
    refused("net.yaml:4:13: ", "'units' = 0 is outside [1, ", NULL);
    model("  - flatten\n  - dense: {units: 3}\n  - dropout: {p: 1.5}\n");
    refused("net.yaml:5:15: ", "'p' = 1.5 is outside ", NULL);
    model("  - flatten\n  - dense\n");
    refused("net.yaml:4:5: ", "'units' is required", NULL);
    model("  - flatten\n  - dense: {units: 3, bias: maybe}\n");
    refused("net.yaml:4:23: ", "true or false", NULL);
    model("  - flatten\n  - dense: {units: 3, units: 4}\n");
    refused("net.yaml:4:", "units", NULL);
}

Test(bad_input, names_of_plugins_that_are_few_are_listed)
{
    model(SMALL "metrics: [acc]\n");
    refused("net.yaml:5:11: there is no metric 'acc'; did you mean 'accuracy'?", NULL);
    model(SMALL "metrics: [xyz]\n");
    refused("net.yaml:5:11: there is no metric 'xyz'; known are accuracy, auc, ", NULL);
    model("  - flatten\n  - qqqqqqq: 3\n");
    refused("net.yaml:4:5: ", "tenon plugins layer lists all", NULL);
}

Test(bad_input, sections)
{
    model(SMALL "optimiser: sgd\n");
    refused("net.yaml:5:1: ", "optimiser", "optimizer", NULL);
    test_write_text("net.yaml", "model: [relu]\n");
    refused("net.yaml:1:", "data", NULL);
    test_write_text("net.yaml", "[]\n");
    refused("net.yaml:1:1: ", NULL);
    test_write_text("net.yaml", "%s", "");
    refused("net.yaml:", "data", NULL);
}

Test(bad_input, overrides)
{
    model(SMALL);
    const test_process *p = tenon("train net.yaml --out run --set model.7.dense.units=3");
    test_ended(p, 1, "--set", "model.7", NULL);
    test_one_message(p);
    p = tenon("train net.yaml --out run --set optimizer.sgd.momentum=2");
    test_ended(p, 1, "--set optimizer.sgd.momentum=2: ", "outside [0, 1)", NULL);
    p = tenon("train net.yaml --out run --set data.idx.train_images=nowhere");
    test_ended(p, 1, "net.yaml:", ", with --set data.idx.train_images=nowhere: ",
               "nowhere: No such file", NULL);
    p = tenon("train net.yaml --out run --set train.epochs=3 --set loss=mse");
    test_ended(p, 1, "--set loss=mse: ", NULL);
    p = tenon("train net.yaml --out run --set model.1.dense.units=[");
    test_ended(p, 1, "--set", NULL);
    test_one_message(p);
}

Test(bad_input, invalid_yaml)
{
    test_write_text("net.yaml", "model: [dense: {\nloss: x\n");
    refused("net.yaml:2:1: not valid YAML: ", NULL);
    test_write_text("net.yaml", "model:\n  - dense: 3\n - relu\n");
    refused("net.yaml:3:2: not valid YAML: ", NULL);
    test_write_text("net.yaml", "model:\n\t- relu\n");
    refused("net.yaml:2:1: not valid YAML: ", "tab", NULL);
    test_write_text("net.yaml", "model: [relu]]\n");
    refused("net.yaml:1:14: not valid YAML: ", NULL);
    test_write_text("net.yaml", "a: *nowhere\n");
    refused("net.yaml:1:4: ", "no &nowhere before", NULL);
    test_write_text("net.yaml", "a: \"\\xff\xff\xfe\"\n");
    refused("net.yaml:1:9: ", "byte 0xff is not UTF-8", NULL);
}

Test(bad_input, shapes_that_do_not_fit)
{
    model("  - flatten\n"
          "  - dense: {units: 5, name: wide}\n"
          "  - dense: {units: 4, name: narrow}\n"
          "  - add: {inputs: [wide, narrow]}\n");
    refused("net.yaml:6:", "(5)", "(4)", "net.yaml:4", "net.yaml:5", NULL);
    model("  - flatten\n"
          "  - residual: {shortcut: identity, body: [{dense: 4}]}\n");
    refused("net.yaml:4:", "(16)", "(4)", NULL);
}

/* Of one weight, of the model, and of an option of the layer's own. */
Test(bad_input, initializers_that_do_not_fit)
{
    model("  - reshape: [4, 4]\n  - gru: {units: 3, init: delta_orthogonal}\n");
    refused("net.yaml:4:21: initializer of gru.weight: ", "another initializer", NULL);
    model("  - reshape: [4, 4]\n  - gru: 3\ninit: delta_orthogonal\n");
    refused("net.yaml:5:1: initializer of gru.weight: ", NULL);
    model("  - reshape: [4, 4]\n  - gru: {units: 3, recurrent_initializer: "
          "delta_orthogonal}\n");
    refused("net.yaml:4:", "initializer of gru.recurrent_weight: ", NULL);
}

Test(bad_input, too_few_outputs)
{
    model("  - flatten\n  - dense: 2\n");
    refused("net.yaml:5:", "3 classes", "2 outputs", NULL);
}

Test(bad_input, a_forgotten_flatten)
{
    model("  - dense: 4\n  - relu\n  - dense: 3\n");
    refused("net.yaml:6:", "each sample has 1 target values, needs 16",
            "the outputs (4, 4, 3) come from 'dense_2' (net.yaml:5)",
            "put flatten or global_avg_pool before the dense layers", NULL);
    model("  - reshape: [4, 4]\n  - gru: {units: 3, return_sequences: true}\n");
    refused("net.yaml:5:", "the outputs (4, 3) come from 'gru' (net.yaml:4)",
            "a recurrent layer without return_sequences", NULL);
}

Test(bad_input, a_forgotten_lengths_option)
{
    model("  - reshape: [4, 4]\n"
          "  - lengths\n"
          "  - lstm: {units: 3, inputs: [reshape, lengths]}\n");
    refused("net.yaml:5:5: lstm: ", "its last input has 1",
            "if that is the number of steps that count, say lengths: true", NULL);
}

Test(bad_input, blocks_and_options_without_effect)
{
    model("  - flatten\n"
          "  - residual: {name: left, body: [{dense: 16}]}\n"
          "  - dense: {units: 3, inputs: [lefft]}\n");
    refused("net.yaml:5:32: ", "no layer 'lefft'", "did you mean 'left'?", NULL);
    model("  - flatten: {parametrization: weight_norm}\n  - dense: 3\n");
    refused("net.yaml:3:15: flatten: option 'parametrization' is for weights", NULL);
}

/* What only shows when there are values, too, says which layer or section it is about. */
Test(bad_input, what_the_first_batch_shows)
{
    const float x[4][2] = {{0, 1}, {1, 0}, {1, 7}, {0, 1}};
    const int32_t y[4] = {0, 1, 0, 1};
    array_write("x.npy", "<f4", "(4, 2)", x, sizeof x);
    array_write("y.npy", "<i4", "(4,)", y, sizeof y);
    config("npy: {x: x.npy, y: y.npy, shuffle: false}",
           "  - embedding: {vocabulary: 3, units: 2}\n  - lstm: 2\n");
    refused("net.yaml:3:5: layer 'embedding': ", "7", NULL);
    cr_assert(!test_exists("run"), "a run without a step leaves nothing");
    config("npy: {x: x.npy, y: y.npy, shuffle: false}",
           "  - reshape: {shape: [2, 1], name: steps}\n"
           "  - dense: {units: 1, inputs: input, name: length}\n"
           "  - lstm: {units: 2, lengths: true, inputs: [steps, length]}\n");
    refused("net.yaml:5:5: layer 'lstm': sample 0 of the batch has length ", NULL);
    config("npy: {x: x.npy, y: y.npy, shuffle: false, batch: 2}",
           "  - embedding: {vocabulary: 3, units: 2}\n  - lstm: 2\n");
    refused("training stopped, the last checkpoint in run is kept: net.yaml:3:5: layer "
            "'embedding': ",
            NULL);
    cr_assert(test_exists("run/checkpoint.safetensors"));
}

Test(bad_input, stateful_layers_and_shuffled_data)
{
    model("  - reshape: [4, 4]\n  - lstm: {units: 3, stateful: 32}\n");
    refused("net.yaml:4:5: layer 'lstm' goes on where the batch before ended",
            "the data (net.yaml:1) has shuffle: true", "give it shuffle: false", NULL);
}

/* ---- data ------------------------------------------------------------------------------ */

static void put(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* images.idx, cut to `keep` bytes. */
static void cut(size_t keep)
{
    char bytes[4096];
    FILE *file = fopen("images.idx", "rb");
    cr_assert(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    put("images.idx", bytes, size < keep ? size : keep);
}

Test(bad_input, idx)
{
    model(SMALL);
    cut(400);
    refused("net.yaml:1:", "images.idx", "truncated", NULL);
    cut(9);
    refused("images.idx", "truncated", NULL);
    cut(0);
    refused("images.idx", "empty", NULL);
    put("images.idx", "GIF89a, which is something else", 31);
    refused("images.idx", "IDX", NULL);
    put("images.idx", "\0\0\x08\x03\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff", 16);
    refused("images.idx", NULL);
    remove("images.idx");
    refused("images.idx", "No such file or directory", NULL);
}

static void pack(const char *path, const char *bytes, size_t size)
{
    char packed[4096];
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    cr_assert_not_null(c);
    const size_t made = libdeflate_gzip_compress(c, bytes, size, packed, sizeof packed);
    libdeflate_free_compressor(c);
    cr_assert_gt(made, 0);
    put(path, packed, made);
}

Test(bad_input, idx_in_gzip)
{
    char plain[4096], packed[4096];
    model(SMALL);
    FILE *file = fopen("images.idx", "rb");
    const size_t size = fread(plain, 1, sizeof plain, file);
    fclose(file);
    pack("images.idx", plain, size);
    test_ended(tenon("train net.yaml --out good"), 0, NULL);
    file = fopen("images.idx", "rb");
    const size_t most = fread(packed, 1, sizeof packed, file);
    fclose(file);
    put("images.idx", packed, most / 2);
    refused("images.idx", "truncated", NULL);
    put("images.idx", packed, most - 3);
    refused("images.idx", "gzip", NULL);
    packed[most / 2] = (char)(packed[most / 2] ^ 0x55);
    put("images.idx", packed, most);
    refused("images.idx", "gzip", NULL);
}

Test(bad_input, other_things_in_gzip)
{
    small_idx("images.idx", "labels.idx", 50, 3, 4);
    config("idx: {train_images: images.gz, train_labels: labels.idx}", SMALL);
    pack("images.gz", "GIF89a, which is something else", 31);
    refused("images.gz: is not an IDX file", "found 47 49 46", NULL);
    pack("images.gz", "", 0);
    refused("images.gz: truncated: the file ends inside the IDX header (after "
            "decompression)",
            NULL);
    put("images.gz", "\x1f\x8b", 2);
    refused("images.gz: truncated: ", "2 bytes of gzip data", NULL);
    put("images.gz", "", 0);
    refused("images.gz: the file is empty", NULL);
}

static void csv(const char *text)
{
    test_write_text("table.csv", "%s", text);
    config("csv: {path: table.csv, classes: 3}", "  - dense: 3\n");
}

Test(bad_input, csv)
{
    csv("a,b,label\n1,2,0\n3,4\n");
    refused("table.csv:3:", "2 cells, expected 3", NULL);
    csv("a,b,label\n1,2,0\n3,4,1,5\n");
    refused("table.csv:3:", "4 cells, expected 3", NULL);
    csv("a,b,label\n1,2,0\n3,four,1\n");
    refused("table.csv:3:2: ", "'four'", NULL);
    csv("a,b,label\n1,nan,0\n");
    refused("table.csv:2:2: ", "'nan'", NULL);
    csv("a,b,label\n1,1e999,0\n");
    refused("table.csv:2:2: ", "'1e999'", NULL);
    csv("a,b,label\n1,2,3\n");
    refused("table.csv:2:3: ", "label 3 is out of range", NULL);
    csv("a,b,label\n1,2,0.5\n");
    refused("table.csv:2:3: ", "not a class number", NULL);
    csv("a,b,label\n");
    refused("table.csv", "no rows", NULL);
    csv("");
    refused("table.csv", "empty", NULL);
    remove("table.csv");
    refused("table.csv", "No such file", NULL);
}

Test(bad_input, numbers_that_are_not_finite)
{
    float x[4][2] = {{0, 1}, {1, 0}, {1, 1}, {0, NAN}};
    const int32_t y[4] = {0, 1, 0, 1};
    config("npy: {x: x.npy, y: y.npy, shuffle: false}", "  - dense: 2\n");
    array_write("x.npy", "<f4", "(4, 2)", x, sizeof x);
    array_write("y.npy", "<i4", "(4,)", y, sizeof y);
    refused("net.yaml:1:", "sample 3", "not a number", NULL);
    x[3][1] = INFINITY;
    array_write("x.npy", "<f4", "(4, 2)", x, sizeof x);
    refused("net.yaml:1:", "sample 3", "infinite", NULL);
}

Test(bad_input, labels_out_of_range)
{
    const float x[4] = {0, 1, 2, 3};
    const int32_t y[4] = {0, 1, 2, -1};
    config("npy: {x: x.npy, y: y.npy, classes: 2}", "  - dense: 2\n");
    array_write("x.npy", "<f4", "(4, 1)", x, sizeof x);
    array_write("y.npy", "<i4", "(4,)", y, sizeof y);
    refused("y.npy", "label 2 of sample 2 is out of range", NULL);
    config("npy: {x: x.npy, y: y.npy, classes: 3}", "  - dense: 3\n");
    refused("y.npy", "label -1", NULL);
}

/* What else people store tables, labels and arrays in. */
Test(bad_input, almost_the_right_file)
{
    const float x[4] = {0, 1, 2, 1};
    csv("a,b,label\n1,2,cat\n");
    refused("table.csv:2:3: ", "found 'cat'; words, such as names of classes, have to be",
            NULL);
    csv("a,b,label\n1,NaN,0\n");
    refused("table.csv:2:2: expected a finite number, found 'NaN'", NULL);
    cr_assert_null(strstr(tenon("train net.yaml")->err, "words"));
    put("table.csv",
        "\xff\xfe"
        "a\0,\0b\0\n\0",
        10);
    refused("table.csv: holds zero bytes", "UTF-16", NULL);
    test_write_text("table.csv", "a,b\n1,2\n");
    config("csv: {path: table.csv, header: false}", "  - dense: 3\n");
    refused("table.csv:1:1: ", "if the first row holds names, set header: true", NULL);
    config("npy: {x: x.npy, y: y.npy}", "  - dense: 3\n");
    array_write("x.npy", "<f4", "(4,)", x, sizeof x);
    array_write("y.npy", "<f4", "(4,)", x, sizeof x);
    refused("net.yaml:4:", "labels have to be whole numbers", NULL);
    array_write("y.npy", "<i4", "(4, 1)", x, sizeof x);
    refused("net.yaml:4:",
            "told from others by their number of classes (npy: classes: 3)", NULL);
    put("y.npy", "PK\3\4 and so on", 14);
    refused("y.npy: is an archive (.npz), not a .npy file", "numpy.save", NULL);
}

Test(bad_input, a_table_without_the_header_that_is_expected)
{
    csv("1,2,0\n3,4,1\n5,6,2\n");
    refused("table.csv:1:1: the first row holds numbers", "header: false", NULL);
}

/* ---- files --------------------------------------------------------------------------------- */

Test(bad_input, pickles_for_weights)
{
    model(SMALL "init_from: net.pt\n");
    put("net.pt", "PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0", 16);
    refused("net.yaml:5:1: net.pt: a pickle of PyTorch's", "scripts/torch-state convert",
            NULL);
    put("net.pt", "\x80\2}q\1(X\1\0\0\0wq\2X\1\0\0\0x", 20);
    refused("net.pt: a pickle of PyTorch's", NULL);
}

Test(bad_input, missing_files)
{
    test_ended(tenon("train net.yaml"), 1, "net.yaml: no such file", NULL);
    test_ended(tenon("train ."), 1, ". is a folder, but tenon train takes a config",
               NULL);
    test_ended(tenon("evaluate model"), 1, "model: no such file", NULL);
    test_ended(tenon("info net.yaml"), 1, "net.yaml: no such file", NULL);
    model(SMALL);
    test_ended(tenon("train net.yaml --out images.idx/run"), 1,
               "images.idx: part of the path is a file", NULL);
}

Test(bad_input, no_permission)
{
    model(SMALL);
    cr_assert_eq(chmod("labels.idx", 0) | chmod(".", 0777), 0);
    unsetenv("HOME"); /* its plugins are root's */
    unsetenv("XDG_DATA_HOME");
    if (getuid() == 0 && (setgid(65534) || setuid(65534)))
        cr_skip_test("cannot drop root");
    if (access(getenv("TENON_TEST_PROGRAM"), X_OK))
        cr_skip_test("only root sees the program");
    refused("labels.idx", "Permission denied", NULL);
    mkdir("closed", 0500);
    const test_process *p = tenon("train net.yaml --out closed/run");
    test_ended(p, 1, "closed/run: no permission", NULL);
    test_one_message(p);
    mkdir("locked", 0);
    test_ended(tenon("train --resume locked"), 1, "locked", "Permission denied", NULL);
}

/* ---- model files ----------------------------------------------------------------------------- */

/* A model file with this header; its data are 24 zeros. */
static void archive(const char *header)
{
    const uint64_t length = strlen(header);
    const char zeros[24] = {0};
    FILE *file = fopen("model", "wb");
    cr_assert(file);
    fwrite(&length, 8, 1, file);
    fwrite(header, 1, length, file);
    fwrite(zeros, 1, sizeof zeros, file);
    fclose(file);
}

static void model_refused(const char *text)
{
    const test_process *p = tenon("predict model x.npy -o y.npy");
    test_ended(p, 1, "model", text, NULL);
    test_one_message(p);
}

#define TENSOR(NAME, SHAPE, FROM, TO)                                                    \
    "\"" NAME "\":{\"dtype\":\"F32\",\"shape\":" SHAPE ",\"data_offsets\":[" FROM "," TO \
    "]}"

Test(bad_input, model_files)
{
    archive("{" TENSOR("a", "[4]", "0", "16") "," TENSOR("b", "[4]", "8", "24") "}");
    model_refused("overlap");
    archive("{" TENSOR("a", "[4]", "16", "32") "}");
    model_refused("outside");
    archive("{" TENSOR("a", "[4]", "18446744073709551600", "18446744073709551616") "}");
    model_refused("'a'");
    archive("{" TENSOR("a", "[4611686018427387904,4611686018427387904]", "0", "24") "}");
    model_refused("'a'");
    archive("{" TENSOR("a", "[5]", "0", "24") "}");
    model_refused("its shape takes 20 bytes");
    archive("{" TENSOR("a", "[-6]", "0", "24") "}");
    model_refused("'a'");
    archive("{" TENSOR("a", "[4]", "0", "16") "}");
    model_refused("8 bytes of data belong to no tensor");
    archive("{\"a\":");
    model_refused("damaged header");
    archive("{" TENSOR("a", "[6]", "0", "24") "}");
    model_refused("tenon"); /* well formed, but not written by Tenon */
    put("model", "\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10);
    model_refused("not a safetensors file, or cut off");
    put("model", "1234", 4);
    model_refused("only 4 bytes");
    put("model", "", 0);
    model_refused("");
}

static void described(const char *config_text, const char *text)
{
    char header[1000];
    snprintf(header, sizeof header,
             "{\"__metadata__\":{\"tenon.version\":\"1\",\"tenon.config\":"
             "\"%s\"}," TENSOR("dense.weight", "[2,3]", "0", "24") "}",
             config_text);
    archive(header);
    const test_process *p = tenon("predict model x.npy -o y.npy --max-memory 64M");
    test_ended(p, 1, text, NULL);
    test_one_message(p);
}

/* What a model file says of its network is no more trusted than what it holds. */
Test(bad_input, configs_in_model_files)
{
    described("input: [3]\\nmodel: [{dense: {units: 2, bias: false}}]\\n",
              "x.npy: No such");
    described("input: [3]\\nmodel: [{dense: 4}]\\n", "dense.");
    described("input: [3]\\nmodel: [{dense: 2147483647}, {dense: 2147483647}]\\n",
              "the file holds less than its config makes");
    described("input: [-3]\\nmodel: [relu]\\n", "'-3'");
    described("model: [relu]\\n", "input");
    described("input: [3\\n", "");
    described("input: [3]\\nmodel: [{dense: {units: 2, init: ../../x}}]\\n", "name");
}

/* ---- plugins ----------------------------------------------------------------------------------- */

Test(bad_input, plugin_files)
{
    model("  - flatten\n  - dense: 3\n  - odd\n");
    mkdir("plugins", 0755);
    mkdir("plugins/layer", 0755);
    put("plugins/layer/odd.so", "not a shared object", 19);
    const char *const line = "train net.yaml --out run --plugin-path plugins";
    test_ended(tenon("%s", line), 1, "net.yaml:5:5: ", "odd.so: cannot be loaded", NULL);
    chmod("plugins/layer/odd.so", 0666);
    test_ended(tenon("%s", line), 1, "odd.so", "write", NULL);
    chmod("plugins/layer/odd.so", 0644);
    chmod("plugins/layer", 0777);
    test_ended(tenon("%s", line), 1, "plugins/layer", "write", NULL);
}

/* Plugins that Tenon has to refuse, from tests/core/broken. */
Test(bad_input, plugins_that_do_not_fit)
{
    static const char *const all[][2] = {
        {"no_descriptor", "is no plugin of Tenon"},
        {"wrong_major", "built for version 7 of the plugin interface"},
        {"newer_minor", "needs version 0.999 of the plugin interface"},
        {"wrong_real", "built for numbers of 10 bytes, not 4"},
        {"missing_slot", "the required slot .forward is missing"},
        {"unresolved", "undefined symbol: nobody_has_this_function"},
    };
    mkdir("plugins", 0755);
    mkdir("plugins/layer", 0755);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char path[4096], layers[100];
        size_t size;
        snprintf(path, sizeof path, "%s/core/broken/%s.so", getenv("TENON_TEST_TOYS"),
                 all[i][0]);
        const char *bytes = test_read(path, &size);
        cr_assert_not_null(bytes, "%s", path);
        snprintf(path, sizeof path, "plugins/layer/%s.so", all[i][0]);
        put(path, bytes, size);
        chmod(path, 0644);
        snprintf(layers, sizeof layers, "  - flatten\n  - dense: 3\n  - %s\n", all[i][0]);
        model(layers);
        const test_process *p = tenon("train net.yaml --out run --plugin-path plugins");
        test_ended(p, 1, "net.yaml:5:5: ", path, all[i][1], NULL);
        test_one_message(p);
    }
}
