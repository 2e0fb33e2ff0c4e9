/* trainer_tell.c - whom a run tells what: events to observers, progress to the caller.
 *
 * Observers may ask for things while they are told. What must hold all that they count, a
 * checkpoint, is done when all have been told; the rest at once. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "core/trainer.h"

#define TELL_EVERY 0.1 /* seconds between two reports of a step */

double tn_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- what observers may ask of the run ------------------------------------------------ */

static tn_trainer *trainer_of(tn_run *run)
{
    return ((tn_run_face *)run)->trainer;
}

/* Errors go to the observer's call, as if it had found them. */
static tn_status pass_on(tn_call *call, tn_status status, const tn_error *e)
{
    return status ? call->host->fail(call, status, e->text) : TN_OK;
}

static void run_stop(tn_run *run, const char *why)
{
    tn_trainer *t = trainer_of(run);
    if (!t->place.stopping) snprintf(t->why, sizeof t->why, "%s", why ? why : "stopped");
    t->place.stopping = 1;
}

static tn_status run_keep(tn_run *run, tn_call *call)
{
    tn_error e = {0};
    return pass_on(call, tn_trainer_keep(trainer_of(run), &e), &e);
}

static tn_status run_restore(tn_run *run, tn_call *call)
{
    tn_error e = {0};
    return pass_on(call, tn_trainer_put_back(trainer_of(run), &e), &e);
}

static tn_status run_checkpoint(tn_run *run, tn_call *call)
{
    tn_trainer *t = trainer_of(run);
    t->wants_checkpoint = t->run_dir != NULL;
    return TN_OK;
}

static tn_status run_save(tn_run *run, tn_call *call, const char *name)
{
    tn_trainer *t = trainer_of(run);
    tn_error e = {0};
    return t->run_dir ? pass_on(call, tn_trainer_save(t, name, &e), &e) : TN_OK;
}

/* ---- making -------------------------------------------------------------------------- */

static bool has_observer(const tn_trainer *t, const char *name)
{
    for (int32_t i = 0; i < t->observers; i++)
        if (!strcmp(t->observer[i]->entry->name, name)) return true;
    return false;
}

/* A run folder always has its table of metrics and its last checkpoint. */
static tn_status add_standing(tn_trainer *t, tn_error *e)
{
    static const char *const names[] = {"csv_log", "checkpoint"};
    for (int i = 0; t->run_dir && i < 2; i++) {
        if (has_observer(t, names[i])) continue;
        const tn_status status = tn_instance_named(t->env, "observer", names[i], NULL,
                                                   t->model->graph->real,
                                                   &t->observer[t->observers], e);
        if (status) return status;
        t->observers++;
    }
    return TN_OK;
}

static tn_status make_observers(tn_trainer *t, tn_error *e)
{
    const tn_cfg *list = tn_cfg_get(t->model->config->root, "observe");
    if (list->type != TN_CFG_LIST)
        return tn_cfg_error(list, e, TN_EINVAL,
                            "observe: expected a list, e.g. [progress]");
    t->observer = tn_memory_array(&t->env->memory, (size_t)list->count + 2,
                                  sizeof *t->observer, e);
    if (!t->observer) return TN_ENOMEM;
    for (int32_t i = 0; i < list->count; i++) {
        const tn_status status = tn_instance_make(t->env, "observer", list->item[i],
                                                  t->model->graph->real,
                                                  &t->observer[t->observers], e);
        if (status) return status;
        t->observers++;
    }
    return add_standing(t, e);
}

static void add_value(tn_trainer *t, const char *prefix, const tn_judged *v)
{
    const int32_t i = t->values++;
    snprintf(t->name[i], sizeof t->name[i], "%s%s", prefix, v->name);
    t->value[i] = (tn_named_value){t->name[i], NAN, v->better};
    t->score[i] = (tn_score){t->name[i], NAN, v->row, v->column};
}

static tn_status make_values(tn_trainer *t, tn_error *e)
{
    tn_memory *m = &t->env->memory;
    static const tn_judged penalty = {.name = "penalty", .row = -1, .column = -1};
    const int32_t trained = t->judge->values, judged = t->referee->values;
    const int32_t counting = tn_updater_counting(t->updater);
    const size_t most = (size_t)(trained + 1 + counting + judged);
    t->name = tn_memory_array(m, most, sizeof *t->name, e);
    t->value = tn_memory_array(m, most, sizeof *t->value, e);
    t->score = tn_memory_array(m, most, sizeof *t->score, e);
    if (!t->name || !t->value || !t->score) return TN_ENOMEM;
    for (int32_t i = 0; i < trained; i++) add_value(t, "", &t->judge->value[i]);
    if (t->penalized) add_value(t, "", &penalty);
    for (int32_t i = 0; i < counting; i++) {
        tn_judged cut = {.row = -1, .column = -1};
        snprintf(cut.name, sizeof cut.name, "%s", tn_updater_cutter(t->updater, i));
        add_value(t, "", &cut);
    }
    for (int32_t i = 0; t->validates && i < judged; i++)
        add_value(t, "val_", &t->referee->value[i]);
    return TN_OK;
}

typedef tn_status value_check(const void *self, tn_call *, const tn_event *);

static value_check *check_of(const tn_instance *i)
{
    if (!strcmp(i->entry->kind, "observer"))
        return ((const tn_observer *)i->vtable)->check_values;
    if (!strcmp(i->entry->kind, "schedule"))
        return ((const tn_schedule *)i->vtable)->check_values;
    return NULL;
}

typedef struct values_check {
    tn_event event;
    tn_status status;
    tn_error *error;
} values_check;

static void check_one(void *data, tn_instance *i)
{
    values_check *c = data;
    value_check *const check = check_of(i);
    tn_calling calling;
    if (c->status || !check) return;
    tn_call *call = tn_call_make(&calling, i->env, i, i->real, c->error);
    c->status = tn_blame(i, tn_call_end(&calling, check(i->self, call, &c->event)),
                         c->error);
}

/* Before anything runs, so that what observers and schedules watch is there. */
static tn_status check_values(tn_trainer *t, tn_error *e)
{
    values_check c = {.event = {.values = t->values, .value = t->value}, .error = e};
    tn_trainer_walk(t, check_one, &c);
    return c.status;
}

tn_status tn_trainer_observe_new(tn_trainer *t, tn_error *e)
{
    t->face = (tn_run_face){.run = {.stop = run_stop,
                                    .keep = run_keep,
                                    .restore = run_restore,
                                    .checkpoint = run_checkpoint,
                                    .save = run_save},
                            .trainer = t};
    tn_status status = make_observers(t, e);
    if (!status) status = make_values(t, e);
    return status ? status : check_values(t, e);
}

void tn_trainer_observe_free(tn_trainer *t)
{
    tn_memory *m = &t->env->memory;
    for (int32_t i = 0; i < t->observers; i++) tn_instance_free(t->observer[i]);
    tn_memory_put(m, t->observer);
    tn_memory_put(m, t->name);
    tn_memory_put(m, t->value);
    tn_memory_put(m, t->score);
}

/* ---- telling ------------------------------------------------------------------------- */

static tn_event event_at(tn_trainer *t, tn_moment moment)
{
    const double seconds = tn_seconds() - t->epoch_began,
                 trained = moment == TN_STEP ? seconds : t->trained;
    if (moment == TN_STEP) t->value[0].value = tn_judge_loss(t->sums);
    return (tn_event){
        .epoch = t->place.epoch + (moment == TN_STEP),
        .epochs = t->epochs,
        .step = moment == TN_EPOCH ? t->place.steps_per_epoch : t->place.in_epoch,
        .steps_per_epoch = t->place.steps_per_epoch,
        .seconds = seconds,
        .samples_per_second = trained > 0 ? (double)t->epoch_samples / trained : 0,
        .learning_rate = tn_updater_rate(t->updater),
        .run_dir = t->run_dir,
        .values = moment == TN_STEP ? 1 : t->values,
        .value = t->value,
    };
}

static bool is_due(const tn_trainer *t, const tn_instance *o, tn_moment moment)
{
    return moment != TN_STEP || tn_trainer_is_due(o->vtable, o->self, t->place.step);
}

static tn_status tell_one(tn_trainer *t, tn_instance *o, tn_moment moment,
                          const tn_event *event, tn_error *e)
{
    const tn_observer *observer = o->vtable;
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, t->env, o, o->real, e);
    tn_status (*const slots[])(const void *, tn_call *, tn_run *, const tn_event *,
                               double *) = {observer->start, observer->step,
                                            observer->epoch, observer->end};
    if (!slots[moment] || !is_due(t, o, moment)) return TN_OK;
    const tn_status status = slots[moment](o->self, call, &t->face.run, event,
                                           o->numbers);
    return tn_blame(o, tn_call_end(&calling, status), e);
}

tn_status tn_trainer_tell(tn_trainer *t, tn_moment moment, tn_error *e)
{
    int32_t due = 0;
    for (int32_t i = 0; i < t->observers; i++) due += is_due(t, t->observer[i], moment);
    if (!due) return TN_OK; /* as after most steps */
    tn_event event = event_at(t, moment);
    tn_trainer_show(t, moment == TN_STEP, &event);
    for (int32_t i = 0; i < t->observers; i++) {
        const tn_status status = tell_one(t, t->observer[i], moment, &event, e);
        if (status) return status;
    }
    if (!t->wants_checkpoint) return TN_OK;
    t->wants_checkpoint = false;
    return tn_trainer_checkpoint(t, e);
}

static double seconds_left(const tn_trainer *t, double now)
{
    const int64_t made = t->place.step - t->began_step;
    const int64_t all = t->epochs * t->place.steps_per_epoch;
    if (made < 1 || t->place.stopping) return NAN;
    return (now - t->began) / (double)made * (double)(all - t->place.step);
}

void tn_trainer_progress(tn_trainer *t, tn_moment moment, const char *note)
{
    if (!t->progress) return;
    const double now = tn_seconds();
    if (moment == TN_STEP && now - t->told < TELL_EVERY) return;
    const tn_event event = event_at(t, moment);
    for (int32_t i = 0; i < event.values; i++) t->score[i].value = t->value[i].value;
    const tn_progress progress = {
        .kind = moment == TN_STEP    ? 0
                : moment == TN_EPOCH ? 1
                                     : 2,
        .epoch = event.epoch,
        .epochs = event.epochs,
        .step = event.step,
        .steps_per_epoch = event.steps_per_epoch,
        .seconds = event.seconds,
        .seconds_left = seconds_left(t, now),
        .samples_per_second = event.samples_per_second,
        .learning_rate = event.learning_rate,
        .scores = event.values,
        .score = t->score,
        .note = note,
    };
    if (moment == TN_STEP) t->told = now;
    t->progress(t->progress_data, &progress);
}
