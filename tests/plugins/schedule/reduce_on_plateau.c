/* reduce_on_plateau.c - cut when a value stalls, as ReduceLROnPlateau; what runs tell it. */
#include "support/timing.h"

#include "tests/support/running.h"

Test(reduce_on_plateau, follows_pytorch)
{
    follows_torch("reduce_on_plateau");
}

Test(reduce_on_plateau, a_value_that_is_no_number_is_no_improvement)
{
    tn_instance *falls = make("schedule", "reduce_on_plateau",
                              "{from: 1, patience: 1, factor: 0.5}", 1),
                *rises = make("schedule", "reduce_on_plateau",
                              "{from: 1, patience: 1, factor: 0.5, mode: max}", 1);
    const double bad[] = {NAN, 2, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        end_epoch(falls, bad[i]), end_epoch(rises, bad[i]);
        cr_assert_eq(value_at(falls, 0), i < 3 ? 1 : 0.5);
        cr_assert_eq(value_at(rises, 0), i < 3 ? 1 : 0.5);
    }
}

/* By default that of validation. */
Test(reduce_on_plateau, watches_the_loss)
{
    tn_instance *plateau = make("schedule", "reduce_on_plateau",
                                "{from: 1, patience: 0, factor: 0.5}", 1);
    for (int i = 0; i < 4; i++) {
        const tn_named_value values[] = {{"loss", 9 - i, TN_BETTER_SMALLER},
                                         {"val_loss", 1 + i, TN_BETTER_SMALLER}};
        const tn_event training = {.values = 1, .value = values},
                       validation = {.values = 2, .value = values};
        tn_instance_epoch(plateau, &(tn_clock){0}, i < 2 ? &training : &validation);
        cr_assert_eq(value_at(plateau, 0), i < 3 ? 1 : 0.5);
    }
}

Test(reduce_on_plateau, refuses_what_cannot_be)
{
    refuse("schedule", "reduce_on_plateau", "{from: 1, factor: 1}", "factor");
    refuse("schedule", "reduce_on_plateau", "{from: 1, patience: -1}", "patience");
    refuse("schedule", "reduce_on_plateau", "-1", "from");
    refuse("schedule", "reduce_on_plateau", "{from: 1, mode: least}", "auto, min, max");
    refuse("schedule", "reduce_on_plateau", "{from: 1, threshold_mode: share}",
           "rel, abs");
    refuse("schedule", "reduce_on_plateau", "{from: 1, threshold: -1}", "threshold");
    refuse("schedule", "reduce_on_plateau", "{from: 1, threshold: 2}",
           "threshold: 2 is no share below 1 of the best value; for a difference from it "
           "say threshold_mode: abs");
    refuse("schedule", "reduce_on_plateau", "{from: 1, min: 2}",
           "min: 2 is more than from, 1");
}

/* ---- in runs ------------------------------------------------------------------------- */

#define LR "optimizer={sgd: {lr: {warmup: {steps: 9, schedule: {reduce_on_plateau: "
#define BY_ACCURACY                                                                    \
    LR "{from: 0.1, monitor: accuracy, patience: 0, threshold: 0.02, threshold_mode: " \
       "abs, factor: 0.7}}}}}}"
#define BY_LOSS                                                                  \
    "regularizer.l2.lambda={reduce_on_plateau: {from: 1e-3, monitor: val_loss, " \
    "patience: 0, threshold: 0.05, factor: 0.5}}"

static const char *const watching[] = {BY_ACCURACY, BY_LOSS, "train.epochs=12", NULL};

typedef struct heard {
    double accuracy[12], val_loss[12], rate[12];
} heard;

static void hear(void *data, const tn_progress *p)
{
    heard *h = data;
    if (p->kind != 1) return;
    h->rate[p->epoch - 1] = p->learning_rate;
    for (int32_t i = 0; i < p->scores; i++) {
        const tn_score *s = &p->score[i];
        if (!strcmp(s->name, "accuracy")) h->accuracy[p->epoch - 1] = s->value;
        if (!strcmp(s->name, "val_loss")) h->val_loss[p->epoch - 1] = s->value;
    }
}

/* What `self` has kept at the end, of a schedule whose options have `from`. */
typedef struct kept_numbers {
    double from;
    const double *numbers;
} kept_numbers;

static void find_numbers(void *data, tn_instance *i)
{
    kept_numbers *k = data;
    if (strcmp(i->entry->name, "reduce_on_plateau")) return;
    if (((const tn_schedule *)i->vtable)
            ->value(i->self, i->now, &(tn_clock){0}, (double[8]){0}) == k->from)
        k->numbers = i->numbers;
}

static const double *numbers_of(tn_trainer *t, double from)
{
    kept_numbers k = {.from = from};
    tn_trainer_walk(t, find_numbers, &k);
    cr_assert_not_null(k.numbers);
    return k.numbers;
}

/* One rises, the other falls; each goes its way as one that is told nothing else. */
Test(reduce_on_plateau, several_watch_what_they_name)
{
    heard h;
    tn_error e = {0};
    const tn_train_options options = {.progress = hear, .progress_data = &h};
    tn_trainer *t = run_new(run_env(1), watching, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    tn_instance *rate = make("schedule", "reduce_on_plateau",
                             "{from: 0.1, mode: max, patience: 0, threshold: 0.02, "
                             "threshold_mode: abs, factor: 0.7}",
                             0),
                *strength = make("schedule", "reduce_on_plateau",
                                 "{from: 1e-3, patience: 0, threshold: 0.05, factor: "
                                 "0.5}",
                                 0);
    for (int i = 0; i < 12; i++) {
        cr_assert_eq(h.rate[i], value_at(rate, 0), "epoch %d", i + 1);
        end_epoch(rate, h.accuracy[i]), end_epoch(strength, h.val_loss[i]);
    }
    const size_t size = (size_t)rate->number_count * sizeof(double);
    cr_assert_lt(value_at(rate, 0), 0.1);
    cr_assert_lt(value_at(strength, 0), 1e-3);
    cr_assert_neq(value_at(rate, 0), 0.1 * pow(0.7, 11), "the accuracy never rises");
    cr_assert_arr_eq(numbers_of(t, 0.1), rate->numbers, size);
    cr_assert_arr_eq(numbers_of(t, 1e-3), strength->numbers, size);
}

Test(reduce_on_plateau, goes_on_where_a_run_ended)
{
    static const char *const part[] = {BY_ACCURACY, BY_LOSS, "train.epochs=5", NULL};
    tn_error e = {0};
    char whole[300], cut[300];
    snprintf(whole, sizeof whole, "%s", test_path(test_folder(), "whole"));
    snprintf(cut, sizeof cut, "%s", test_path(test_folder(), "cut"));
    tn_env *env = run_env(2);
    cr_assert_eq(run_all(env, watching, whole, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(run_all(env, part, cut, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(run_all(env, watching, cut, true, &e), TN_OK, "%s", e.text);
    run_same_files(whole, cut, "model.safetensors");
    run_same_files(whole, cut, "checkpoint.safetensors");
}

Test(reduce_on_plateau, names_that_a_run_does_not_have_are_errors_at_the_start)
{
    static const struct {
        const char *sets[3], *message;
    } row[] = {
        {{LR "{from: 1, monitor: acc}}}}}}"},
         "schedule reduce_on_plateau: monitor: this run has no value 'acc'; it has loss, "
         "accuracy, penalty, val_loss, val_accuracy"},
        {{"regularizer.l2.lambda={reduce_on_plateau: {from: 1, monitor: val_loss}}",
          "data.memory.validation=0"},
         "monitor: this run has no value 'val_loss'; it has loss, accuracy, penalty "
         "(values with val_ need a validation split: data option validation)"},
        {{"model=[{dropout: {reduce_on_plateau: {from: 1, monitor: penalty}}}, {dense: "
          "3}]"},
         "monitor: it is not known whether 'penalty' should be small or large; say mode: "
         "min or mode: max"},
    };
    tn_env *env = run_env(1);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        tn_error e = {0};
        cr_assert_null(run_new(env, row[i].sets, NULL, &e));
        cr_assert_not_null(strstr(e.text, row[i].message), "%s", e.text);
    }
}
