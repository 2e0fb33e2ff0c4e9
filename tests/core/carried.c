/* carried.c - states that go on from batch to batch (TN_CARRIES), by the layer rnn: when an epoch
 * begins, in parts of a batch, in optimizers of two passes, over a stop and resume. */
#include <criterion/criterion.h>

#include "tests/support/running.h"

/* 120 samples of six steps, in batches of 24: five an epoch. */
#define CARRIED                                                                    \
    "model=[{reshape: [6, 1]}, {rnn: {units: 5, stateful: 24}}, {dense: 3}]",      \
        "data.memory={train: set, batch: 24, shuffle: false}", "regularizer=none", \
        "metrics=[]"

static tn_trainer *trained(const char *const sets[])
{
    tn_error e = {0};
    tn_trainer *t = run_new(run_env(1), sets, NULL, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    return t;
}

static tn_tensor tensor(tn_trainer *t, const char *name)
{
    tn_tensor w;
    tn_error e = {0};
    cr_assert_eq(tn_model_find(tn_trainer_model(t), name, &w, &e), TN_OK, "%s", e.text);
    return w;
}

static int same(const tn_tensor *a, const tn_tensor *b)
{
    cr_assert_eq(tn_count(a), tn_count(b));
    return !memcmp(a->data, b->data, sizeof(float) * (size_t)tn_count(a));
}

Test(carried, batches_that_do_not_follow_each_other_are_refused)
{
    const char *const shuffled[] = {CARRIED, "data.memory.shuffle=true", NULL},
                      *const unsaid[] = {CARRIED,
                                         "data={memory: {train: set, batch: 24}}", NULL},
                      *const drawn[] = {CARRIED, "data.memory.validation=0.1", NULL};
    tn_error e = {0};
    cr_assert_null(run_new(run_env(1), shuffled, NULL, &e));
    cr_assert(strstr(e.text, "layer 'rnn' goes on where the batch before ended, but the "
                             "data"),
              "%s", e.text);
    cr_assert(strstr(e.text, "has shuffle: true, so batches"), "%s", e.text);
    cr_assert_null(run_new(run_env(1), unsaid, NULL, &e));
    cr_assert(strstr(e.text, "has shuffle: true, the default"), "%s", e.text);
    cr_assert_null(run_new(run_env(1), drawn, NULL, &e));
    cr_assert(strstr(e.text, "has validation, which draws samples"), "%s", e.text);
}

/* With weights that stay, all epochs end alike; not so as a single batch. */
Test(carried, an_epoch_begins_anew)
{
    const char *const one[] = {CARRIED, "optimizer={sgd: {lr: 0}}", "train.epochs=1",
                               NULL},
                      *const two[] = {CARRIED, "optimizer={sgd: {lr: 0}}",
                                      "train.epochs=2", NULL};
    const tn_tensor a = tensor(trained(one), "rnn.states"),
                    b = tensor(trained(two), "rnn.states");
    cr_assert_eq(a.dim[0], 24);
    cr_assert(same(&a, &b));
    tn_error e = {0};
    tn_trainer *t = run_new(run_env(1), one, NULL, &e);
    const tn_tensor before = tensor(t, "rnn.states");
    float x[24 * RUN_FEATURES], target;
    int32_t label[24];
    for (int i = 0; i < 24; i++)
        run_read(NULL, 96 + i, x + i * RUN_FEATURES, &target, &label[i]);
    cr_assert_eq(tn_trainer_step(t, x, NULL, label, 24, NULL, &e), TN_OK, "%s", e.text);
    cr_assert(!same(&before, &a),
              "the last batch of an epoch knows nothing of the first");
}

/* Each part of a batch goes on with its own samples. */
Test(carried, parts_of_a_batch_are_a_batch)
{
    const char *const whole[] = {CARRIED, "train.epochs=2", NULL},
                      *const parts[] = {CARRIED, "data.memory.batch=6",
                                        "train.accumulate=4", "train.epochs=2", NULL};
    const tn_tensor a = tensor(trained(whole), "rnn.states"),
                    b = tensor(trained(parts), "rnn.states");
    for (int64_t i = 0; i < tn_count(&a); i++)
        cr_assert_float_eq(((const float *)a.data)[i], ((const float *)b.data)[i], 1e-5);
}

/* A second pass at the same weights sees what the first one saw. */
Test(carried, all_passes_of_a_step_begin_alike)
{
    const char *const once[] = {CARRIED, "optimizer={sgd: {lr: 0.1}}", NULL},
                      *const twice[] = {CARRIED, "optimizer={toy_sam: {rho: 0, lr: 0.1}}",
                                        NULL};
    tn_trainer *a = trained(once), *b = trained(twice);
    const tn_tensor w = tensor(a, "rnn.weight"), v = tensor(b, "rnn.weight"),
                    s = tensor(a, "rnn.states"), r = tensor(b, "rnn.states");
    cr_assert(same(&w, &v) && same(&s, &r));
}

Test(carried, a_run_goes_on_with_them)
{
    const char *const sets[] = {CARRIED, "observe=[{checkpoint: {every: 1}}]", NULL};
    const char *whole = test_folder(), *killed = test_folder();
    tn_error e = {0};
    cr_assert_eq(run_all(run_env(1), sets, whole, false, &e), TN_OK, "%s", e.text);
    run_killed(sets, killed, false, 120 + 80);
    cr_assert_eq(run_all(run_env(1), sets, killed, true, &e), TN_OK, "%s", e.text);
    run_same_files(whole, killed, "model.safetensors");
}

/* Gradients that are looked at first change no state until they are applied. */
Test(carried, follow_an_update)
{
    const char *const sets[] = {CARRIED, NULL};
    tn_error e = {0};
    tn_trainer *t = run_new(run_env(1), sets, NULL, &e);
    const tn_tensor states = tensor(t, "rnn.states");
    const float *state = states.data;
    float x[2 * RUN_FEATURES] = {1, 2, 3, 4, 5, 6, 7};
    const int32_t label[2] = {0, 1};
    cr_assert_eq(tn_trainer_gradients(t, x, NULL, label, 2, NULL, &e), TN_OK, "%s",
                 e.text);
    for (int i = 0; i < 24 * 5; i++) cr_assert_eq(state[i], 0);
    cr_assert_eq(tn_trainer_apply(t, &e), TN_OK, "%s", e.text);
    for (int i = 0; i < 24 * 5; i++) cr_assert_eq(state[i] != 0, i < 2 * 5);
}
