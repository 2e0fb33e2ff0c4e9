/* Every config in examples/ trains: an epoch on small data under the names that it gives. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/array.h"
#include "support/disk.h"
#include "support/process.h"
#include "support/rounds.h"
#include "support/small_net.h"

TestSuite(examples, .init = test_start_in_folder, .timeout = 200);

enum { IMAGES = 40, PIXELS = 28 * 28 };

static void make_data(void)
{
    static float image[IMAGES * PIXELS];
    for (int i = 0; i < IMAGES * PIXELS; i++) image[i] = (float)(i % 11) / 11;
    array_write("noisy.npy", "<f4", "(40, 28, 28, 1)", image, sizeof image);
    array_write("clean.npy", "<f4", "(40, 28, 28, 1)", image, sizeof image);
    cr_assert_eq(mkdir("digits", 0755), 0);
    small_idx("digits/train-images-idx3-ubyte", "digits/train-labels-idx1-ubyte", IMAGES,
              10, 28);
    FILE *text = fopen("input.txt", "w"), *spots = fopen("monthly-sunspots.csv", "w");
    cr_assert(text && spots);
    for (int i = 0; i < 45000; i++) fputc(i % 6 ? 'a' + i * i % 26 : ' ', text);
    fputs("\"Month\",\"Sunspots\"\n", spots);
    for (int i = 0; i < 200; i++) fprintf(spots, "\"%d\",%g\n", i, 50 + 40 * sin(i));
    fclose(text), fclose(spots);
}

/* out: "", or " --out FOLDER". */
static void train(const char *folder, const char *name, const char *out)
{
    size_t size;
    const char *text = test_read(test_path(folder, name), &size);
    FILE *file = fopen("net.yaml", "w");
    cr_assert(text && file, "%s", name);
    const bool generated = strstr(text, "adding: {");
    small_config(file, text);
    fclose(file);
    const test_process *p = tenon("train net.yaml --set train.epochs=1%s%s",
                                  generated ? " --set data.adding.samples=200" : "", out);
    cr_assert_eq(p->status, 0, "%s does not train: %s", name, p->err);
}

Test(examples, every_config_trains)
{
    char folder[4200];
    int count = 0;
    make_data();
    snprintf(folder, sizeof folder, "%s/../examples", getenv("TENON_TEST_DATA"));
    train(folder, "fashion-mnist-cnn.yaml",
          " --out runs/fashion-mnist-cnn"); /* of another */
    DIR *all = opendir(folder);
    cr_assert_not_null(all);
    for (const struct dirent *one; (one = readdir(all));) {
        if (!strstr(one->d_name, ".yaml")) continue;
        train(folder, one->d_name, "");
        count++;
    }
    closedir(all);
    cr_assert_gt(count, 0);
}

/* Trains on the adding problem; the mean squared error on its test sequences, of which answering 1 makes
 * 1/6. As adding-lstm.yaml and adding-irnn.yaml do, but for fewer steps in a sample. */
static double adding_error(const char *layer, const char *rate)
{
    static int run;
    const int steps = test_full() ? 100 : 30, epochs = test_full() ? 5 : 3;
    test_write_text("adding.yaml",
                    "seed: 1\ndata: {adding: {steps: %d, samples: 10000, batch: 32}}\n"
                    "model: [%s, {dense: 1}]\nloss: mse\n"
                    "optimizer: {adam: {lr: %s}}\ngradient: [{clip_norm: 1}]\n"
                    "train: {epochs: %d}\n",
                    steps, layer, rate, epochs);
    const test_process *p = tenon("train adding.yaml --out adding-%d", ++run);
    cr_assert_eq(p->status, 0, "%s", p->err);
    p = tenon("evaluate adding-%d", run);
    const char *loss = strstr(p->out, "test loss ");
    cr_assert(loss, "%s", p->out);
    return atof(loss + strlen("test loss "));
}

static void adds(const char *layer, const char *rate, bool solves)
{
    const double error = adding_error(layer, rate);
    cr_assert(solves ? error < 0.01 : error > 0.15, "%s: %g", layer, error);
}

/* Le, Jaitly and Hinton, arXiv:1504.00941, section 4.1. */
Test(examples, gates_and_identities_solve_the_adding_problem)
{
    if (test_sanitized())
        cr_skip_test("it takes minutes, and runs nothing that other tests do not run");
    adds("{lstm: 64}", "1e-2", true);
    adds("{gru: 64}", "1e-2", true);
    adds("{rnn: {units: 100, nonlinearity: relu, recurrent_initializer: identity}}",
         "{cosine: 1e-3}", true);
    adds("{rnn: 100}", "{cosine: 1e-3}", false);
}

/* A library of the working folder, as the head of the config says. */
Test(examples, functions_of_fortran_and_of_the_c_library)
{
    char config[4200];
    size_t size;
    const char *library = test_read(getenv("TENON_TEST_FORTRAN"), &size);
    if (!library) cr_skip_test("built without a Fortran compiler");
    test_write("libcurves.so", library, size);
    cr_assert_eq(chmod("libcurves.so", 0644), 0);
    snprintf(config, sizeof config, "%s/../examples/foreign/adding.yaml",
             getenv("TENON_TEST_DATA"));
    const char *both = "--allow-foreign ./libcurves.so:libm.so.6";
    const test_process *p = tenon("train %s --set train.epochs=1 --out run", config);
    test_ended(p, 1, "adding.yaml:14:", "--allow-foreign ./libcurves.so", NULL);
    test_one_message(p);
    p = tenon("train %s --set train.epochs=3 --out run %s", config, both);
    cr_assert_eq(p->status, 0, "%s", p->err);
    test_ended(tenon("info run"), 1,
               "model.safetensors:", "--allow-foreign ./libcurves.so", NULL);
    /* the loss and the initial weights play no part there */
    p = tenon("info run --allow-foreign ./libcurves.so");
    cr_assert_eq(p->status, 0, "%s", p->err);
    p = tenon("evaluate run %s", both);
    cr_assert_eq(p->status, 0, "%s", p->err);
    const char *mse = strstr(p->out, "test mse ");
    cr_assert(mse && atof(mse + strlen("test mse ")) < 0.02, "%s", p->out);
}
