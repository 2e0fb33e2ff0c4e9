/* trainer_setup.c - before and around a run: configs that cannot be trained, and the folder that a
 * run's files go to. */
#include <criterion/criterion.h>
#include <sys/stat.h>

#include "tests/support/running.h"

/* ---- configs that cannot be trained -------------------------------------------------------- */

typedef struct mistake {
    const char *text;
    tn_status status;
    const char *message;
} mistake;

#define DATA "data: {memory: {train: set, batch: 8}}\n"
#define REST "model: [{dense: 3}]\nloss: cross_entropy\noptimizer: sgd\n"

static void check_mistakes(const mistake *m, size_t count)
{
    tn_env *env = run_env(1);
    for (const mistake *end = m + count; m < end; m++) {
        tn_error e = {0};
        tn_config *config = run_parse(env, m->text, NULL, 0);
        cr_assert_null(tn_trainer_new(env, config, NULL, &e), "%s", m->text);
        cr_assert_not_null(strstr(e.text, m->message), "%s\n%s", m->text, e.text);
        cr_assert(!m->status || e.status == m->status, "%s: status %d", e.text, e.status);
        cr_assert_null(tn_trainer_new(env, config, NULL, NULL));
        tn_config_free(config);
    }
}

#define CHECK_MISTAKES(array) check_mistakes(array, sizeof(array) / sizeof *(array))

Test(trainer_setup, mistakes_in_the_config_are_told)
{
    static const mistake mistakes[] = {
        {REST, TN_EINVAL, "no data section"},
        {DATA "model: [{dense: 3}]\noptimizer: sgd\n", TN_EINVAL, "no loss; name one"},
        {DATA "model: [{dense: 3}]\nloss: cross_entropy\n", TN_EINVAL, "optimizer"},
        {DATA "loss: cross_entropy\noptimizer: sgd\n", TN_EINVAL,
         "model: expected a list"},
        {DATA REST "optimiser: sgd\n", TN_EINVAL, "net.yaml:5:1: "},
        {DATA REST "optimiser: sgd\n", TN_EINVAL, "optimizer"},
        {DATA REST "train: {epoch: 3}\n", TN_EINVAL, "epochs"},
        {DATA REST "train: {epochs: -1}\n", TN_EINVAL, "net.yaml:5:9: epochs"},
        {DATA REST "train: {epochs: 3, accumulate: 0}\n", TN_EINVAL, "accumulate"},
        {DATA REST "train: 3\n", TN_EINVAL, "train: expected settings"},
        {DATA REST "observe: progress\n", TN_EINVAL, "observe: expected a list"},
        {DATA REST "metrics: accuracy\n", TN_EINVAL, "metrics: expected a list"},
        {DATA REST "precision: half\n", TN_EINVAL,
         "expected float or double, got 'half'"},
        {DATA REST "seed: -1\n", TN_EINVAL, "seed"},
        {DATA REST "input: [5]\n", TN_ESHAPE,
         "net.yaml:5:1: samples of the data have shape (6), the model takes (5)"},
        {DATA REST "classes: [a, b]\n", TN_EINVAL, "classes: expected a list of 3 names"},
        {DATA "model: [{dense: 2}]\nloss: cross_entropy\noptimizer: sgd\n", 0,
         "net.yaml:3:1: loss cross_entropy: "},
    };
    CHECK_MISTAKES(mistakes);
}

#define NET DATA "model: [{dense: 3}]\nloss: cross_entropy\ntrain: {epochs: 2}\n"
#define LR(schedule) NET "optimizer: {sgd: {lr: " schedule "}}\n"
#define BEHIND(layer)                                                       \
    DATA "loss: cross_entropy\noptimizer: sgd\ntrain: {epochs: 2}\nmodel: " \
         "[" layer ", {dense: 3}]\n"

/* At the first step of 30, or the last. */
Test(trainer_setup, schedules_keep_to_the_range_of_their_option)
{
    static const mistake mistakes[] = {
        {LR("{constant: -1e-2}"), TN_EINVAL,
         "net.yaml:5:19: sgd: option 'lr' = -0.01 at step 1 (schedule constant) is "
         "outside [0, inf)"},
        {LR("{cosine: {from: 1e-2, to: -1e-2}}"), TN_EINVAL,
         "at step 30 (schedule cosine)"},
        {LR("{polynomial: {from: 1e-2, to: -1}}"), TN_EINVAL, "'lr' = -0.9"},
        {LR("{warmup: {schedule: -1e-2, epochs: 1}}"), TN_EINVAL,
         "option 'lr' = -0.01 at step 30 (schedule warmup)"},
        {LR("{foreign: {library: libm.so.6, function: \"double log(double passed)\"}}"),
         TN_EINVAL, "option 'lr' = -inf at step 1 (schedule foreign)"},
        {LR("{foreign: {library: libm.so.6, function: \"double acosh(double passed)\"}}"),
         TN_EINVAL, "option 'lr' = nan at step 1"},
        {NET "optimizer: {sgd: {weight_decay: {constant: -3}}}\n", TN_EINVAL,
         "sgd: option 'weight_decay' = -3 at step 1"},
        {NET "optimizer: {ema: {of: {sgd: {lr: {constant: -1}}}}}\n", TN_EINVAL,
         "sgd: option 'lr' = -1 at step 1"},
        {NET "optimizer: sgd\ngradient: [{clip_norm: {constant: -1}}]\n", TN_EINVAL,
         "net.yaml:6:13: clip_norm: option 'max' = -1 at step 1 (schedule constant) is "
         "outside (0, inf)"},
        {NET "optimizer: sgd\nregularizer: {l1: {constant: -1}}\n", TN_EINVAL,
         "l1: option 'lambda' = -1 at step 1"},
        {NET "optimizer: sgd\nparameters: [{match: \"*\", lr: {constant: -1}}]\n",
         TN_EINVAL, "net.yaml:6:27: parameters: option 'lr' = -1 at step 1"},
        {NET "optimizer: sgd\nparameters: [{match: \"*\", weight_decay: {cosine: "
             "{from: 1, to: -1}}}]\n",
         TN_EINVAL, "parameters: option 'weight_decay' = -0.9"},
        {BEHIND("{gaussian_noise: {constant: -3}}"), TN_EINVAL,
         "gaussian_noise: option 'deviation' = -3 at step 1"},
        {BEHIND("{dropout: {p: {constant: 5}}}"), TN_EINVAL,
         "dropout: option 'p' = 5 at step 1 (schedule constant) is outside [0, 1]"},
        {BEHIND("{residual: [{dense: {units: 6, regularizer: {l2: {constant: -1}}}}]}"),
         TN_EINVAL, "l2: option 'lambda' = -1 at step 1"},
    };
    CHECK_MISTAKES(mistakes);
}

Test(trainer_setup, a_schedule_that_leaves_the_range_in_between_ends_the_run)
{
    tn_error e = {0};
    const char *const sets[] = {
        "optimizer={sgd: {lr: {piecewise: {at: [0, 5, 10], values: [0.1, -0.1, 0.1], "
        "unit: steps}}}}",
        "train.epochs=2", NULL};
    tn_trainer *t = run_new(run_env(1), sets, NULL, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_EINVAL);
    cr_assert_not_null(
        strstr(e.text, "option 'lr' = -0.02 at step 4 (schedule piecewise)"), "%s",
        e.text);
    tn_trainer_free(t);
}

Test(trainer_setup, a_run_needs_to_know_its_epochs)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    tn_config *config = run_parse(env, DATA REST, NULL, 0);
    tn_trainer *t = tn_trainer_new(env, config, NULL, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "train: {epochs: 10}"), "%s", e.text);
    tn_trainer_free(t);
    tn_config_free(config);
    tn_env_free(env);
}

#define NORM(data, model)               \
    "data: {memory: {train: set, " data \
    "}}\nloss: cross_entropy\noptimizer: sgd\nmodel: " model "\n"

/* Of 120 samples the last batch of 7 has one; positions count as samples do. */
Test(trainer_setup, the_variance_of_one_value_is_refused)
{
    static const mistake mistakes[] = {
        {NORM("batch: 1", "[{dense: 4}, batch_norm, {dense: 3}]"), TN_EINVAL,
         "net.yaml:4:21: layer 'batch_norm': a training batch of one sample"},
        {NORM("batch: 7", "[batch_norm, {dense: 3}]"), TN_EINVAL, "drop_last: true"},
        {NORM("batch: 1, drop_last: true", "[batch_norm, {dense: 3}]"), TN_EINVAL,
         "make batches larger"},
    };
    static const char *const fine[] = {
        NORM("batch: 7, drop_last: true", "[batch_norm, {dense: 3}]"),
        NORM("batch: 8", "[batch_norm, {dense: 3}]"),
        NORM("batch: 1", "[{reshape: [3, 2]}, batch_norm, flatten, {dense: 3}]")};
    CHECK_MISTAKES(mistakes);
    tn_env *env = run_env(1);
    for (int i = 0; i < 3; i++) {
        tn_error e = {0};
        tn_config *config = run_parse(env, fine[i], NULL, 0);
        tn_trainer *t = tn_trainer_new(env, config, NULL, &e);
        cr_assert_not_null(t, "%s", e.text);
        float x[2 * RUN_FEATURES] = {0};
        const int32_t label[] = {0, 1};
        cr_assert_eq(tn_trainer_step(t, x, NULL, label, 2, NULL, &e), TN_OK, "%s",
                     e.text);
        cr_assert_eq(tn_trainer_step(t, x, NULL, label, 1, NULL, &e),
                     i < 2 ? TN_EINVAL : TN_OK, "%s", e.text);
        tn_trainer_free(t);
        tn_config_free(config);
    }
}

/* ---- folders --------------------------------------------------------------------------- */

Test(trainer_setup, a_folder_takes_one_run)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder();
    cr_assert_eq(run_all(env, NULL, dir, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(test_entries(dir), 4, "config, metrics, checkpoint, model");
    cr_assert_eq(run_all(env, NULL, dir, false, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "holds a run already"), "%s", e.text);
    const tn_train_options both = {.run_dir = test_folder(), .resume = dir};
    cr_assert_null(run_new(env, NULL, &both, &e));
    cr_assert_not_null(strstr(e.text, "resumed in its own folder"), "%s", e.text);
}

/* Also within one process: what holds the folder is the trainer. */
Test(trainer_setup, a_folder_is_of_one_trainer_at_a_time)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder();
    const tn_train_options begin = {.run_dir = dir}, resume = {.resume = dir};
    tn_trainer *t = run_new(env, NULL, &begin, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_null(run_new(env, NULL, &begin, &e));
    cr_assert_not_null(strstr(e.text, "another process trains in "), "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    cr_assert_null(run_new(env, NULL, &resume, &e));
    cr_assert_eq(e.status, TN_EIO);
    cr_assert_not_null(strstr(e.text, dir), "%s", e.text);
    tn_trainer_free(t);
    t = run_new(env, NULL, &resume, &e);
    cr_assert_not_null(t, "%s", e.text);
    tn_trainer_free(t);
}

static int failing;

static int read_or_fail(void *data, int64_t i, float *input, float *target,
                        int32_t *label)
{
    return failing ? 1 : run_read(data, i, input, target, label);
}

/* A failure before the first update leaves nothing; the next try writes all there is to a run. */
Test(trainer_setup, a_second_try_has_a_config)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const tn_memory_data set = {.samples = RUN_SAMPLES,
                                .input = {.rank = 1, .dim = {RUN_FEATURES}},
                                .classes = RUN_CLASSES,
                                .read = read_or_fail};
    cr_assert_eq(tn_env_attach(env, "failing", &set, &e), TN_OK, "%s", e.text);
    const char *const sets[] = {"data.memory.train=failing", "train.epochs=1", NULL};
    const char *dir = test_folder();
    const tn_train_options options = {.run_dir = dir};
    tn_trainer *t = run_new(env, sets, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    failing = 1;
    cr_assert(tn_trainer_run(t, &e));
    cr_assert(access(test_path(dir, "config.yaml"), F_OK));
    failing = 0;
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    cr_assert(!access(test_path(dir, "config.yaml"), F_OK));
}

/* A run of no epochs that is run again, and cannot write its model. */
Test(trainer_setup, a_second_run_keeps_the_config_of_the_first)
{
    const char *const sets[] = {"train.epochs=0", NULL};
    const char *dir = test_folder();
    const tn_train_options options = {.run_dir = dir};
    tn_error e = {0};
    tn_trainer *t = run_new(run_env(1), sets, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    const char *model = test_path(dir, "model.safetensors");
    cr_assert(!unlink(model) && !mkdir(model, 0777));
    cr_assert(tn_trainer_run(t, &e));
    cr_assert(!access(test_path(dir, "config.yaml"), F_OK));
}

Test(trainer_setup, without_a_folder_nothing_is_written)
{
    tn_error e = {0};
    const char *dir = test_folder();
    cr_assert_eq(chdir(dir), 0);
    cr_assert_eq(run_all(run_env(1), NULL, NULL, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(test_entries(dir), 0);
}

Test(trainer_setup, the_config_in_the_folder_is_the_run_again)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder(), *again = test_folder();
    const char *const sets[] = {"seed=5", "train.epochs=2", NULL};
    cr_assert_eq(run_all(env, sets, dir, false, &e), TN_OK, "%s", e.text);
    tn_config *config = tn_config_load(env, test_path(dir, "config.yaml"), NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    const tn_train_options options = {.run_dir = again};
    tn_trainer *t = tn_trainer_new(env, config, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    run_same_files(dir, again, "model.safetensors");
    run_same_files(dir, again, "config.yaml");
    tn_trainer_free(t);
    tn_config_free(config);
    tn_env_free(env);
}

/* The disk has no room for the model: the run says so. */
Test(trainer_setup, a_full_disk_is_told)
{
    tn_error e = {0};
    const char *dir = test_folder();
    if (!test_small_disk(dir, 16 << 10)) cr_skip_test("no mounting here");
    cr_assert_eq(run_all(run_env(1), (const char *const[]){"model.0.dense=4000", NULL},
                         dir, false, &e),
                 TN_EIO);
    cr_assert_not_null(strstr(e.text, "checkpoint.safetensors"), "%s", e.text);
}
