/* averaged.c - running statistics of a network whose weights are averaged: those of training, until a run
 * at a rate of 0 makes them anew, as docs/guide.md says. */
#include <math.h>

#include "tests/support/running.h"

enum { UNITS = 12 };

static tn_model *model_in(tn_env *env, const char *dir)
{
    tn_error e = {0};
    tn_model *m = kept(tn_model_load(env, test_path(dir, "model.safetensors"), &e));
    cr_assert_not_null(m, "%s", e.text);
    return m;
}

static const float *values(const tn_model *m, const char *name)
{
    tn_error e = {0};
    tn_tensor t;
    cr_assert_eq(tn_model_find(m, name, &t, &e), TN_OK, "%s", e.text);
    return t.data;
}

/* Largest distance of the running mean and variance from those of the values that dense makes of all
 * samples. */
static double off(const tn_model *m)
{
    const float *w = values(m, "dense.weight"), *b = values(m, "dense.bias"),
                *mean = values(m, "batch_norm.running_mean"),
                *variance = values(m, "batch_norm.running_var");
    double most = 0;
    for (int u = 0; u < UNITS; u++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < RUN_SAMPLES; i++) {
            float x[RUN_FEATURES];
            int32_t label;
            double z = (double)b[u];
            run_read(NULL, i, x, NULL, &label);
            for (int j = 0; j < RUN_FEATURES; j++)
                z += (double)w[u * RUN_FEATURES + j] * (double)x[j];
            sum += z, squares += z * z;
        }
        const double middle = sum / RUN_SAMPLES;
        const double spread = (squares - sum * middle) / (RUN_SAMPLES - 1);
        most = fmax(most, fabs((double)mean[u] - middle));
        most = fmax(most, fabs((double)variance[u] - spread));
    }
    return most;
}

static void run(tn_env *env, const char *const sets[], const char *dir)
{
    tn_error e = {0};
    cr_assert_eq(run_all(env, sets, dir, false, &e), TN_OK, "%s", e.text);
}

Test(averaged, statistics_of_averaged_weights)
{
    char first[300], from[320];
    const char *folder = test_folder();
    tn_env *env = run_env(1);
    snprintf(first, sizeof first, "%s", test_path(folder, "averaged"));
    snprintf(from, sizeof from, "init_from=%s", first);
    run(env,
        (const char *const[]){"data.memory.validation=0", "train.epochs=8",
                              "optimizer={swa: {of: {sgd: {lr: 0.5}}, start: 12}}", NULL},
        first);
    char last[300];
    snprintf(last, sizeof last, "%s", test_path(folder, "final"));
    run(env,
        (const char *const[]){"data.memory.validation=0", "data.memory.batch=120",
                              "train.epochs=150", "optimizer={sgd: {lr: 0}}", from, NULL},
        last);
    const tn_model *before = model_in(env, first), *after = model_in(env, last);
    static const char *const same[] = {"dense.weight", "dense.bias", "batch_norm.gamma",
                                       "batch_norm.beta"};
    static const size_t size[] = {UNITS * RUN_FEATURES, UNITS, UNITS, UNITS};
    for (int i = 0; i < 4; i++)
        cr_assert_eq(memcmp(values(before, same[i]), values(after, same[i]),
                            size[i] * sizeof(float)),
                     0, "%s", same[i]);
    cr_assert(off(before) > 0.01, "%g", off(before));
    cr_assert(off(after) < 1e-5, "%g", off(after));
}
