/* judge.c - losses and metrics of a run: weights of samples, means over batches in parts, names, tables,
 * what is kept of rows, and what is refused. */
#include <math.h>

#include "tests/support/running.h"

enum { SAMPLES = 48, WIDE = 4, CLASSES = 3 };

static float inputs[SAMPLES * WIDE], weights[SAMPLES], numbers[SAMPLES];
static int32_t labels[SAMPLES];

static void make_samples(void)
{
    const tn_key key = {{3, 1}};
    for (int i = 0; i < SAMPLES * WIDE; i++)
        inputs[i] = 2 * (float)tn_random_uniform(key, (uint64_t)i) - 1;
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = (i * 7 + i / 5) % CLASSES;
        weights[i] = (float)(i % 4);
        numbers[i] = inputs[i * WIDE] + inputs[i * WIDE + 1];
    }
}

static void attach(tn_env *env, const char *name, const tn_memory_data *data)
{
    tn_error e = {0};
    cr_assert_eq(tn_env_attach(env, name, data, &e), TN_OK, "%s", e.text);
}

/* The same three with labels as shares: of numbers, and of answers yes and no. */
static void attach_shares(tn_env *env, int64_t n, const float *again,
                          const int32_t *labels_again)
{
    static float share[SAMPLES * CLASSES], share_again[3 * SAMPLES * CLASSES];
    for (int i = 0; i < SAMPLES * CLASSES; i++)
        share[i] = labels[i / CLASSES] == i % CLASSES ? 1.0F : 0.0F;
    for (int64_t i = 0; i < n * CLASSES; i++)
        share_again[i] = labels_again[i / CLASSES] == i % CLASSES ? 1.0F : 0.0F;
    tn_memory_data data = {.samples = SAMPLES,
                           .input = {1, {WIDE}},
                           .target = {1, {CLASSES}},
                           .inputs = inputs,
                           .targets = share};
    attach(env, "plain_shares", &data);
    data.samples = n, data.inputs = again, data.targets = share_again;
    attach(env, "repeated_shares", &data);
    const tn_memory_data weighed = {
        .samples = SAMPLES,
        .target = {1, {CLASSES}},
        .targets = share,
        .named = {{"input", {1, {WIDE}}, inputs}, {"weight", {1, {1}}, weights}}};
    attach(env, "weighed_shares", &weighed);
}

/* `plain`; `weighed` with a weight for each sample; `repeated`: each sample as often as that says. */
static tn_env *judge_env(int32_t threads)
{
    static float again[3 * SAMPLES * WIDE];
    static int32_t labels_again[3 * SAMPLES];
    tn_env *env = run_env(threads);
    int64_t n = 0;
    cr_assert_eq(chdir(test_folder()), 0);
    make_samples();
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < (int)weights[i]; k++, n++) {
            memcpy(again + n * WIDE, inputs + (size_t)i * WIDE, sizeof(float[WIDE]));
            labels_again[n] = labels[i];
        }
    tn_memory_data data = {.samples = SAMPLES,
                           .input = {1, {WIDE}},
                           .classes = CLASSES,
                           .inputs = inputs,
                           .labels = labels};
    attach(env, "plain", &data);
    data.samples = n, data.inputs = again, data.labels = labels_again;
    attach(env, "repeated", &data);
    const tn_memory_data weighed = {
        .samples = SAMPLES,
        .classes = CLASSES,
        .labels = labels,
        .named = {{"input", {1, {WIDE}}, inputs}, {"weight", {1, {1}}, weights}}};
    attach(env, "weighed", &weighed);
    attach_shares(env, n, again, labels_again);
    return env;
}

static const char head[] = "seed: 5\nprecision: double\noptimizer: {sgd: {lr: 0.5}}\n",
                  model[] = "model: [{dense: 5}, tanh, {dense: 3}]\n";

static tn_trainer *trained(tn_env *env, const char *rest, const char *dir)
{
    char text[1500];
    tn_error e = {0};
    snprintf(text, sizeof text, "%s%s%s", head, strstr(rest, "model:") ? "" : model,
             rest);
    tn_config *config = run_parse(env, text, NULL, 0);
    const tn_train_options options = {.run_dir = dir};
    tn_trainer *t = tn_trainer_new(env, config, &options, &e);
    tn_config_free(config);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    return kept(t);
}

/* The largest difference between the weights of two. */
static double apart(tn_trainer *a, tn_trainer *b)
{
    static const char *const names[] = {"dense.weight", "dense_2.weight", "dense_2.bias"};
    double most = 0;
    for (int i = 0; i < 3; i++) {
        tn_tensor x, y;
        cr_assert_eq(tn_model_find(tn_trainer_model(a), names[i], &x, NULL), TN_OK);
        cr_assert_eq(tn_model_find(tn_trainer_model(b), names[i], &y, NULL), TN_OK);
        for (int64_t k = 0; k < tn_count(&x); k++)
            most = fmax(most, fabs(((double *)x.data)[k] - ((double *)y.data)[k]));
    }
    return most;
}

#define ORDERED(name, batch) \
    "data: {memory: {train: " name ", batch: " #batch ", shuffle: false}}\n"

/* The mean is over the rows of all parts, by their weights. */
Test(judge, a_batch_in_parts_has_the_mean_of_the_whole)
{
    static const char *const losses[] = {
        "loss: {cross_entropy: {class_weights: [0.5, 3, 1], label_smoothing: 0.1}}\n",
        "loss: {cross_entropy: {class_weights: [0, 3, 1], ignore_label: 1}}\n",
        "loss: cross_entropy\n"};
    for (int i = 0; i < 3; i++) {
        tn_trainer *run[4];
        for (int k = 0; k < 4; k++) {
            char rest[600];
            snprintf(rest, sizeof rest, "%s%strain: {epochs: 2, accumulate: %d}\n",
                     k % 2 ? ORDERED("weighed", 4) : ORDERED("weighed", 24), losses[i],
                     k % 2 ? 6 : 1);
            run[k] = trained(judge_env(k < 2 ? 1 : 4), rest, NULL);
        }
        cr_assert_lt(apart(run[0], run[1]), 1e-12, "%s", losses[i]);
        cr_assert_eq(apart(run[0], run[2]), 0, "threads");
        cr_assert_eq(apart(run[1], run[3]), 0, "threads");
        cr_assert_float_eq(run[0]->value[0].value, run[1]->value[0].value, 1e-12);
    }
}

static tn_trainer *trained_on(tn_env *env, const char *data, const char *kind, int batch,
                              const char *loss)
{
    char text[600];
    snprintf(text, sizeof text,
             "data: {memory: {train: %s%s, batch: %d, shuffle: false}}\nloss: %s\n"
             "train: {epochs: 5}\n",
             data, kind, batch, loss);
    return trained(env, text, NULL);
}

static void counts_samples(tn_env *env, const char *kind, const char *loss)
{
    tn_trainer *a = trained_on(env, "weighed", kind, 48, loss),
               *b = trained_on(env, "repeated", kind, 72, loss),
               *c = trained_on(env, "plain", kind, 48, loss);
    cr_assert_eq(b->place.samples, 72);
    cr_assert_lt(apart(a, b), 1e-12, "%s", loss);
    cr_assert_float_eq(a->value[0].value, b->value[0].value, 1e-12, "%s", loss);
    cr_assert_gt(apart(a, c), 1e-4, "%s: they make a difference", loss);
}

/* A weight of 2 is two such samples, one of 0 is none, whatever the loss. */
Test(judge, a_weight_counts_samples)
{
    static const char *const of_labels[] = {
        "cross_entropy",
        "{cross_entropy: {class_weights: [0.5, 3, 1], label_smoothing: 0.1}}",
        "{focal: 2}",
        "hinge",
        "{hinge: {classes: crammer_singer, squared: true}}",
        "nll\nmodel: [{dense: 5}, tanh, {dense: 3}, log_softmax]"};
    static const char *const of_numbers[] = {
        "cross_entropy",
        "kl_divergence",
        "binary_cross_entropy",
        "{binary_cross_entropy: {pos_weight: [2], label_smoothing: 0.1}}",
        "{focal: 2}",
        "hinge",
        "mse",
        "mae",
        "huber",
        "nll\nmodel: [{dense: 5}, tanh, {dense: 3}, log_softmax]"};
    tn_env *env = judge_env(1);
    for (size_t i = 0; i < sizeof of_labels / sizeof *of_labels; i++)
        counts_samples(env, "", of_labels[i]);
    for (size_t i = 0; i < sizeof of_numbers / sizeof *of_numbers; i++)
        counts_samples(env, "_shares", of_numbers[i]);
}

static void refuse(tn_env *env, const char *rest, const char *words)
{
    char text[1500];
    tn_error e = {0};
    snprintf(text, sizeof text, "%s%s%s", head, strstr(rest, "model:") ? "" : model,
             rest);
    tn_config *config = run_parse(env, text, NULL, 0);
    tn_trainer *t = tn_trainer_new(env, config, NULL, &e);
    if (t) cr_assert_neq(tn_trainer_run(t, &e), TN_OK, "accepted: %s", rest);
    cr_assert_not_null(strstr(e.text, words), "%s", e.text);
    tn_trainer_free(t);
    tn_config_free(config);
}

Test(judge, weights_that_are_none_are_refused)
{
    tn_env *env = judge_env(1);
    tn_memory_data data = {
        .samples = SAMPLES,
        .classes = CLASSES,
        .labels = labels,
        .named = {{"input", {1, {WIDE}}, inputs}, {"weight", {1, {2}}, inputs}}};
    attach(env, "wide", &data);
    data.named[1].shape.dim[0] = 1, data.named[1].values = inputs;
    attach(env, "negative", &data);
    refuse(env, ORDERED("wide", 8) "loss: cross_entropy\ntrain: {epochs: 1}\n",
           "'weight', which weighs the loss, has 2 numbers a sample");
    refuse(env, ORDERED("negative", 8) "loss: cross_entropy\ntrain: {epochs: 1}\n",
           "weights are numbers from 0 up");
}

/* A batch of no weight changes nothing; a set of none has no loss. */
Test(judge, a_set_that_weighs_nothing_is_refused)
{
    static const char rest[] = "loss: cross_entropy\ntrain: {epochs: 1}\n";
    static float none[SAMPLES];
    char text[600];
    tn_env *env = judge_env(1);
    tn_memory_data data = {
        .samples = SAMPLES,
        .classes = CLASSES,
        .labels = labels,
        .named = {{"input", {1, {WIDE}}, inputs}, {"weight", {1, {1}}, none}}};
    attach(env, "light", &data);
    snprintf(text, sizeof text, "%s%s", ORDERED("light", 8), rest);
    refuse(
        env, text,
        "net.yaml:6:1: loss cross_entropy: all rows of the training set have weight 0, "
        "so there is nothing to take the mean of; they come from the data's field "
        "'weight'");
    snprintf(text, sizeof text, "data: {memory: {train: weighed, test: light}}\n%s",
             rest);
    tn_trainer *t = trained(env, text, "run");
    const tn_score *score;
    int32_t count;
    tn_error e = {0};
    tn_config *config = run_parse(env, text, NULL, 0);
    cr_assert_eq(
        tn_model_evaluate(tn_trainer_model(t), config, TN_TEST, &score, &count, &e),
        TN_EDATA);
    cr_assert_not_null(strstr(e.text, "all rows of the test set"), "%s", e.text);
    tn_config_free(config);
    static float last[SAMPLES] = {[SAMPLES - 1] = 1};
    data.named[1].values = last;
    attach(env, "almost", &data);
    snprintf(text, sizeof text, "%s%s", ORDERED("almost", 8), rest);
    cr_assert(isfinite(trained(env, text, NULL)->value[0].value));
    refuse(env,
           ORDERED("plain", 8) "loss: {cross_entropy: {class_weights: [0, 0, 0]}}\n"
                               "train: {epochs: 1}\n",
           "they come from options such as class_weights");
}

/* Steps of a sequence that are not there, answers that nobody gave. */
Test(judge, what_weighs_nothing_may_have_any_targets)
{
    static const char *const losses[] = {"cross_entropy", "kl_divergence",
                                         "binary_cross_entropy"};
    static float share[SAMPLES * CLASSES], some[SAMPLES];
    tn_env *env = judge_env(1);
    for (int i = 0; i < SAMPLES; i++) {
        some[i] = i % 3 ? 1.0F : 0.0F;
        for (int k = 0; k < CLASSES; k++)
            share[i * CLASSES + k] = i % 3 == 0 ? -1.0F : k == i % CLASSES ? 1.0F : 0.0F;
    }
    tn_memory_data data = {
        .samples = SAMPLES,
        .target = {1, {CLASSES}},
        .targets = share,
        .named = {{"input", {1, {WIDE}}, inputs}, {"weight", {1, {1}}, some}}};
    attach(env, "gaps", &data);
    data.named[1].values = weights;
    attach(env, "all", &data);
    for (int i = 0; i < 3; i++) {
        char text[300];
        snprintf(text, sizeof text, ORDERED("gaps", 8) "loss: %s\ntrain: {epochs: 1}\n",
                 losses[i]);
        cr_assert(isfinite(trained(env, text, NULL)->value[0].value));
        snprintf(text, sizeof text, ORDERED("all", 8) "loss: %s\ntrain: {epochs: 1}\n",
                 losses[i]);
        refuse(env, text, "target value -1 of row");
    }
}

static void take_note(void *data, int32_t level, const char *text)
{
    if (level == TN_LOG_WARNING) snprintf(data, 200, "%s", text);
}

/* Under another name they would not weigh. */
Test(judge, a_field_that_nothing_reads_is_told)
{
    static const char *const wrong[] = {"wieght", "weights", "weigth"};
    char note[200] = "", meant[100];
    tn_env *env = judge_env(1);
    tn_memory_data data = {
        .samples = SAMPLES,
        .classes = CLASSES,
        .labels = labels,
        .named = {{"input", {1, {WIDE}}, inputs}, {"", {1, {1}}, weights}}};
    env->log = take_note, env->log_data = note;
    for (int i = 0; i < 3; i++) {
        snprintf(data.named[1].name, sizeof data.named[1].name, "%s", wrong[i]);
        attach(env, wrong[i], &data);
        snprintf(meant, sizeof meant,
                 "data: {memory: {train: %s}}\nloss: cross_entropy\ntrain: {epochs: 1}\n",
                 wrong[i]);
        refuse(env, meant, "did you mean 'weight'?");
    }
    cr_assert_str_empty(note);
    snprintf(data.named[1].name, sizeof data.named[1].name, "age");
    attach(env, "aged", &data);
    trained(env, ORDERED("aged", 8) "loss: cross_entropy\ntrain: {epochs: 1}\n", NULL);
    cr_assert_str_eq(note, "net.yaml:5: nothing reads the data's field 'age'; to have it "
                           "as an input, list it under input:");
    note[0] = 0;
    trained(env,
            ORDERED("aged", 8) "input: [4]\nloss: cross_entropy\ntrain: {epochs: 1}\n",
            NULL);
    snprintf(data.named[1].name, sizeof data.named[1].name, "height");
    attach(env, "tall", &data);
    trained(env,
            ORDERED("tall", 8) "input: [4]\nloss: cross_entropy\ntrain: {epochs: 1}\n",
            NULL);
    cr_assert_str_empty(note);
}

/* ---- names ----------------------------------------------------------------------------- */

Test(judge, a_metric_named_twice_is_refused)
{
    tn_env *env = judge_env(1);
    refuse(
        env, ORDERED("plain", 8) "loss: cross_entropy\nmetrics: [accuracy, accuracy]\n",
        "net.yaml:7:21: metrics: there are two called 'accuracy'; leave one out or give "
        "it a name of its own, {accuracy: {name: ...}}");
    refuse(env,
           ORDERED("plain", 8) "loss: cross_entropy\nmetrics: [{f1: {name: "
                               "penalty}}]\n",
           "what another value is called");
    refuse(env,
           ORDERED("plain", 8) "loss: cross_entropy\nmetrics: [{f1: {name: "
                               "val_f1}}]\n",
           "what another value is called");
    refuse(env, ORDERED("plain", 8) "loss: cross_entropy\nmetrics: [{f1: {name: a b}}]\n",
           "option 'name'");
}

/* ---- probabilities --------------------------------------------------------------------- */

Test(judge, probabilities_where_logits_are_wanted_are_refused)
{
    static const char *const models[] = {
        "[{dense: 3}, softmax]", "[{dense: 3}, {reshape: [1, 3]}, softmax, flatten]",
        "[{sequential: [{dense: 3}, softmax]}]"};
    tn_env *env = judge_env(1);
    for (int i = 0; i < 3; i++) {
        char text[600];
        tn_error e = {0};
        snprintf(text, sizeof text,
                 ORDERED("plain", 8) "model: %s\nloss: cross_entropy\noptimizer: "
                                     "sgd\ntrain: {epochs: 1}\n",
                 models[i]);
        tn_config *config = run_parse(env, text, NULL, 0);
        cr_assert_null(tn_trainer_new(env, config, NULL, &e), "%s", models[i]);
        cr_assert(
            strstr(e.text, "loss cross_entropy: takes logits and applies softmax") &&
                strstr(e.text, "leave out the layer that makes them") &&
                strstr(e.text, "softmax' (net.yaml:2"),
            "%s", e.text);
        tn_config_free(config);
    }
}

/* log_softmax makes what nll wants, and what metrics read as it is. */
Test(judge, log_probabilities_are_taken_for_that)
{
    static const char rest[] =
        "metrics: [accuracy, perplexity, auc]\ntrain: {epochs: 2}\n";
    char text[900];
    tn_env *env = judge_env(1);
    snprintf(text, sizeof text, "%sloss: cross_entropy\n%s", ORDERED("plain", 16), rest);
    const tn_trainer *a = trained(env, text, NULL);
    tn_error e = {0};
    snprintf(text, sizeof text,
             "seed: 5\nprecision: double\nmodel: [{dense: 5}, tanh, {dense: 3}, "
             "log_softmax]\noptimizer: {sgd: {lr: 0.5}}\n%sloss: nll\n%s",
             ORDERED("plain", 16), rest);
    tn_config *config = run_parse(env, text, NULL, 0);
    tn_trainer *b = kept(tn_trainer_new(env, config, NULL, &e));
    cr_assert_not_null(b, "%s", e.text);
    cr_assert_eq(tn_trainer_run(b, &e), TN_OK, "%s", e.text);
    for (int i = 0; i < 4; i++)
        cr_assert_float_eq(a->value[i].value, b->value[i].value, 1e-12, "%s",
                           a->value[i].name);
    tn_config_free(config);
}

/* ---- questions of yes or no -------------------------------------------------------------- */

/* Right answers of a model, one for each output. */
static double right_answers(tn_model *m, const float *target)
{
    float y[SAMPLES * 3];
    double right = 0;
    cr_assert_eq(tn_model_predict(m, inputs, SAMPLES, y, NULL), TN_OK);
    for (int i = 0; i < SAMPLES * 3; i++) right += (y[i] > 0) == (target[i] > 0);
    return right / (SAMPLES * 3);
}

/* Targets are the signs of three inputs: rows have no class, answers are counted. */
Test(judge, metrics_know_of_several_questions_a_row)
{
#define SIGNS ORDERED("signs", 48) "train: {epochs: 1}\nloss: %s\nmetrics: [%s]\n"
    static const char *const losses[] = {"binary_cross_entropy", "focal", "hinge"};
    static float signs[SAMPLES * 3];
    tn_env *env = judge_env(1);
    const tn_score *score;
    int32_t count;
    char rest[300];
    for (int i = 0; i < SAMPLES * 3; i++) signs[i] = inputs[i / 3 * WIDE + i % 3] > 0;
    const tn_memory_data data = {.samples = SAMPLES,
                                 .input = {1, {WIDE}},
                                 .target = {1, {3}},
                                 .inputs = inputs,
                                 .targets = signs};
    attach(env, "signs", &data);
    for (int i = 0; i < 3; i++) {
        snprintf(rest, sizeof rest, SIGNS, losses[i], "accuracy");
        tn_model *m = tn_trainer_model(trained(env, rest, NULL));
        cr_assert_eq(tn_model_evaluate(m, NULL, TN_TRAIN, &score, &count, NULL), TN_OK);
        cr_assert_float_eq(score[1].value, right_answers(m, signs), 1e-12);
        snprintf(rest, sizeof rest, SIGNS, losses[i], "f1");
        refuse(env, rest, "metric f1: compares classes");
    }
    snprintf(rest, sizeof rest, SIGNS, "mse", "accuracy, f1");
    trained(env, rest, NULL);
}

/* ---- tables ----------------------------------------------------------------------------- */

static const char tables[] =
    "data: {memory: {train: plain, batch: 10, validation: 0.25}}\n"
    "loss: cross_entropy\n"
    "metrics: [accuracy, {recall: {per_class: true}}, confusion_matrix, {top_k: {k: 2, "
    "name: second}}, {auc: {per_class: true}}, {f1: {average: weighted}}]\n"
    "train: {epochs: 2}\n";

static double value_of(const tn_trainer *t, const char *name)
{
    for (int32_t i = 0; i < t->values; i++)
        if (!strcmp(t->value[i].name, name)) return t->value[i].value;
    cr_assert_fail("no value %s", name);
    return NAN;
}

/* Of 36 samples for training and 12 for validation. */
Test(judge, tables_of_a_run_agree_with_each_other)
{
    static const char *const sets[] = {"", "val_"};
    const tn_trainer *t = trained(judge_env(1), tables, "run");
    for (int s = 0; s < 2; s++) {
        double all = 0, right = 0, areas = 0;
        char name[80];
        for (int i = 0; i < CLASSES; i++) {
            double row = 0;
            for (int k = 0; k < CLASSES; k++) {
                snprintf(name, sizeof name, "%sconfusion_matrix[%d][%d]", sets[s], i, k);
                const double n = value_of(t, name);
                row += n, right += i == k ? n : 0;
            }
            snprintf(name, sizeof name, "%sconfusion_matrix[%d][%d]", sets[s], i, i);
            const double hit = value_of(t, name);
            snprintf(name, sizeof name, "%srecall[%d]", sets[s], i);
            cr_assert_float_eq(value_of(t, name), row > 0 ? hit / row : 0, 1e-15);
            snprintf(name, sizeof name, "%sauc[%d]", sets[s], i);
            areas += value_of(t, name) / CLASSES;
            all += row;
        }
        cr_assert_eq(all, s ? 12 : 36);
        snprintf(name, sizeof name, "%saccuracy", sets[s]);
        cr_assert_float_eq(value_of(t, name), right / all, 1e-15);
        snprintf(name, sizeof name, "%sauc", sets[s]);
        cr_assert_float_eq(value_of(t, name), areas, 1e-15);
        snprintf(name, sizeof name, "%ssecond", sets[s]);
        cr_assert_geq(value_of(t, name), right / all);
    }
}

Test(judge, the_table_of_a_run_has_a_column_for_each_number)
{
    size_t size;
    trained(judge_env(1), tables, "run");
    const char *text = test_read("run/metrics.csv", &size);
    cr_assert_not_null(strstr(text,
                              "epoch,loss,accuracy,recall,recall[0],recall[1],"
                              "recall[2],confusion_matrix[0][0],confusion_matrix[0]["
                              "1],"),
                       "%s", text);
    cr_assert_not_null(strstr(text,
                              ",confusion_matrix[2][2],second,auc,auc[0],auc[1],auc["
                              "2],f1,val_loss,val_accuracy,val_recall,val_recall[0],"),
                       "%s", text);
}

/* Scores say where they stand, stay when the model is evaluated again, and go with it. */
Test(judge, an_evaluation_has_the_values_of_the_run)
{
    tn_env *env = judge_env(1);
    tn_trainer *t = trained(env, tables, NULL);
    const tn_score *score;
    int32_t count, cells = 0;
    tn_error e = {0};
    for (int round = 0; round < 2; round++)
        cr_assert_eq(tn_model_evaluate(tn_trainer_model(t), NULL, TN_VALIDATION, &score,
                                       &count, &e),
                     TN_OK, "%s", e.text);
    cr_assert_eq(count, t->referee->values);
    for (int32_t i = 0; i < count; i++) {
        char name[80];
        snprintf(name, sizeof name, "val_%s", score[i].name);
        cr_assert(score[i].value == value_of(t, name) || isnan(score[i].value), "%s",
                  name);
        if (strncmp(score[i].name, "confusion_matrix", 16)) continue;
        cr_assert(score[i].row == cells / 3 && score[i].column == cells % 3);
        cells++;
    }
    cr_assert_eq(cells, 9);
    cr_assert(score[0].row == -1 && score[0].column == -1);
}

static int32_t better_of(const tn_trainer *t, const char *name)
{
    for (int32_t i = 0; i < t->values; i++)
        if (!strcmp(t->value[i].name, name)) return t->value[i].better;
    cr_assert_fail("no value %s", name);
    return -1;
}

/* So that early stopping need not be told. */
Test(judge, values_say_which_of_two_is_better)
{
    static const struct {
        const char *name;
        int32_t better;
    } known[] = {{"loss", TN_BETTER_SMALLER},
                 {"val_loss", TN_BETTER_SMALLER},
                 {"val_accuracy", TN_BETTER_LARGER},
                 {"second", TN_BETTER_LARGER},
                 {"auc", TN_BETTER_LARGER},
                 {"val_auc[1]", TN_BETTER_LARGER},
                 {"f1", TN_BETTER_LARGER},
                 {"recall[2]", TN_BETTER_LARGER},
                 {"val_recall", TN_BETTER_LARGER},
                 {"precision", TN_BETTER_LARGER},
                 {"perplexity", TN_BETTER_SMALLER},
                 {"val_confusion_matrix[0][0]", TN_BETTER_UNKNOWN},
                 {"penalty", TN_BETTER_UNKNOWN}};
    char text[900];
    snprintf(text, sizeof text, "%sregularizer: {l2: 1e-3}\n", tables);
    memcpy(strstr(text, "{f1: {average: weighted}}"), "perplexity, f1, precision", 25);
    const tn_trainer *t = trained(judge_env(1), text, NULL);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_assert_eq(better_of(t, known[i].name), known[i].better, "%s", known[i].name);
}

Test(judge, errors_are_better_when_small_and_r2_when_large)
{
    tn_env *env = judge_env(1);
    const tn_memory_data data = {.samples = SAMPLES,
                                 .input = {1, {WIDE}},
                                 .target = {1, {CLASSES}},
                                 .inputs = inputs,
                                 .targets = inputs};
    attach(env, "numbers", &data);
    const tn_trainer *t = trained(env,
                                  "data: {memory: {train: numbers}}\nloss: mse\n"
                                  "metrics: [mse, mae, r2]\ntrain: {epochs: 1}\n",
                                  NULL);
    cr_assert_eq(better_of(t, "mse"), TN_BETTER_SMALLER);
    cr_assert_eq(better_of(t, "mae"), TN_BETTER_SMALLER);
    cr_assert_eq(better_of(t, "r2"), TN_BETTER_LARGER);
}

/* A run that early stopping ends would go on as long as the accuracy sinks, in mode min. */
Test(judge, early_stopping_by_an_accuracy_keeps_the_largest)
{
    char text[900];
    snprintf(text, sizeof text,
             "%sobserve: [{early_stopping: {monitor: val_accuracy, patience: 30}}]\n",
             tables);
    memcpy(strstr(text, "epochs: 2"), "epochs: 9", 9);
    const tn_trainer *t = trained(judge_env(1), text, "run");
    const double best = t->observer[0]->numbers[1];
    double value, largest = 0, smallest = 1;
    size_t size;
    const char *row = test_read("run/metrics.csv", &size);
    int column = 0, rows = 0;
    for (const char *at = row; strncmp(at, "val_accuracy", 12); column++)
        at = strchr(at, ',') + 1;
    while ((row = strchr(row, '\n')) && row[1]) {
        row++, rows++;
        const char *at = row;
        for (int i = 0; i < column; i++) at = strchr(at, ',') + 1;
        cr_assert_eq(sscanf(at, "%lf", &value), 1);
        largest = fmax(largest, value), smallest = fmin(smallest, value);
    }
    cr_assert(rows == 9 && largest > smallest, "%d epochs, all alike", rows);
    cr_assert_float_eq(best, largest, 1e-8);
}

/* Early stopping knows them as well: 1 is never exceeded. */
Test(judge, a_number_of_a_table_may_be_monitored)
{
    tn_env *env = judge_env(1);
    char text[900];
    snprintf(text, sizeof text,
             "%sobserve: [{early_stopping: {monitor: 'recall[2]', mode: max, min_delta: "
             "1, patience: 2}}]\n",
             tables);
    memcpy(strstr(text, "epochs: 2"), "epochs: 9", 9);
    const tn_trainer *t = trained(env, text, NULL);
    cr_assert_eq(t->place.epoch, 3);
    refuse(env,
           ORDERED("plain", 8) "loss: cross_entropy\nobserve: [{early_stopping: "
                               "{monitor: 'recall[2]'}}]\ntrain: {epochs: 1}\n",
           "no value 'recall[2]'; it has loss, accuracy");
}

/* ---- what is kept of rows --------------------------------------------------------------- */

/* Also in the middle of an epoch, where the areas hang on rows seen before. */
Test(judge, a_run_that_is_killed_goes_on_with_the_rows_it_has_seen)
{
    static const char *const sets[] = {"metrics=[accuracy, auc]", "train.epochs=2", NULL};
    tn_error e = {0};
    cr_assert_eq(chdir(test_folder()), 0);
    cr_assert_eq(run_all(run_env(1), sets, "whole", false, &e), TN_OK, "%s", e.text);
    run_killed(sets, "killed", false, 70);
    cr_assert_eq(run_all(run_env(1), sets, "killed", true, &e), TN_OK, "%s", e.text);
    run_same_files("whole", "killed", "model.safetensors");
    size_t size;
    char last[2][400];
    for (int i = 0; i < 2; i++) {
        const char *text = test_read(test_path(i ? "killed" : "whole", "metrics.csv"),
                                     &size);
        const char *row = strrchr(text, '\n') - 1;
        while (row[-1] != '\n') row--;
        snprintf(last[i], sizeof last[i], "%s", row);
        *strrchr(last[i], ',') = 0; /* seconds differ */
    }
    cr_assert_str_eq(last[0], last[1]);
}
