/* trainer_run.c - a whole run: epochs of updates, validation, the end. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/trainer.h"

/* ---- an epoch ------------------------------------------------------------------------ */

static void begin_epoch(tn_trainer *t)
{
    t->epoch_began = tn_seconds();
    t->epoch_samples = 0;
    t->trained = 0;
    if (!t->place.in_epoch) tn_graph_forget(t->model->graph);
}

static tn_status make_updates(tn_trainer *t, tn_error *e)
{
    const int64_t whole = tn_feed_batch_size(t->feed) * t->accumulate;
    while (t->place.in_epoch < t->place.steps_per_epoch) {
        const int64_t rest = t->place.samples - t->place.in_epoch * whole;
        tn_status status = tn_trainer_update(t, e);
        if (status) return status;
        t->epoch_samples += whole < rest ? whole : rest;
        status = tn_trainer_tell(t, TN_STEP, e);
        if (status) return status;
        tn_trainer_progress(t, TN_STEP, NULL);
        if (atomic_load(&t->cancelled))
            return tn_error_set(e, TN_ECANCELED, "stopped on request");
    }
    t->trained = tn_seconds() - t->epoch_began;
    return TN_OK;
}

static tn_status validate(tn_trainer *t, tn_error *e)
{
    if (!t->validates) return TN_OK;
    tn_updater_view(t->updater, true);
    const tn_status status = tn_evaluate(t->referee, t->trial, t->model->graph, t->feed,
                                         TN_VALIDATION, &t->cancelled, t->trial_sums, e);
    tn_updater_view(t->updater, false);
    if (status == TN_ENUMERIC)
        tn_error_in(e, "epoch %lld", (long long)t->place.epoch + 1);
    return status;
}

static void fill_values(tn_trainer *t)
{
    int32_t n = 0;
    tn_judge_read(t->judge, t->sums);
    for (int32_t i = 0; i < t->judge->values; i++)
        t->value[n++].value = t->judge->value[i].value;
    if (t->penalized) t->value[n++].value = tn_updater_penalty(t->updater);
    for (int32_t i = 0; i < tn_updater_counting(t->updater); i++)
        t->value[n++].value = tn_updater_cut(t->updater, i);
    t->monitored = t->value[0].value;
    if (!t->validates) return;
    tn_judge_read(t->referee, t->trial_sums);
    t->monitored = t->referee->value[0].value;
    for (int32_t i = 0; n < t->values; i++)
        t->value[n++].value = t->referee->value[i].value;
}

static void end_schedules(tn_trainer *t)
{
    const tn_clock clock = tn_trainer_clock(t);
    const tn_event event = {.values = t->values, .value = t->value};
    const tn_judge *judges[] = {t->judge, t->referee};
    tn_updater_epoch(t->updater, &clock, &event);
    for (int k = 0; k < 2; k++) {
        tn_instance_epoch(judges[k]->loss.instance, &clock, &event);
        for (int32_t i = 0; i < judges[k]->metrics; i++)
            tn_instance_epoch(judges[k]->metric[i].instance, &clock, &event);
    }
    for (int32_t i = 0; i < t->observers; i++)
        tn_instance_epoch(t->observer[i], &clock, &event);
}

static tn_status run_epoch(tn_trainer *t, tn_error *e)
{
    begin_epoch(t);
    tn_status status = make_updates(t, e);
    if (!status) status = tn_judge_weighed(t->judge, t->sums, TN_TRAIN, e);
    if (!status) status = validate(t, e);
    if (status) return status;
    fill_values(t);
    tn_updater_clear_counts(t->updater);
    memset(t->sums, 0, (size_t)t->judge->sums * sizeof *t->sums);
    t->place.epoch++;
    t->place.in_epoch = 0;
    end_schedules(t);
    status = tn_trainer_tell(t, TN_EPOCH, e);
    if (!status) tn_trainer_progress(t, TN_EPOCH, NULL);
    return status;
}

/* ---- the run ------------------------------------------------------------------------- */

static tn_status write_config(const tn_trainer *t, tn_error *e)
{
    char path[4096];
    tn_file_writer writer;
    tn_status status = tn_trainer_path(t, "config.yaml", path, e);
    char *text = status ? NULL
                        : tn_config_text(&t->env->memory, t->model->config->root, e);
    if (!text) return status ? status : TN_ENOMEM;
    status = tn_file_open(&writer, path, e);
    if (!status) {
        status = tn_file_put(&writer, text, strlen(text), e);
        if (!status) status = tn_file_commit(&writer, e);
        tn_file_abandon(&writer);
    }
    tn_memory_put(&t->env->memory, text);
    return status;
}

/* *wrote: the run's config was written, now. */
static tn_status begin(tn_trainer *t, bool *wrote, tn_error *e)
{
    tn_status status = TN_OK;
    t->began = t->epoch_began = t->told = tn_seconds();
    t->began_step = t->place.step;
    if (t->started) return TN_OK;
    *wrote = t->run_dir;
    if (*wrote) status = write_config(t, e);
    if (status) return status;
    status = tn_trainer_tell(t, TN_START, e);
    t->started = !status;
    return status;
}

static tn_status end(tn_trainer *t, tn_error *e)
{
    tn_status status = tn_trainer_tell(t, TN_END, e);
    if (!status && t->run_dir) status = tn_trainer_save(t, "model.safetensors", e);
    if (!status) tn_trainer_progress(t, TN_END, *t->why ? t->why : NULL);
    return status;
}

/* What was done is kept: resuming makes the next step. */
static tn_status stopped(tn_trainer *t, tn_error *e)
{
    if (t->run_dir) {
        const tn_status status = tn_trainer_checkpoint(t, e);
        if (status) return status;
    }
    return tn_error_set(e, TN_ECANCELED, "stopped on request after step %lld%s",
                        (long long)t->place.step,
                        t->run_dir ? ", checkpoint written" : "");
}

tn_status tn_trainer_ready(const tn_trainer *t, tn_error *e)
{
    const tn_cfg *root = t->model->config->root;
    if (!t->feed)
        return tn_cfg_error(root, e, TN_EINVAL,
                            "no data; name a dataset, for example data: "
                            "{fashion_mnist: {batch: 64}}");
    if (!t->has_epochs)
        return tn_cfg_error(root, e, TN_EINVAL,
                            "train: says no number of epochs, for example "
                            "train: {epochs: 10}");
    return TN_OK;
}

/* A resumed run that has nothing left to do. */
static void note_complete(tn_trainer *t)
{
    const long long epoch = t->place.epoch, epochs = t->epochs;
    if (!t->resumed || t->began_step != t->place.step || *t->why) return;
    if (t->place.stopping)
        snprintf(t->why, sizeof t->why,
                 "already complete: an observer ended it after %lld of %lld epochs",
                 epoch, epochs);
    else if (epoch >= epochs)
        snprintf(t->why, sizeof t->why,
                 "already complete (%lld of %lld epochs); go on with --set "
                 "train.epochs=%lld",
                 epoch, epochs, epoch ? 2 * epoch : 1);
}

/* From here on batches are made ahead. */
static tn_status start_feed(tn_trainer *t, tn_error *e)
{
    const tn_course course = {t->epochs, t->accumulate, tn_updater_passes(t->updater)};
    if (t->place.stopping || t->place.epoch >= t->epochs) return TN_OK;
    return tn_feed_start(t->feed, &course, TN_TRAIN, t->place.epoch,
                         t->place.in_epoch * t->accumulate, e);
}

/* A run that failed before its first update has nothing to go on with: its folder is free for the
 * next try, unless there was a run in it. */
static bool came_to_nothing(const tn_trainer *t, bool wrote, tn_status status)
{
    return status && status != TN_ECANCELED && wrote && !t->resumed && !t->place.step;
}

/* Of samples or numbers that training met on its way. */
static bool of_data(tn_status status)
{
    return status == TN_ENUMERIC || status == TN_EDATA || status == TN_EINVAL;
}

static void clear_folder(tn_trainer *t)
{
    static const char *const names[] = {"config.yaml", "checkpoint.safetensors",
                                        "metrics.csv"};
    char path[4096];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!tn_trainer_path(t, names[i], path, NULL)) unlink(path);
    t->started = false;
}

tn_status tn_trainer_run(tn_trainer *t, tn_error *e)
{
    bool wrote = false;
    tn_status status = tn_trainer_ready(t, e);
    if (!status) status = begin(t, &wrote, e);
    if (!status) note_complete(t);
    if (!status) status = start_feed(t, e);
    while (!status && !t->place.stopping && t->place.epoch < t->epochs)
        status = run_epoch(t, e);
    if (t->feed) tn_feed_stop(t->feed);
    if (!status) status = end(t, e);
    if (status == TN_ECANCELED) status = stopped(t, e);
    if (came_to_nothing(t, wrote, status))
        clear_folder(t);
    else if (of_data(status) && t->run_dir)
        tn_error_in(e, "training stopped, the last checkpoint in %s is kept", t->run_dir);
    atomic_store(&t->cancelled, false);
    return status;
}
