/* trainer_step.c - updates: on batches of the feed, and on a caller's. */
#include <string.h>

#include "core/trainer.h"

/* ---- dials ------------------------------------------------------------------------- */

tn_clock tn_trainer_clock(const tn_trainer *t)
{
    const int64_t per_epoch = t->place.steps_per_epoch;
    return (tn_clock){
        .step = t->place.step,
        .steps = t->epochs * per_epoch,
        .epoch = (double)t->place.epoch +
                 (per_epoch ? (double)t->place.in_epoch / (double)per_epoch : 0),
        .epochs = (double)t->epochs,
        .monitored = t->monitored,
    };
}

static void tick_judge(const tn_judge *j, const tn_clock *clock)
{
    if (!j) return;
    tn_instance_tick(j->loss.instance, clock);
    for (int32_t i = 0; i < j->metrics; i++)
        tn_instance_tick(j->metric[i].instance, clock);
}

void tn_trainer_tick(tn_trainer *t)
{
    const tn_clock clock = tn_trainer_clock(t);
    tn_updater_tick(t->updater, &clock);
    tick_judge(t->judge, &clock);
    tick_judge(t->referee, &clock);
    for (int32_t i = 0; i < t->observers; i++) tn_instance_tick(t->observer[i], &clock);
}

typedef struct dial_check {
    tn_clock clock;
    tn_status status;
    tn_error *error;
} dial_check;

static void check_dials(void *data, tn_instance *i)
{
    dial_check *c = data;
    if (!c->status) c->status = tn_instance_check_dials(i, &c->clock, c->error);
}

tn_status tn_trainer_check_dials(tn_trainer *t, tn_error *e)
{
    dial_check c = {.clock = tn_trainer_clock(t), .error = e};
    tn_trainer_walk(t, check_dials, &c);
    return c.status ? c.status : tn_updater_check_own(t->updater, &c.clock, e);
}

/* ---- updates ----------------------------------------------------------------------- */

static tn_judge without_metrics(const tn_judge *judge)
{
    tn_judge only_loss = *judge;
    only_loss.metrics = 0;
    return only_loss;
}

static tn_status apply(tn_trainer *t, tn_error *e)
{
    const double began = tn_watch_begin(t->watch[TN_WATCH_UPDATE]);
    const tn_status status = tn_updater_apply(t->updater, t->plan, t->place.step + 1, e);
    tn_watch_end(t->watch[TN_WATCH_UPDATE], began);
    if (status) return status;
    t->place.step++;
    t->place.restored = 0;
    return TN_OK;
}

/* All passes of one update. `sums` gets what the sweep's judge adds up in the first; later ones
 * are at weights that are not kept. */
static tn_status update_by(tn_trainer *t, tn_sweep *sweep, double *sums, double *loss,
                           tn_error *e)
{
    const int32_t passes = tn_updater_passes(t->updater);
    const int64_t step = t->place.step + 1;
    const tn_judge only_loss = without_metrics(t->judge);
    t->waiting = 0;
    tn_trainer_tick(t);
    const tn_status checked = tn_trainer_check_dials(t, e);
    if (checked) return checked;
    if (sweep->parts == 1)
        sweep->sink = tn_updater_sinks(t->updater, step,
                                       !(t->look.now & TN_WANTS_GRADIENTS));
    t->sink = sweep->sink;
    for (int32_t pass = 0; pass < passes; pass++) {
        double aside[2] = {0};
        sweep->commit = (pass == 0 ? TN_COMMIT_STATISTICS : 0) |
                        (pass + 1 == passes ? TN_COMMIT_CARRIED : 0);
        if (pass) sweep->judge = &only_loss, sweep->look = NULL;
        const tn_status status = tn_sweep_run(sweep, pass ? aside : sums,
                                              pass ? NULL : loss, e);
        if (status) return status;
        if (pass + 1 < passes) tn_updater_between(t->updater, t->plan, step, pass);
    }
    tn_trainer_look_gradients(t);
    return apply(t, e);
}

static tn_status feed_part(void *data, int64_t i, tn_batch *batch, tn_error *e)
{
    tn_trainer *t = data;
    const double began = tn_watch_begin(t->watch[TN_WATCH_DATA]);
    const tn_status status = tn_feed_batch(t->feed, TN_TRAIN, t->place.epoch,
                                           t->place.in_epoch * t->accumulate + i, batch,
                                           e);
    tn_watch_end(t->watch[TN_WATCH_DATA], began);
    return status;
}

/* The last update of an epoch takes what is left: fewer parts, of fewer samples. */
static void size_of_update(const tn_trainer *t, int64_t *parts, int64_t *samples)
{
    const int64_t size = tn_feed_batch_size(t->feed);
    const int64_t first = t->place.in_epoch * t->accumulate;
    const int64_t left = tn_feed_batches(t->feed, TN_TRAIN) - first;
    *parts = left < t->accumulate ? left : t->accumulate;
    const int64_t rest = t->place.samples - first * size;
    *samples = *parts * size < rest ? *parts * size : rest;
}

tn_status tn_trainer_update(tn_trainer *t, tn_error *e)
{
    tn_sweep sweep = {.graph = t->model->graph,
                      .plan = t->plan,
                      .judge = t->judge,
                      .info = tn_feed_info(t->feed, true),
                      .part = feed_part,
                      .data = t,
                      .step = (uint64_t)t->place.step};
    size_of_update(t, &sweep.parts, &sweep.samples);
    tn_trainer_look_begin(t, t->place.step + 1);
    if (t->look.now & TN_WANTS_OUTPUTS) sweep.look = t->look.plan;
    const tn_status status = update_by(t, &sweep, t->sums, NULL, e);
    if (!status) t->place.in_epoch++;
    return status;
}

tn_status tn_trainer_plan(tn_trainer *t, int64_t samples, tn_plan **out, tn_error *e)
{
    const tn_plan_options options = {.samples = samples,
                                     .training = true,
                                     .accumulates = t->accumulate > 1,
                                     .low = t->model->low,
                                     .unstored = tn_trainer_wants(t) & TN_WANTS_GRADIENTS
                                                     ? NULL
                                                     : tn_updater_takes(t->updater)};
    return tn_plan_make(t->model->graph, &options, out, e);
}

/* ---- a caller's batches -------------------------------------------------------------- */

static tn_status handed_part(void *data, int64_t i, tn_batch *batch, tn_error *e)
{
    *batch = ((const tn_handed *)data)->batch;
    return TN_OK;
}

/* The whole batch in one plan: statistics over it must not depend on how it is cut. */
static tn_status fit_plan(tn_trainer *t, int64_t samples, tn_error *e)
{
    tn_plan *larger;
    if (t->plan && samples <= t->plan_samples) return TN_OK;
    const tn_status status = tn_trainer_plan(t, samples, &larger, e);
    if (status) return status;
    tn_plan_free(t->plan);
    t->plan = larger;
    t->plan_samples = samples;
    return TN_OK;
}

/* Without data, the first batch decides whether the target is a label. */
static tn_status fit_judge(tn_trainer *t, bool real_targets, tn_data_info *info,
                           tn_error *e)
{
    const tn_graph *g = t->model->graph;
    if (t->feed) {
        *info = *tn_feed_info(t->feed, true);
        return TN_OK;
    }
    if (t->judge) real_targets = t->handed_real;
    *info = tn_handed_info(g, real_targets);
    if (t->judge) return TN_OK;
    t->handed_real = real_targets;
    return tn_judge_new(g, t->model->config->root, info, TN_TRAIN, &t->judge, e);
}

/* A caller gives inputs and target; that is all the loss and the metrics may read. */
static tn_status check_reads(const tn_trainer *t, const tn_criterion *c,
                             const tn_data_info *info, tn_error *e)
{
    const tn_graph *g = t->model->graph;
    for (int32_t i = 0; i < c->fields; i++) {
        const char *name = info->field[c->field[i]].name;
        bool given = !strcmp(name, "target");
        for (int32_t k = 0; k < g->inputs; k++)
            given = given || !strcmp(name, g->node[k].name);
        if (!given)
            return tn_error_set(e, TN_ENOTSUP,
                                "%s %s reads field '%s', which a batch of arrays "
                                "does not have",
                                c->instance->entry->kind, c->instance->entry->name, name);
    }
    return TN_OK;
}

static tn_status take_batch(tn_trainer *t, tn_sweep *sweep, const float *const *x,
                            const float *targets, const int32_t *labels, int64_t samples,
                            tn_error *e)
{
    tn_data_info *info = &t->handed.info;
    t->waiting = 0;
    t->look.now = 0;
    tn_status status = fit_judge(t, targets != NULL, info, e);
    if (!status) status = check_reads(t, &t->judge->loss, info, e);
    if (!status)
        status = tn_handed_take(&t->handed, t->model->graph, info, x, targets, labels,
                                samples, e);
    if (!status) status = tn_graph_check_batch(t->model->graph, samples, e);
    if (!status) status = fit_plan(t, samples, e);
    if (status) return status;
    *sweep = (tn_sweep){.graph = t->model->graph,
                        .plan = t->plan,
                        .judge = t->judge,
                        .info = info,
                        .parts = 1,
                        .samples = samples,
                        .part = handed_part,
                        .data = &t->handed,
                        .step = (uint64_t)t->place.step};
    return TN_OK;
}

tn_status tn_trainer_step_inputs(tn_trainer *t, const float *const *x,
                                 const float *targets, const int32_t *labels,
                                 int64_t samples, double *loss, tn_error *e)
{
    tn_sweep sweep;
    double sums[2] = {0};
    const tn_status status = take_batch(t, &sweep, x, targets, labels, samples, e);
    if (status) return status;
    const tn_judge judge = without_metrics(t->judge); /* nobody asks for them here */
    sweep.judge = &judge;
    return update_by(t, &sweep, sums, loss, e);
}

tn_status tn_trainer_step(tn_trainer *t, const float *x, const float *targets,
                          const int32_t *labels, int64_t samples, double *loss,
                          tn_error *e)
{
    const tn_status status = tn_graph_has_one(t->model->graph, "tn_trainer_step", e);
    if (status) return status;
    return tn_trainer_step_inputs(t, &x, targets, labels, samples, loss, e);
}

tn_status tn_trainer_gradients_inputs(tn_trainer *t, const float *const *x,
                                      const float *targets, const int32_t *labels,
                                      int64_t samples, double *loss, tn_error *e)
{
    tn_sweep sweep;
    double sums[2] = {0};
    tn_status status = take_batch(t, &sweep, x, targets, labels, samples, e);
    if (status) return status;
    const tn_judge judge = without_metrics(t->judge);
    sweep.judge = &judge;
    tn_trainer_tick(t);
    status = tn_trainer_check_dials(t, e);
    if (status) return status;
    t->sink = sweep.sink = tn_updater_sinks(t->updater, t->place.step + 1, false);
    status = tn_sweep_run(&sweep, sums, loss, e);
    if (!status) t->waiting = samples;
    return status;
}

tn_status tn_trainer_gradients(tn_trainer *t, const float *x, const float *targets,
                               const int32_t *labels, int64_t samples, double *loss,
                               tn_error *e)
{
    const tn_status status = tn_graph_has_one(t->model->graph, "tn_trainer_gradients", e);
    if (status) return status;
    return tn_trainer_gradients_inputs(t, &x, targets, labels, samples, loss, e);
}

/* The plan still holds the batch of the gradients, so states can follow only now. */
tn_status tn_trainer_apply(tn_trainer *t, tn_error *e)
{
    const tn_pass pass = {
        .samples = t->waiting, .step = (uint64_t)t->place.step, .training = true};
    if (!t->waiting)
        return tn_error_set(e, TN_EINVAL,
                            "no gradients to apply; call tn_trainer_gradients before "
                            "each tn_trainer_apply");
    if (tn_updater_passes(t->updater) > 1)
        return tn_error_set(e, TN_ENOTSUP,
                            "the optimizer needs gradients at several points for one "
                            "update; use tn_trainer_step");
    t->waiting = 0;
    tn_plan_commit(t->plan, &pass, TN_COMMIT_ALL);
    tn_updater_changed(t->updater);
    return apply(t, e);
}

tn_status tn_trainer_gradient(tn_trainer *t, const char *name, tn_tensor *out,
                              tn_error *e)
{
    const tn_graph *g = t->model->graph;
    if (!t->plan)
        return tn_error_set(e, TN_EINVAL, "no gradients yet; make a step first");
    for (int32_t i = 0; i < g->params; i++) {
        if (strcmp(g->param[i].name, name)) continue;
        if (g->param[i].rule.frozen)
            return tn_error_set(e, TN_ENOTSUP, "%s is frozen: it has no gradient", name);
        if (t->sink && t->sink[i].taken && !t->sink[i].stores)
            return tn_error_set(
                e, TN_ENOTSUP,
                "the gradient of %s went into the weights as it was made; "
                "tn_trainer_gradients keeps all gradients",
                name);
        *out = tn_plan_gradient(t->plan, i);
        return TN_OK;
    }
    return tn_error_set(e, TN_ENOTFOUND, "the model has no parameter '%s'", name);
}
