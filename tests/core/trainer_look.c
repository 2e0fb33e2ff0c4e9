/* trainer_look.c - what observers are shown of a step is what the step had, and looking changes no bit
 * of a run. */
#include <criterion/criterion.h>

#include "tests/support/running.h"

/* Weights so large that without observers they are updated while their gradient is made. */
#define LARGE                                                                     \
    "model=[{dense: 512}, relu, {dropout: 0.2}, {dense: 512}, batch_norm, tanh, " \
    "{dense: 3}]"
#define PLAIN_SGD "optimizer={sgd: {lr: 0.125}}"

static tn_trainer *ran(const char *const sets[], const char *dir)
{
    tn_error e = {0};
    const tn_train_options options = {.run_dir = dir};
    tn_trainer *t = run_new(run_env(2), sets, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    return t;
}

static void same_weights(const tn_trainer *a, const tn_trainer *b)
{
    for (int32_t i = 0; i < a->model->graph->params; i++) {
        const tn_tensor *v = &a->model->graph->param[i].value,
                        *w = &b->model->graph->param[i].value;
        cr_assert(!memcmp(v->data, w->data, sizeof(float) * (size_t)tn_count(v)), "%s",
                  a->model->graph->param[i].name);
    }
}

static void looks_change_nothing(const char *way)
{
    const char *const plain[] = {LARGE, "train.epochs=2", PLAIN_SGD, "observe=[]", way,
                                 NULL};
    const char *const watched[] = {LARGE,
                                   "train.epochs=2",
                                   PLAIN_SGD,
                                   "observe=[{gradient_health: 5}, {activation_stats: "
                                   "4}, weight_stats, {nan_guard: 3}]",
                                   way,
                                   NULL};
    same_weights(ran(plain, NULL), ran(watched, test_folder()));
}

Test(trainer_look, looking_changes_no_bit)
{
    looks_change_nothing("seed=1");
    looks_change_nothing("train.accumulate=3");
    looks_change_nothing("memory=low");
    looks_change_nothing("gradient=[{clip_norm: 0.1}]");
    looks_change_nothing("parameters=[{match: dense, freeze: true}]");
}

/* Rows of a table: step, name, then numbers. */
typedef struct row {
    long long step;
    char name[80];
    double value[4];
} row;

static int read_rows(const char *dir, const char *file, row *rows)
{
    size_t size;
    int n = 0;
    const char *line = strchr(test_read(test_path(dir, file), &size), '\n') + 1;
    for (; *line; line = strchr(line, '\n') + 1, n++)
        cr_assert(sscanf(line, "%lld,%79[^,],%lf,%lf,%lf,%lf", &rows[n].step,
                         rows[n].name, &rows[n].value[0], &rows[n].value[1],
                         &rows[n].value[2], &rows[n].value[3]) >= 5,
                  "%s", line);
    return n;
}

/* Of plain descent an update is the rate times the gradient. */
Test(trainer_look, gradients_and_updates_are_those_of_the_step)
{
    static row rows[100];
    const char *dir = test_folder();
    const char *const sets[] = {LARGE,
                                "train.epochs=2",
                                PLAIN_SGD,
                                "regularizer=none",
                                "observe=[{gradient_health: 5}]",
                                NULL};
    ran(sets, dir);
    const int n = read_rows(dir, "gradient_health.csv", rows);
    cr_assert_eq(n, 4 * 8, "%d rows", n);
    for (int i = 0; i < n; i++) {
        cr_assert_eq(rows[i].step, 5 * (1 + i / 8));
        cr_assert_float_eq(rows[i].value[2], 0.125 * rows[i].value[0],
                           1e-5 * rows[i].value[0] + 1e-6, "%s", rows[i].name);
    }
}

/* What is shown is the gradient before clipping: the update is much smaller. */
Test(trainer_look, gradients_are_those_before_transforms)
{
    static row rows[100];
    const char *dir = test_folder();
    const char *const sets[] = {
        "optimizer={sgd: {lr: 1}}", "gradient=[{clip_norm: 1e-3}]",   "regularizer=none",
        "train.epochs=1",           "observe=[{gradient_health: 6}]", NULL};
    ran(sets, dir);
    const int n = read_rows(dir, "gradient_health.csv", rows);
    double gradient = 0, update = 0;
    for (int i = 0; i < n; i++) {
        if (rows[i].step != 6) continue;
        gradient += rows[i].value[0] * rows[i].value[0];
        update += rows[i].value[2] * rows[i].value[2];
    }
    cr_assert_float_eq(sqrt(update), 1e-3, 1e-5);
    cr_assert_gt(sqrt(gradient), 0.1);
}

/* The last batch of an epoch has 2 samples of 8: the same values as in the plan that trains, masks of
 * dropout included. */
Test(trainer_look, outputs_are_those_of_the_step)
{
    const char *const sets[] = {"train.epochs=1", "observe=[{activation_stats: 12}]",
                                "optimizer={sgd: {lr: 0}}", NULL};
    const tn_trainer *t = ran(sets, NULL);
    const tn_pass pass = {.samples = 2, .step = 11, .training = true};
    const int32_t last = t->model->graph->nodes - 1;
    const float *seen = tn_plan_output(t->look.plan, last);
    const void *y;
    tn_batch batch;
    tn_error e = {0};
    cr_assert_eq(tn_feed_batch(t->feed, TN_TRAIN, 0, 11, &batch, &e), TN_OK, "%s",
                 e.text);
    const int32_t input = tn_feed_find(tn_feed_info(t->feed, true), "input");
    cr_assert_eq(batch.samples, 2);
    cr_assert_eq(tn_plan_forward(t->plan, &pass, batch.field[input].real, &y, &e), TN_OK);
    cr_assert(y != seen && !memcmp(y, seen, 2 * 3 * sizeof *seen));
    cr_assert_eq(t->look.value[last].dim[0], 2);
}

/* Of a layer's own options, and of plugins that nothing here knows. */
Test(trainer_look, outputs_come_with_their_layers_range)
{
    static const double range[][2] = {{0, 0},  {0, 6},  {-1, 1}, {0, 1},  {0, 1},
                                      {-1, 1}, {-1, 1}, {-2, 2}, {-1, 1}, {0, 0}};
    const char *const sets[] = {
        "model=[{dense: 3}, {hard_tanh: {min: 0, max: 6}}, hard_tanh, sigmoid, "
        "hard_sigmoid, tanh, softsign, {toy_range: 2}, toy_range, relu]",
        "train.epochs=1", "observe=[activation_stats]", NULL};
    const tn_look *l = &ran(sets, NULL)->look;
    for (int i = 0; i < 10; i++)
        cr_assert(l->output[i].low == range[i][0] && l->output[i].high == range[i][1],
                  "%s: %g to %g", l->output[i].name, l->output[i].low, l->output[i].high);
}

Test(trainer_look, without_wants_there_is_no_room)
{
    const char *const sets[] = {"train.epochs=1", "observe=[progress, weight_stats]",
                                NULL};
    const tn_trainer *t = ran(sets, NULL);
    cr_assert(!t->look.wants && !t->look.plan && !t->look.copy[0].data);
}

Test(trainer_look, nan_guard_ends_a_run_before_its_loss_does)
{
    tn_error e = {0};
    const char *dir = test_folder();
    const char *const sets[] = {"optimizer={sgd: {lr: 1e40}}", "observe=[nan_guard]",
                                NULL};
    cr_assert_eq(run_all(run_env(1), sets, dir, false, &e), TN_ENUMERIC);
    cr_assert(strstr(e.text, "nan_guard") && strstr(e.text, "step 1: after the update") &&
                  strstr(e.text, "last checkpoint"),
              "%s", e.text);
}

/* The file that checkpoint's `best` keeps is the model of the epoch with the smallest loss. */
Test(trainer_look, best_is_a_model_of_the_best_epoch)
{
    const char *dir = test_folder(), *stopped = test_folder();
    const char *const all[] = {"optimizer={sgd: {lr: 1.5, momentum: 0.9}}",
                               "train.epochs=6",
                               "observe=[{checkpoint: {best: val_loss}}]", NULL};
    const char *const early[] = {"optimizer={sgd: {lr: 1.5, momentum: 0.9}}",
                                 "train.epochs=6", "observe=[{early_stopping: 6}]", NULL};
    tn_error e = {0};
    tn_env *env = run_env(1);
    ran(all, dir);
    const tn_trainer *restored = ran(early, stopped);
    tn_model *best = tn_model_load(env, test_path(dir, "best.safetensors"), &e);
    cr_assert_not_null(best, "%s", e.text);
    for (int32_t i = 0; i < best->graph->params; i++) {
        const tn_tensor *v = &best->graph->param[i].value,
                        *w = &restored->model->graph->param[i].value;
        cr_assert(!memcmp(v->data, w->data, sizeof(float) * (size_t)tn_count(v)));
    }
    kept(best);
}
