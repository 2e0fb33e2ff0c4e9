/* running.h - whole runs on a small data set in memory, through tenon.h, with files in a folder
 * of the test's own. */
#ifndef TESTS_SUPPORT_RUNNING_H
#define TESTS_SUPPORT_RUNNING_H

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/trainer.h"
#include "tests/support/disk.h"
#include "tests/support/kept.h"
#include "tests/support/opening.h"

enum { RUN_SAMPLES = 120, RUN_FEATURES = 6, RUN_CLASSES = 3 };

/* Samples are made by a callback, so that a test can end the process at any of them. */
static int64_t run_reads, run_die_at = -1;

static float run_noise(int64_t i, int64_t j)
{
    const tn_key key = {{5, 9}};
    return (float)tn_random_uniform(key, (uint64_t)(i * RUN_FEATURES + j)) - 0.5f;
}

static int run_read(void *data, int64_t i, float *input, float *target, int32_t *label)
{
    if (++run_reads == run_die_at) raise(SIGKILL);
    const int32_t class = (int32_t)(i * 7 % RUN_CLASSES);
    for (int64_t j = 0; j < RUN_FEATURES; j++)
        input[j] = run_noise(i, j) * 1.5f + (j % RUN_CLASSES == class);
    *label = class;
    return 0;
}

/* An environment with plugins and toys; data is attached as `set`. */
TN_UNUSED static tn_env *run_env(int32_t threads)
{
    tn_error e = {0};
    tn_env *env = open_env(NULL, threads);
    const tn_memory_data set = {.samples = RUN_SAMPLES,
                                .input = {.rank = 1, .dim = {RUN_FEATURES}},
                                .classes = RUN_CLASSES,
                                .read = run_read};
    cr_assert_eq(tn_env_attach(env, "set", &set, &e), TN_OK, "%s", e.text);
    return kept(env);
}

/* 90 training samples in batches of 8: 12 steps an epoch; 30 for validation. */
static const char run_config[] =
    "seed: 11\n"
    "data: {memory: {train: set, validation: 0.25, batch: 8}}\n"
    "model: [{dense: 12}, batch_norm, relu, {dropout: 0.2}, {dense: 3}]\n"
    "loss: cross_entropy\n"
    "optimizer: {sgd: {lr: {cosine: {from: 0.1}}, momentum: 0.9}}\n"
    "regularizer: {l2: {lambda: 1e-3}}\n"
    "train: {epochs: 4}\n"
    "observe: [{checkpoint: {every: 5}}]\n";

TN_UNUSED static tn_config *run_parse(tn_env *env, const char *text,
                                      const char *const *sets, int32_t count)
{
    tn_error e = {0};
    tn_config *config = tn_config_parse(env, text, "net.yaml", sets, count, &e);
    cr_assert_not_null(config, "%s", e.text);
    return config;
}

/* Overrides, ending with NULL, of run_config. */
TN_UNUSED static tn_trainer *run_new(tn_env *env, const char *const sets[],
                                     const tn_train_options *options, tn_error *e)
{
    int32_t count = 0;
    while (sets && sets[count]) count++;
    tn_config *config = run_parse(env, run_config, sets, count);
    tn_trainer *t = tn_trainer_new(env, config, options, e);
    tn_config_free(config); /* a trainer needs no config of the caller's */
    return kept(t);
}

/* A run from start or checkpoint to its end. */
TN_UNUSED static tn_status run_all(tn_env *env, const char *const sets[], const char *dir,
                                   bool resume, tn_error *e)
{
    const tn_train_options options = {.run_dir = resume ? NULL : dir,
                                      .resume = resume ? dir : NULL};
    tn_trainer *t = run_new(env, sets, &options, e);
    if (!t) return e->status;
    const tn_status status = tn_trainer_run(t, e);
    tn_trainer_free(t);
    return status;
}

/* The run in a process of its own, killed (SIGKILL) when sample number `die_at` is read. */
TN_UNUSED static void run_killed(const char *const sets[], const char *dir, bool resume,
                                 int64_t die_at)
{
    const pid_t child = fork();
    int how;
    if (!child) {
        tn_error e = {0};
        run_reads = 0, run_die_at = die_at;
        run_all(run_env(1), sets, dir, resume, &e);
        fprintf(stderr, "%s\n", e.text);
        _exit(1);
    }
    cr_assert_eq(waitpid(child, &how, 0), child);
    cr_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL, "ended before it was killed");
}

TN_UNUSED static void run_same_files(const char *a, const char *b, const char *name)
{
    size_t n, m;
    const char *text = test_read(test_path(a, name), &n);
    cr_assert_not_null(text, "%s/%s", a, name);
    char *first = malloc(n + 1);
    memcpy(first, text, n + 1);
    text = test_read(test_path(b, name), &m);
    cr_assert_not_null(text, "%s/%s", b, name);
    cr_assert(n == m && !memcmp(first, text, n), "%s differs between %s and %s", name, a,
              b);
    free(first);
}

#endif
