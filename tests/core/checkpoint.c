/* checkpoint.c - a run that was interrupted, however, ends bit for bit like one that was not. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <sys/stat.h>

#include "tests/support/running.h"

/* One thing that keeps state after another. */
typedef struct kind_of_run {
    char sets[4][300];
} kind_of_run;

static kind_of_run runs[] = {
    {{"seed=3"}},
    {{"optimizer={adam: {lr: {warmup: {schedule: 0.01, steps: 9}}}}",
      "precision=double"}},
    {{"optimizer={adamw: {lr: 0.01}}", "train.accumulate=3"}},
    {{"optimizer={toy_ema: {of: {sgd: {lr: 0.05, momentum: 0.9}}}}",
      "observe=[{early_stopping: 2}, {checkpoint: 4}]"}},
    {{"optimizer={toy_sam: {lr: 0.05}}",
      "observe=[{gradient_health: 5}, {activation_stats: 4}, "
      "weight_stats, {checkpoint: {every: 3, best: loss}}]"}},
    {{"optimizer={sgd: {lr: 0.05, momentum: 0.9, dampening: 0.5}}"}},
    {{"optimizer={amsgrad: {lr: 0.01}}"}},
    {{"optimizer={lamb: {lr: 0.01}}"}},
    {{"optimizer={ema: {of: {adam: {lr: 0.01}}, decay: 0.9}}"}},
    {{"optimizer={swa: {of: sgd, start: 13, every: 4}}"}},
    {{"optimizer={lookahead: {of: {adam: {lr: 0.01}}, every: 7}}"}},
    {{"optimizer={schedule_free: {of: {adamw: {beta1: 0, lr: {warmup: {schedule: 0.01, "
      "steps: 9}}}}}}"}},
    {{"optimizer={sam: {of: {sgd: {lr: 0.05, momentum: 0.9}}}}"}},
    {{"optimizer={muon: {lr: 0.01}}"}},
    {{"optimizer={nadam: {lr: 0.01}}", "precision=double"}},
    {{"optimizer={rmsprop: {momentum: 0.5, centered: true}}"}},
    {{"observe=[{early_stopping: {patience: 1, min_delta: 0.05}}, {checkpoint: 3}]",
      "train.epochs=6"}},
    {{"data.memory.transforms=[toy_mixup]", "metrics=[]"}},
    {{"optimizer={sgd: {lr: {toy_fall: {from: 0.05, watch: true}}}}"}},
    {{"optimizer={sgd: {lr: {warmup: {steps: 9, schedule: {reduce_on_plateau: {from: "
      "0.1, patience: 0, threshold: 0.5}}}}}}"}},
    {{"optimizer={sgd: {lr: {reduce_on_plateau: {from: 0.1, monitor: val_accuracy, "
      "patience: 0, threshold: 0.2, threshold_mode: abs}}}}",
      "regularizer.l2.lambda={reduce_on_plateau: {from: 1e-3, monitor: loss, mode: "
      "max}}"}},
    {{"gradient=[{clip_norm: 0.5}]", "data.memory.drop_last=true", "train.epochs=2"}},
    {{"model=[{dense: {units: 12, parametrization: spectral_norm}}, relu, {dense: 3}]"}},
    {{"model=[{dense: {units: 12, parametrization: drop_connect}}, {dropout: {mode: "
      "standard}}, {dense: 3}]",
      "train.accumulate=2"}},
    {{"model=[{gaussian_noise: {step: {from: 0.5, every: 1}}}, {dense: 24}, relu, "
      "{reshape: "
      "[4, 6]}, spatial_dropout, flatten, gaussian_dropout, {dense: 3}]"}},
    {{"model=[{dense: 24}, tanh, alpha_dropout, {reshape: [2, 3, 4]}, {drop_block: "
      "{block_size: 2}}, {dense: 3}, flatten, {dense: 3}]"}},
    {{"model=[{dense: 24}, {stochastic_depth: 0.3}, {reshape: [4, 6]}, "
      "variational_dropout, "
      "{lstm: {units: 4, return_sequences: true, input_dropout: 0.3, zoneout: 0.2, "
      "zoneout_cell: 0.2}}, {gru: {units: 4, recurrent_dropout: 0.3}}, {dense: 3}]"}},
    {{"optimizer={adam: {lr: 0.01, weight_decay: 0.1}}",
      "parameters=[{match: dense, lr: {warmup: {schedule: 0.02, steps: 9}}}, {match: "
      "\"*.bias\", weight_decay: {cosine: 0.1}}, {match: batch_norm, freeze: true}]"}},
    {{"optimizer={ema: {of: {sgd: {lr: 0.05, momentum: 0.9}}, decay: 0.9}}",
      "parameters=[{match: dense, freeze: true}, {match: dense_2, lr: {toy_fall: {from: "
      "0.05, watch: true}}}]"}},
};

static const char *const *sets_of(const kind_of_run *r)
{
    static const char *sets[5];
    int n = 0;
    for (int i = 0; i < 4; i++)
        if (*r->sets[i]) sets[n++] = r->sets[i];
    sets[n] = NULL;
    return sets;
}

/* metrics.csv without its last column, which is time. */
static char *table(const char *dir)
{
    size_t size;
    const char *text = test_read(test_path(dir, "metrics.csv"), &size);
    cr_assert_not_null(text);
    char *copy = kept(calloc(1, size + 1)), *to = copy;
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n'), *cut = end;
        while (*cut != ',') cut--;
        memcpy(to, line, (size_t)(cut - line));
        to += cut - line;
        *to++ = '\n';
        line = end + 1;
    }
    return copy;
}

static void same_run(const char *a, const char *b)
{
    run_same_files(a, b, "model.safetensors");
    run_same_files(a, b, "checkpoint.safetensors");
    run_same_files(a, b, "config.yaml");
    cr_assert_str_eq(table(a), table(b));
}

static void two_folders(char whole[300], char cut[300])
{
    const char *folder = test_folder();
    snprintf(whole, 300, "%s", test_path(folder, "whole"));
    snprintf(cut, 300, "%s", test_path(folder, "cut"));
}

ParameterizedTestParameters(checkpoint, kill)
{
    return cr_make_param_array(kind_of_run, runs, sizeof runs / sizeof *runs);
}

ParameterizedTest(kind_of_run *r, checkpoint, kill)
{
    const char *const *sets = sets_of(r);
    char whole[300], cut[300];
    tn_error e = {0};
    two_folders(whole, cut);
    run_killed(sets, cut, false, 60); /* in the first epoch */
    run_killed(sets, cut, true, 100); /* soon after it went on: perhaps in validation */
    tn_env *env = run_env(2);
    cr_assert_eq(run_all(env, sets, whole, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(run_all(env, sets, cut, true, &e), TN_OK, "%s", e.text);
    same_run(whole, cut);
    tn_env_free(env);
}

/* A run without updates saves the weights it began with, not averages that are not there yet. */
Test(checkpoint, no_update_no_average)
{
    const char *const sets[] = {"train.epochs=0", "optimizer={ema: {of: sgd}}", NULL};
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_tensor w;
    char dir[300], path[400];
    snprintf(dir, sizeof dir, "%s", test_path(test_folder(), "none"));
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    cr_assert_eq(run_all(env, sets, dir, false, &e), TN_OK, "%s", e.text);
    tn_model *model = tn_model_load(env, path, &e);
    cr_assert_not_null(model, "%s", e.text);
    cr_assert_eq(tn_model_find(model, "dense.weight", &w, &e), TN_OK, "%s", e.text);
    cr_assert_neq(*(const float *)w.data, 0);
    tn_model_free(model);
    tn_env_free(env);
}

/* ---- stopping on request --------------------------------------------------------------- */

typedef struct stopper {
    tn_trainer *trainer;
    int64_t at;   /* epoch after which it stops */
    int64_t step; /* of the epoch that follows; 0: the first */
} stopper;

static void stop_at(void *data, const tn_progress *now)
{
    stopper *s = data;
    s->trainer->told = 0; /* every step, not ten a second */
    if (s->step ? now->kind == 0 && now->epoch == s->at + 1 && now->step == s->step
                : now->kind == 1 && now->epoch == s->at)
        tn_trainer_cancel(s->trainer);
}

/* Cancel in epoch 2 stops after the first step of epoch 3, in the middle of it. */
static tn_status stop_in_epoch(tn_env *env, const char *dir, int64_t epoch, bool go_on,
                               tn_error *e)
{
    stopper s = {.at = epoch};
    const tn_train_options options = {
        .run_dir = dir, .progress = stop_at, .progress_data = &s};
    s.trainer = run_new(env, NULL, &options, e);
    cr_assert_not_null(s.trainer, "%s", e->text);
    tn_status status = tn_trainer_run(s.trainer, e);
    if (go_on && status == TN_ECANCELED) status = tn_trainer_run(s.trainer, e);
    tn_trainer_free(s.trainer);
    return status;
}

Test(checkpoint, cancelled_then_resumed)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    char whole[300], cut[300];
    two_folders(whole, cut);
    cr_assert_eq(run_all(env, NULL, whole, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(stop_in_epoch(env, cut, 2, false, &e), TN_ECANCELED);
    cr_assert_str_eq(e.text, "stopped on request after step 25, checkpoint written");
    cr_assert_neq(access(test_path(cut, "model.safetensors"), F_OK), 0);
    cr_assert_eq(run_all(env, NULL, cut, true, &e), TN_OK, "%s", e.text);
    same_run(whole, cut);
}

Test(checkpoint, cancelled_then_run_again)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    char whole[300], cut[300];
    two_folders(whole, cut);
    cr_assert_eq(run_all(env, NULL, whole, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(stop_in_epoch(env, cut, 1, true, &e), TN_OK, "%s", e.text);
    same_run(whole, cut);
}

/* All updates of an epoch are made, but not its validation: rate and penalty of the epoch's row
 * are those of its last update. */
Test(checkpoint, stopped_between_the_last_step_and_the_end_of_an_epoch)
{
    static const char *const sets[] = {"regularizer.l2.lambda={cosine: {from: 0.1}}",
                                       NULL};
    tn_error e = {0};
    tn_env *env = run_env(1);
    char whole[300], cut[300];
    two_folders(whole, cut);
    cr_assert_eq(run_all(env, sets, whole, false, &e), TN_OK, "%s", e.text);
    stopper s = {.at = 1, .step = 12};
    const tn_train_options options = {
        .run_dir = cut, .progress = stop_at, .progress_data = &s};
    s.trainer = run_new(env, sets, &options, &e);
    cr_assert_not_null(s.trainer, "%s", e.text);
    cr_assert_eq(tn_trainer_run(s.trainer, &e), TN_ECANCELED);
    cr_assert(s.trainer->place.epoch == 1 && s.trainer->place.in_epoch == 12);
    tn_trainer_free(s.trainer);
    cr_assert_eq(run_all(env, sets, cut, true, &e), TN_OK, "%s", e.text);
    same_run(whole, cut);
}

/* ---- when checkpoints are written -------------------------------------------------------- */

typedef struct counter {
    tn_trainer *trainer;
    const char *path;
    ino_t last;
    int32_t steps, writes;
} counter;

/* Each checkpoint is a new file beside the one it replaces, so it has another number. */
static void count_writes(void *data, const tn_progress *now)
{
    counter *c = data;
    struct stat s;
    c->trainer->told = 0; /* every step, not ten a second */
    cr_assert_eq(stat(c->path, &s), 0);
    if (now->epoch > 1) {
        c->steps += now->kind == 0;
        c->writes += s.st_ino != c->last;
    }
    c->last = s.st_ino;
}

/* Every 5th step and at the end of every epoch, and never else: from step 13 on those at 15, 20
 * .. 45, 24, 36 and 48. */
Test(checkpoint, is_written_when_it_is_asked_for)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder();
    counter c = {.path = test_path(dir, "checkpoint.safetensors")};
    const tn_train_options options = {
        .run_dir = dir, .progress = count_writes, .progress_data = &c};
    c.trainer = run_new(env, NULL, &options, &e);
    cr_assert_not_null(c.trainer, "%s", e.text);
    cr_assert_eq(tn_trainer_run(c.trainer, &e), TN_OK, "%s", e.text);
    cr_assert_eq(c.steps, 36);
    cr_assert_eq(c.writes, 7 + 3, "%d", c.writes);
    tn_trainer_free(c.trainer);
}

/* The last update of the first epoch makes weights of which no loss is computed any more: the
 * checkpoint of step 10 must stay. */
Test(checkpoint, weights_that_are_not_finite_replace_no_checkpoint)
{
    static const char *const sets[] = {
        "optimizer={sgd: {lr: {step: {from: 0.01, every: 11, unit: steps, "
        "factor: 1e70}}}}",
        "data={memory: {train: set, batch: 10, drop_last: true}}", NULL};
    tn_error e = {0};
    tn_env *env = run_env(1);
    tn_archive a;
    void *bytes;
    tn_place place;
    int64_t from = 0;
    const char *dir = test_folder();
    const tn_tensor into = {.struct_size = sizeof into,
                            .dtype = TN_I64,
                            .rank = 1,
                            .dim = {sizeof place / sizeof(int64_t)},
                            .stride = {1},
                            .data = &place};
    cr_assert_eq(run_all(env, sets, dir, false, &e), TN_ENUMERIC, "%s", e.text);
    cr_assert_not_null(strstr(e.text, "step 12: 'dense"), "%s", e.text);
    cr_assert_not_null(strstr(e.text, "is no longer finite"), "%s", e.text);
    cr_assert_eq(
        tn_archive_read(env, test_path(dir, "checkpoint.safetensors"), &a, &bytes, &e),
        TN_OK, "%s", e.text);
    cr_assert_eq(tn_archive_take(&a, "run.place", &into, &from, &e), TN_OK, "%s", e.text);
    cr_assert_eq(place.step, 10);
    tn_archive_free(env, &a, bytes);
}

/* ---- what resuming looks at ------------------------------------------------------------ */

/* A finished run, and what resuming it with an override says. */
static tn_status resume_with(const char *set, const char *dir, tn_error *e)
{
    const char *const sets[] = {set, NULL};
    tn_env *env = run_env(1);
    cr_assert_eq(stop_in_epoch(env, dir, 1, false, e), TN_ECANCELED, "%s", e->text);
    return run_all(env, sets, dir, true, e);
}

/* What must not change, what says so, and the two values in the message. */
static void refused(const char *set, const char *says)
{
    tn_error e = {0};
    cr_assert_eq(resume_with(set, test_folder(), &e), TN_EINVAL, "%s", set);
    cr_assert_not_null(strstr(e.text, says), "%s", e.text);
}

Test(checkpoint, the_run_must_be_the_same)
{
    refused("seed=12", "seed is 12, but the run has ");
    refused("precision=double", "precision is double, but the run has ");
    refused("data.memory.batch=16", "data.memory.batch is 16, but the run has 8");
    refused("model.0.dense=13", "model.0.dense is 13, but the run has 12");
    refused("loss={cross_entropy: {label_smoothing: 0.1}}", "loss is cross_entropy");
    refused("regularizer={l1: 0.5}", "regularizer is l1, but the run has l2");
    refused("optimizer=adam", "optimizer is adam, but the run has ");
    refused("gradient=[{clip_norm: 1}]", "gradient is clip_norm, but the run has ");
    refused("metrics=[]", "metrics is a list of 0, but the run has ");
    refused("init=xavier", "init is xavier, but the run has ");
    refused("observe=[{checkpoint: 5}, {toy_stop: 3}]", "observe is a list of 2, but ");
    refused("observe=[progress]", "observe is progress, but the run has checkpoint");
    refused("observe=[]", "observe is a list of 0, but the run has checkpoint");
    refused("parameters=[{match: dense_2, freeze: true}]",
            "'dense_2.weight' is frozen, but in the run it is trained");
}

/* Other data under the same name, as a file that was changed. */
static void refused_data(int64_t samples, int64_t features, const char *before,
                         const char *now)
{
    const tn_memory_data set = {.samples = samples,
                                .input = {.rank = 1, .dim = {features}},
                                .classes = RUN_CLASSES,
                                .read = run_read};
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder();
    cr_assert_eq(stop_in_epoch(env, dir, 1, false, &e), TN_ECANCELED, "%s", e.text);
    cr_assert_eq(tn_env_attach(env, "set", &set, &e), TN_OK, "%s", e.text);
    cr_assert_eq(run_all(env, NULL, dir, true, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, before), "%s", e.text);
    cr_assert_not_null(strstr(e.text, now), "%s", e.text);
}

Test(checkpoint, the_data_must_be_the_same)
{
    refused_data(RUN_SAMPLES + 1, RUN_FEATURES,
                 "were 90 training and 30 validation samples of input (6), "
                 "target (3 classes)",
                 "now are 91 training and 30 validation");
    refused_data(RUN_SAMPLES, RUN_FEATURES - 1, "samples of input (6)",
                 "samples of input (5)");
}

/* Checkpoints of before it was kept. */
Test(checkpoint, one_that_does_not_say_its_data_is_resumed)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    tn_archive a, old;
    tn_text_pair text[8];
    void *bytes;
    const char *dir = test_folder(), *path = test_path(dir, "checkpoint.safetensors");
    cr_assert_eq(stop_in_epoch(env, dir, 1, false, &e), TN_ECANCELED, "%s", e.text);
    cr_assert_eq(tn_archive_read(env, path, &a, &bytes, &e), TN_OK, "%s", e.text);
    old = a, old.text = text, old.texts = 0;
    for (int64_t i = 0; i < a.texts; i++)
        if (strcmp(a.text[i].key, TN_KEY_DATA)) text[old.texts++] = a.text[i];
    cr_assert_eq(old.texts, a.texts - 1);
    cr_assert_eq(tn_archive_write(env, path, &old, &e), TN_OK, "%s", e.text);
    tn_archive_free(env, &a, bytes);
    cr_assert_eq(run_all(env, NULL, dir, true, &e), TN_OK, "%s", e.text);
}

Test(checkpoint, more_epochs_may_be_added)
{
    tn_error e = {0};
    const char *dir = test_folder();
    cr_assert_eq(resume_with("train.epochs=7", dir, &e), TN_OK, "%s", e.text);
    char *rows = table(dir);
    cr_assert_not_null(strstr(rows, "\n7,"), "%s", rows);
    cr_assert_eq(access(test_path(dir, "model.safetensors"), F_OK), 0);
}

Test(checkpoint, options_of_observers_and_rates_may_change)
{
    tn_error e = {0};
    cr_assert_eq(
        resume_with("parameters=[{match: dense_2, lr_factor: 0.5}]", test_folder(), &e),
        TN_OK, "%s", e.text);
    cr_assert_eq(resume_with("observe=[{checkpoint: {every: 7}}]", test_folder(), &e),
                 TN_OK, "%s", e.text);
}

/* To one that keeps numbers, from it to one that keeps none, and back. */
Test(checkpoint, schedules_may_change)
{
    const char *const plateau = "optimizer.sgd.lr={reduce_on_plateau: {from: 0.1, "
                                "patience: 0, threshold: 0.9}}";
    const char *const steps[][3] = {{plateau, "train.epochs=7"},
                                    {"optimizer.sgd.lr={cosine: 0.1}", "train.epochs=9"},
                                    {plateau, "train.epochs=11"}};
    tn_error e = {0};
    const char *dir = test_folder();
    tn_env *env = run_env(1);
    cr_assert_eq(stop_in_epoch(env, dir, 1, false, &e), TN_ECANCELED, "%s", e.text);
    tn_env_free(env);
    for (int i = 0; i < 3; i++) {
        env = run_env(1);
        cr_assert_eq(run_all(env, steps[i], dir, true, &e), TN_OK, "%s", e.text);
        tn_env_free(env);
    }
    cr_assert_not_null(strstr(table(dir), "\n11,"));
}

Test(checkpoint, a_finished_run_resumes_to_the_same_model)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder(), *copy = test_folder();
    size_t size;
    const char *const sets[] = {
        "observe=[{early_stopping: {patience: 1, min_delta: 0.3}}]", NULL};
    cr_assert_eq(run_all(env, sets, dir, false, &e), TN_OK, "%s", e.text);
    const char *model = test_read(test_path(dir, "model.safetensors"), &size);
    test_write(test_path(copy, "model.safetensors"), model, size);
    cr_assert_eq(run_all(env, sets, dir, true, &e), TN_OK, "%s", e.text);
    run_same_files(dir, copy, "model.safetensors");
}

/* Truncated anywhere, a checkpoint is refused, and it names the file. */
Test(checkpoint, a_damaged_file_is_refused)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder();
    size_t size;
    cr_assert_eq(stop_in_epoch(env, dir, 1, false, &e), TN_ECANCELED);
    char *bytes = kept(malloc(1 << 20));
    const char *text = test_read(test_path(dir, "checkpoint.safetensors"), &size);
    memcpy(bytes, text, size);
    for (size_t cut = 0; cut < size; cut += size / 13) {
        test_write(test_path(dir, "checkpoint.safetensors"), bytes, cut);
        cr_assert_eq(run_all(env, NULL, dir, true, &e), TN_EDATA, "cut to %zu", cut);
        cr_assert_not_null(strstr(e.text, "checkpoint.safetensors: "), "%s", e.text);
    }
}

Test(checkpoint, without_a_checkpoint_there_is_nothing_to_resume)
{
    tn_error e = {0};
    cr_assert_eq(run_all(run_env(1), NULL, test_folder(), true, &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "checkpoint.safetensors"), "%s", e.text);
}
