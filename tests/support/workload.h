/* workload.h - the networks that Tenon is measured by (bench/configs), on made-up data: a few
 * batches an epoch, the last one smaller, and some samples to validate on. */
#ifndef TESTS_SUPPORT_WORKLOAD_H
#define TESTS_SUPPORT_WORKLOAD_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/trainer.h"
#include "tests/support/opening.h"
#include "tests/support/rounds.h"

enum { WORKLOADS = 32, WORKLOAD_SETS = 16 };

typedef struct workload {
    char name[40]; /* "w1": of w1.yaml */
    int number;    /* among all: what draws from it */
    bool huge;     /* 4096 inputs or more, or much work: batches are small */
} workload;

static workload workloads[WORKLOADS];

static const char *workload_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s.yaml", getenv("TENON_TEST_WORKLOADS"), name);
    return path;
}

static int workload_order(const void *a, const void *b)
{
    return strcmp(((const workload *)a)->name, ((const workload *)b)->name);
}

/* The networks with millions of weights: w2 are w1 with more layers. */
static bool workload_left_out(const char *name)
{
    if (test_full()) return false;
    return !strncmp(name, "w2", 2) || (test_sanitized() && !strncmp(name, "w1", 2));
}

/* Those of the folder, for parameterized tests. */
__attribute__((unused)) static struct criterion_test_params workloads_all(void)
{
    size_t n = 0;
    DIR *folder = opendir(getenv("TENON_TEST_WORKLOADS"));
    cr_assert_not_null(folder);
    for (const struct dirent *f; (f = readdir(folder));) {
        const char *end = strstr(f->d_name, ".yaml");
        if (!end || workload_left_out(f->d_name)) continue;
        cr_assert(n < WORKLOADS);
        workload *w = &workloads[n++];
        snprintf(w->name, sizeof w->name, "%.*s", (int)(end - f->d_name), f->d_name);
        w->huge = strchr("12567", w->name[1]) || !strncmp(w->name, "resnet", 6);
    }
    closedir(folder);
    cr_assert_geq(n, 9);
    qsort(workloads, n, sizeof *workloads, workload_order);
    for (size_t i = 0; i < n; i++) workloads[i].number = (int)i;
    return cr_make_param_array(workload, workloads, n);
}

/* ---- data ---------------------------------------------------------------------------- */

typedef struct workload_data {
    int64_t inputs;
    int32_t classes;
} workload_data;

static int workload_sample(void *data, int64_t i, float *input, float *target,
                           int32_t *label)
{
    const workload_data *d = data;
    const tn_key key = {{(uint32_t)i, 3}};
    for (int64_t k = 0; k < d->inputs; k++)
        input[k] = (float)(2 * tn_random_uniform(key, (uint64_t)k) - 1);
    *label = (int32_t)(i * 7 % d->classes);
    return 0;
}

/* Without an `input:` images of 28 x 28. */
static tn_shape workload_input(const tn_config *c)
{
    tn_error e = {0};
    tn_inputs in;
    cr_assert_eq(tn_inputs_read(c->root, &in, &e), TN_OK, "%s", e.text);
    return in.count ? in.of[0].shape : (tn_shape){.rank = 2, .dim = {28, 28}};
}

static void workload_attach(tn_env *env, const workload *w, workload_data *d)
{
    tn_error e = {0};
    tn_config *c = tn_config_load(env, workload_path(w->name), NULL, 0, &e);
    cr_assert_not_null(c, "%s", e.text);
    const tn_shape input = workload_input(c);
    const tn_cfg *model = tn_cfg_get(c->root, "model");
    d->inputs = tn_shape_count(&input);
    d->classes = atoi(model->item[model->count - 1]->item[0]->text);
    const tn_memory_data made = {.samples = w->huge ? 14 : 330,
                                 .input = input,
                                 .classes = d->classes,
                                 .read = workload_sample,
                                 .read_data = d,
                                 .any_thread = 1};
    cr_assert_eq(tn_env_attach(env, "made", &made, &e), TN_OK, "%s", e.text);
    tn_config_free(c);
}

/* ---- runs ---------------------------------------------------------------------------- */

typedef struct workload_run {
    tn_env *env;
    tn_trainer *trainer;
    workload_data data;
    int64_t batch;
} workload_run;

/* A trainer for an epoch; `sets`, up to a NULL, change the config further. */
__attribute__((unused)) static void workload_open(workload_run *r, tn_env *env,
                                                  const workload *w,
                                                  const char *const *sets)
{
    char data[120];
    const char *all[WORKLOAD_SETS] = {data, "metrics=[accuracy]", "train={epochs: 1}",
                                      "observe=[]"};
    int32_t count = 4;
    tn_error e = {0};
    r->env = env;
    r->batch = w->huge ? 9 : 100;
    workload_attach(env, w, &r->data);
    snprintf(data, sizeof data,
             "data={memory: {train: made, validation: 0.2, batch: %d}}", (int)r->batch);
    while (sets && *sets && count < WORKLOAD_SETS) all[count++] = *sets++;
    tn_config *c = tn_config_load(env, workload_path(w->name), all, count, &e);
    cr_assert_not_null(c, "%s", e.text);
    r->trainer = tn_trainer_new(env, c, NULL, &e);
    cr_assert_not_null(r->trainer, "%s: %s", w->name, e.text);
    tn_config_free(c);
}

__attribute__((unused)) static void workload_close(workload_run *r)
{
    tn_trainer_free(r->trainer);
    tn_env_free(r->env);
}

#endif
