/* trainer.c - training: what a step does, what a run tells, when it stops, and that its bits
 * depend on nothing but config and seed. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/running.h"

static const float *weights(tn_trainer *t, const char *name, int64_t *n)
{
    tn_tensor w;
    tn_error e = {0};
    cr_assert_eq(tn_model_find(tn_trainer_model(t), name, &w, &e), TN_OK, "%s", e.text);
    *n = tn_count(&w);
    return w.data;
}

static tn_trainer *trained(tn_env *env, const char *const sets[])
{
    tn_error e = {0};
    tn_trainer *t = run_new(env, sets, NULL, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    return t;
}

static double largest_difference(tn_trainer *a, tn_trainer *b, const char *name)
{
    int64_t n;
    double most = 0;
    const float *p = weights(a, name, &n), *q = weights(b, name, &n);
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)p[i] - q[i]));
    return most;
}

/* ---- bits ---------------------------------------------------------------------------- */

Test(trainer, same_seed_same_bits_on_one_or_two_threads)
{
    tn_error e = {0};
    const char *one = test_folder(), *two = test_folder(), *other = test_folder();
    size_t n;
    cr_assert_eq(run_all(run_env(1), NULL, one, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(run_all(run_env(2), NULL, two, false, &e), TN_OK, "%s", e.text);
    run_same_files(one, two, "model.safetensors");
    run_same_files(one, two, "checkpoint.safetensors");
    cr_assert_eq(
        run_all(run_env(1), (const char *const[]){"seed=12", NULL}, other, false, &e),
        TN_OK, "%s", e.text);
    char *first = kept(strdup(test_read(test_path(one, "metrics.csv"), &n)));
    cr_assert_str_neq(first, test_read(test_path(other, "metrics.csv"), &n));
}

/* ---- with data that a thread reads ahead ---------------------------------------------------- */

enum { WIDE = 3000 };

/* The run's samples followed by zeros. */
static int read_wide(void *data, int64_t i, float *input, float *target, int32_t *label)
{
    memset(input, 0, WIDE * sizeof *input);
    return run_read(NULL, i, input, target, label);
}

static tn_env *wide_env(int32_t any_thread)
{
    tn_error e = {0};
    tn_env *env = run_env(2);
    const tn_memory_data wide = {.samples = RUN_SAMPLES,
                                 .input = {.rank = 1, .dim = {WIDE}},
                                 .classes = RUN_CLASSES,
                                 .read = read_wide,
                                 .any_thread = any_thread};
    cr_assert_eq(tn_env_attach(env, "wide", &wide, &e), TN_OK, "%s", e.text);
    return env;
}

static const char *const wide_sets[] = {"data.memory.train=wide", "train.epochs=2", NULL};

/* Stopped after each of the first steps and resumed after every other, too: batches made ahead
 * are forgotten. */
Test(trainer, reading_ahead_changes_no_bit)
{
    tn_error e = {0};
    const char *here = test_folder(), *ahead = test_folder(), *halting = test_folder();
    cr_assert_eq(run_all(wide_env(0), wide_sets, here, false, &e), TN_OK, "%s", e.text);
    tn_env *env = wide_env(1);
    cr_assert_eq(run_all(env, wide_sets, ahead, false, &e), TN_OK, "%s", e.text);
    run_same_files(here, ahead, "model.safetensors");
    tn_status status = TN_ECANCELED;
    for (int i = 0; status; i++) {
        const tn_train_options options = {.run_dir = i ? NULL : halting,
                                          .resume = i ? halting : NULL};
        tn_trainer *t = run_new(env, wide_sets, &options, &e);
        cr_assert_not_null(t, "%s", e.text);
        for (int k = 0; k < 2 && status; k++) {
            if (i < 4) tn_trainer_cancel(t);
            status = tn_trainer_run(t, &e);
            cr_assert(!status || status == TN_ECANCELED, "%s", e.text);
        }
        tn_trainer_free(t);
    }
    run_same_files(here, halting, "model.safetensors");
}

/* Without what looks at the batch (batch_norm, dropout's place in it is the logical one). */
#define PLAIN "model=[{dense: 12}, relu, {dropout: 0.2}, {dense: 3}]"

Test(trainer, accumulated_batches_are_one_large_batch)
{
    tn_env *env = run_env(1);
    tn_trainer *large = trained(
        env, (const char *const[]){PLAIN, "data.memory.batch=24", NULL});
    tn_trainer *small = trained(env, (const char *const[]){PLAIN, "data.memory.batch=8",
                                                           "train.accumulate=3", NULL});
    cr_assert_eq(large->place.step, 4 * 4);
    cr_assert_eq(small->place.step, 4 * 4);
    cr_assert_leq(largest_difference(large, small, "dense.weight"), 2e-6);
    cr_assert_leq(largest_difference(large, small, "dense_2.bias"), 2e-6);
}

/* The gradient of a weight is a product over rows, made in blocks of 256: parts of one block add up to
 * the same bits. (Sums over rows, as of a bias, are cut otherwise.) */
Test(trainer, accumulated_blocks_of_rows_have_the_bits_of_a_large_batch)
{
    static const char model[] =
        "model=[{dense: {units: 12, bias: false}}, relu, {dropout: "
        "0.2}, {dense: {units: 3, bias: false}}]";
    tn_error e = {0};
    tn_env *env = run_env(2);
    const tn_memory_data many = {.samples = 4096,
                                 .input = {.rank = 1, .dim = {RUN_FEATURES}},
                                 .classes = RUN_CLASSES,
                                 .read = run_read};
    const char *large[] = {model,
                           "data.memory.train=many",
                           "data.memory.validation=0",
                           "train.epochs=2",
                           "data.memory.batch=2048",
                           NULL};
    const char *small[] = {model,
                           large[1],
                           large[2],
                           large[3],
                           "data.memory.batch=256",
                           "train.accumulate=8",
                           NULL};
    cr_assert_eq(tn_env_attach(env, "many", &many, &e), TN_OK, "%s", e.text);
    tn_trainer *a = trained(env, large), *b = trained(env, small);
    cr_assert_eq(a->place.step, b->place.step);
    cr_expect_eq(largest_difference(a, b, "dense.weight"), 0);
    cr_expect_eq(largest_difference(a, b, "dense_2.weight"), 0);
}

/* Parametrizations see the sum, and run once for each update: so does spectral_norm's iteration. */
Test(trainer, accumulated_batches_of_parametrized_weights)
{
    static const char *const model =
        "model=[{dense: {units: 12, parametrization: spectral_norm}}, relu, {dense: "
        "{units: 3, parametrization: weight_norm}}]";
    tn_env *env = run_env(1);
    tn_trainer *large = trained(
        env, (const char *const[]){model, "data.memory.batch=24", NULL});
    tn_trainer *small = trained(env, (const char *const[]){model, "data.memory.batch=8",
                                                           "train.accumulate=3", NULL});
    cr_assert_leq(largest_difference(large, small, "dense.weight"), 2e-6);
    cr_assert_leq(largest_difference(large, small, "dense.weight.u"), 2e-6);
    cr_assert_leq(largest_difference(large, small, "dense_2.weight.g"), 2e-6);
}

Test(trainer, a_steady_step_allocates_nothing)
{
    /* all of them with batch_norm and dropout */
    static const char *const nets[][7] = {
        {"optimizer={adam: {lr: 0.01}}", "train.accumulate=2"},
        {"optimizer={toy_sam: {lr: 0.01}}", "precision=double"},
        {"gradient=[{clip_norm: 1}]", "data.memory.transforms=[toy_mixup]"},
        {"model=[{dense: {units: 12, parametrization: spectral_norm}}, relu, {dense: "
         "{units: 3, parametrization: weight_norm}}]",
         "train.accumulate=2"},
        {"optimizer={adam: {lr: 0.01}}", "train.accumulate=2", "metrics=[accuracy]",
         "gradient=[{clip_norm: 1}]", "regularizer={l1: {lambda: 0.01}}"},
        {"optimizer={ema: {of: {adamw: {lr: 0.01}}}}",
         "parameters=[{match: dense, freeze: true}, {match: \"*.bias\", weight_decay: "
         "{cosine: 0.1}}, {match: dense_2.weight, lr: {cosine: 0.1}}]"}};
    tn_env *env = run_env(2);
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        tn_error e = {0};
        tn_trainer *t = run_new(env, nets[i], NULL, &e);
        cr_assert_not_null(t, "%s", e.text);
        for (int k = 0; k < 2; k++)
            cr_assert_eq(tn_trainer_update(t, &e), TN_OK, "%s", e.text);
        const long long before = atomic_load(&env->memory.calls);
        for (int k = 0; k < 3; k++) {
            cr_assert_eq(tn_trainer_update(t, &e), TN_OK, "%s", e.text);
            cr_assert_eq(tn_trainer_tell(t, TN_STEP, &e), TN_OK, "%s", e.text);
        }
        cr_assert_eq(atomic_load(&env->memory.calls) - before, 0, "net %zu", i);
        tn_trainer_free(t);
    }
    tn_env_free(env);
}

Test(trainer, everything_is_given_back)
{
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_trainer_free(trained(env, NULL));
    const size_t used = atomic_load(&env->memory.used);
    tn_trainer_free(trained(env, NULL));
    cr_assert_null(
        run_new(env, (const char *const[]){"model.4.dense=2", NULL}, NULL, &e));
    cr_assert_eq(atomic_load(&env->memory.used), used);
    tn_env_free(env);
}

/* ---- what is told ---------------------------------------------------------------------- */

typedef struct heard {
    int32_t steps, epochs, ends;
    double loss[8], val_loss[8], penalty[8], accuracy[8], cut[8];
    char note[300];
} heard;

static double score(const tn_progress *p, const char *name)
{
    for (int32_t i = 0; i < p->scores; i++)
        if (!strcmp(p->score[i].name, name)) return p->score[i].value;
    return NAN;
}

static void hear(void *data, const tn_progress *p)
{
    heard *h = data;
    h->steps += p->kind == 0;
    h->ends += p->kind == 2;
    if (p->note) snprintf(h->note, sizeof h->note, "%s", p->note);
    if (p->kind != 1) return;
    cr_assert(p->epoch == h->epochs + 1 && p->step == p->steps_per_epoch &&
              p->step == 12);
    cr_assert(p->learning_rate >= 0 && p->learning_rate <= 0.1);
    h->loss[h->epochs] = score(p, "loss");
    h->penalty[h->epochs] = score(p, "penalty");
    h->cut[h->epochs] = score(p, "clip_norm");
    h->accuracy[h->epochs] = score(p, "accuracy");
    h->val_loss[h->epochs++] = score(p, "val_loss");
}

static heard listen(tn_env *env, const char *const sets[], tn_trainer **out)
{
    heard h = {0};
    tn_error e = {0};
    const tn_train_options options = {.progress = hear, .progress_data = &h};
    tn_trainer *t = run_new(env, sets, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    if (out) *out = t;
    return h;
}

Test(trainer, learns_and_says_so)
{
    const heard h = listen(run_env(1), NULL, NULL);
    cr_assert(h.epochs == 4 && h.ends == 1);
    cr_assert_lt(h.loss[3], 0.6 * h.loss[0]);
    cr_assert_lt(h.val_loss[3], log(3));
    cr_assert(h.accuracy[3] > 0.8 && h.accuracy[3] <= 1);
}

static void hear_rate(void *data, const tn_progress *p)
{
    double *rate = data;
    if (p->kind == 1) rate[p->epoch - 1] = p->learning_rate;
}

Test(trainer, schedules_are_told_of_the_end_of_epochs)
{
    tn_error e = {0};
    double rate[4] = {0};
    const tn_train_options options = {.progress = hear_rate, .progress_data = rate};
    tn_trainer *t = run_new(
        run_env(1), (const char *const[]){"optimizer={sgd: {lr: {toy_fall: 0.1}}}", NULL},
        &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    for (int i = 0; i < 4; i++) cr_assert_eq(rate[i], 0.1 / (1 + i), "epoch %d", i + 1);
}

/* The row's loss is the data loss; the penalty stands beside it. */
Test(trainer, the_penalty_is_apart_from_the_loss)
{
    tn_env *env = run_env(1);
    const char *const none[] = {"optimizer={sgd: {lr: 0}}", "regularizer.l2.lambda=0",
                                NULL};
    const char *const strong[] = {"optimizer={sgd: {lr: 0}}", "regularizer.l2.lambda=100",
                                  NULL};
    const heard a = listen(env, none, NULL), b = listen(env, strong, NULL);
    cr_assert_eq(a.loss[0], b.loss[0]);
    cr_assert_eq(a.penalty[0], 0);
    cr_assert_gt(b.penalty[0], 10);
}

/* In no update, in all, and, between the norms of the first epoch, in some; of each epoch alone. */
Test(trainer, tells_the_share_of_gradients_that_are_clipped)
{
    tn_env *env = run_env(1);
    static const char *const sets[][2] = {{"gradient=[{clip_norm: 1e6}]", NULL},
                                          {"gradient=[{clip_norm: 1e-6}]", NULL},
                                          {"gradient=[{clip_norm: 1}]", NULL}};
    const heard never = listen(env, sets[0], NULL), always = listen(env, sets[1], NULL),
                some = listen(env, sets[2], NULL), none = listen(env, NULL, NULL);
    for (int i = 0; i < 4; i++) {
        const double updates = 12 * some.cut[i];
        cr_assert(never.cut[i] == 0 && always.cut[i] == 1 && isnan(none.cut[i]));
        cr_assert_float_eq(updates, round(updates), 1e-9);
    }
    cr_assert(some.cut[0] > 0 && some.cut[3] < some.cut[0], "%g %g", some.cut[0],
              some.cut[3]);
}

/* With a learning rate of 0 every epoch is the same mean over the same samples: batches of 8
 * and a last one of 2 must be weighted by their samples. */
Test(trainer, the_mean_loss_is_over_samples_not_batches)
{
    tn_env *env = run_env(1);
    const char *const small[] = {PLAIN, "optimizer={sgd: {lr: 0}}", "model.2.dropout=0",
                                 NULL};
    const char *const whole[] = {PLAIN, "optimizer={sgd: {lr: 0}}", "model.2.dropout=0",
                                 "data.memory.batch=90", NULL};
    tn_trainer *a = trained(env, small), *b = trained(env, whole);
    cr_assert_float_eq(a->value[0].value, b->value[0].value, 1e-6);
    cr_assert_eq(a->value[1].value, b->value[1].value, "accuracy");
}

Test(trainer, early_stopping_puts_back_the_best_weights_bit_for_bit)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *stopped = test_folder(), *best = test_folder();
    const char *const sets[] = {
        "observe=[{early_stopping: {patience: 2, min_delta: 0.1}}]", "train.epochs=9",
        "optimizer={sgd: {lr: 0.1}}", NULL};
    heard h = {0};
    const tn_train_options options = {
        .run_dir = stopped, .progress = hear, .progress_data = &h};
    tn_trainer *t = run_new(env, sets, &options, &e);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    cr_assert(h.epochs >= 3 && h.epochs < 9, "%d epochs", h.epochs);
    char epochs[40];
    snprintf(epochs, sizeof epochs, "train.epochs=%d", h.epochs - 2);
    cr_assert_not_null(strstr(h.note, "val_loss has not improved since epoch"), "%s",
                       h.note);
    const char *const until[] = {epochs, "optimizer={sgd: {lr: 0.1}}", NULL};
    cr_assert_eq(run_all(env, until, best, false, &e), TN_OK, "%s", e.text);
    run_same_files(stopped, best, "model.safetensors");
}

/* ---- numbers that run away --------------------------------------------------------------- */

Test(trainer, a_loss_that_is_not_finite_ends_the_run)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder();
    const char *const sets[] = {PLAIN, "optimizer={sgd: {lr: 1e30}}", NULL};
    cr_assert_eq(run_all(env, sets, dir, false, &e), TN_ENUMERIC, "%s", e.text);
    cr_assert_not_null(strstr(e.text, "step 2"), "%s", e.text);
    cr_assert_not_null(strstr(e.text, "in layer 'dense_2' (dense, --set model=["), "%s",
                       e.text);
    cr_assert_not_null(strstr(e.text, "lower learning rate"), "%s", e.text);
    cr_assert_not_null(strstr(e.text, "checkpoint in "), "%s", e.text);
    /* the checkpoint that is kept is of finite weights */
    tn_archive a;
    void *bytes;
    cr_assert_eq(
        tn_archive_read(env, test_path(dir, "checkpoint.safetensors"), &a, &bytes, &e),
        TN_OK, "%s", e.text);
    for (int64_t i = 0; i < a.tensors; i++) {
        if (strcmp(a.tensor[i].name, "dense.weight")) continue;
        const float *w = a.tensor[i].tensor.data;
        for (int k = 0; k < 72; k++) cr_assert(isfinite(w[k]));
    }
    tn_archive_free(env, &a, bytes);
}
