/* trainer.c - making a trainer from a config. */
#include "core/trainer.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"

/* ---- config -------------------------------------------------------------------------- */

static const tn_cfg *root_of(const tn_trainer *t)
{
    return t->model->config->root;
}

/* What a config leaves open, so that the one in the run folder says all. */
static tn_status fill_in(tn_config *config, tn_error *e)
{
    static const char *const defaults[][2] = {{"seed", "seed=0"},
                                              {"precision", "precision=float"},
                                              {"observe", "observe=[progress]"}};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        if (tn_cfg_get(config->root, defaults[i][0])) continue;
        const tn_status status = tn_config_set(config, defaults[i][1], e);
        if (status) return status;
    }
    return TN_OK;
}

static tn_status read_train(tn_trainer *t, tn_error *e)
{
    static const char *const keys[] = {"epochs", "accumulate", NULL};
    const tn_cfg *train = tn_cfg_get(root_of(t), "train");
    t->accumulate = 1;
    if (!train) return TN_OK;
    if (train->type != TN_CFG_MAP)
        return tn_cfg_error(train, e, TN_EINVAL,
                            "train: expected settings, e.g. {epochs: 10}");
    const tn_cfg *epochs = tn_cfg_get(train, "epochs");
    const tn_cfg *accumulate = tn_cfg_get(train, "accumulate");
    tn_status status = tn_cfg_only(train, keys, e);
    t->has_epochs = epochs != NULL;
    if (!status && epochs) status = tn_cfg_int(epochs, 0, INT32_MAX, &t->epochs, e);
    if (!status && accumulate)
        status = tn_cfg_int(accumulate, 1, INT32_MAX, &t->accumulate, e);
    return status;
}

/* ---- folders ------------------------------------------------------------------------- */

static tn_status check_new(const tn_trainer *t, tn_error *e)
{
    static const char *const names[] = {"config.yaml", "checkpoint.safetensors",
                                        "model.safetensors", "metrics.csv"};
    char path[4096];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const tn_status status = tn_trainer_path(t, names[i], path, e);
        if (status) return status;
        if (!access(path, F_OK))
            return tn_error_set(e, TN_EINVAL,
                                "%s holds a run already (%s); resume it, or give "
                                "another folder",
                                t->run_dir, names[i]);
    }
    return TN_OK;
}

/* Two runs at once would overwrite each other's checkpoints. */
static tn_status lock_folder(tn_trainer *t, tn_error *e)
{
    if (!tn_folder_lock(t->run_dir, &t->lock, e)) return TN_OK;
    return tn_error_set(e, TN_EIO,
                        "another process trains in %s; wait for its end, or end it",
                        t->run_dir);
}

static tn_status choose_folder(tn_trainer *t, const tn_train_options *o, tn_error *e)
{
    const char *dir = o->resume ? o->resume : o->run_dir;
    t->resumed = o->resume != NULL;
    if (o->resume && o->run_dir && strcmp(o->resume, o->run_dir))
        return tn_error_set(e, TN_EINVAL,
                            "a run is resumed in its own folder %s; give no other "
                            "one",
                            o->resume);
    if (!dir) return TN_OK;
    t->run_dir = tn_memory_text(&t->env->memory, dir, e);
    if (!t->run_dir) return TN_ENOMEM;
    tn_status status = t->resumed ? TN_OK : tn_folder_make(dir, e);
    if (!status) status = lock_folder(t, e);
    if (status || t->resumed) return status;
    return check_new(t, e);
}

/* ---- parts --------------------------------------------------------------------------- */

/* What `input:` says, which the data must have; else what the data has. */
static tn_status find_inputs(const tn_trainer *t, const tn_cfg *root, tn_inputs *in,
                             tn_error *e)
{
    const tn_cfg *given = tn_cfg_get(root, "input");
    tn_status status = tn_inputs_read(root, in, e);
    if (status) return status;
    if (!t->feed && !given)
        return tn_cfg_error(root, e, TN_EINVAL,
                            "no data section, which says "
                            "what the input is; without data give its shape: "
                            "input: [784]");
    if (!t->feed) return TN_OK;
    const tn_data_info *info = tn_feed_info(t->feed, true);
    status = given ? tn_inputs_check(in, info, e) : tn_inputs_of_data(info, in, e);
    if (status) tn_cfg_in(given ? given : tn_cfg_get(root, "data"), e);
    return status;
}

/* The feed reads the config that the model is going to own. */
static tn_status make_model(tn_trainer *t, tn_config *config, tn_error *e)
{
    uint64_t seed;
    int32_t real;
    tn_inputs in;
    tn_status status = fill_in(config, e);
    t->lists_inputs = tn_cfg_get(config->root, "input") != NULL;
    if (!status) status = tn_model_settings(config->root, &seed, &real, e);
    if (!status && tn_cfg_get(config->root, "data"))
        status = tn_feed_new(t->env, config->root, real, seed, &t->feed, e);
    if (!status) status = find_inputs(t, config->root, &in, e);
    if (!status)
        return tn_model_make(t->env, config, &in, INT64_MAX, !t->resumed, &t->model, e);
    tn_feed_free(t->feed);
    t->feed = NULL;
    tn_config_free(config);
    return status;
}

static tn_status measure_data(tn_trainer *t, tn_error *e)
{
    const int64_t batches = tn_feed_batches(t->feed, TN_TRAIN);
    t->place.samples = tn_feed_info(t->feed, true)->count[TN_TRAIN];
    t->place.steps_per_epoch = batches / t->accumulate + (batches % t->accumulate > 0);
    t->validates = tn_feed_info(t->feed, false)->count[TN_VALIDATION] > 0;
    const tn_cfg *data = tn_cfg_get(root_of(t), "data");
    if (batches < 1)
        return tn_cfg_error(data, e, TN_EINVAL,
                            "the data makes no training batch (%lld samples)",
                            (long long)t->place.samples);
    const int64_t batch = tn_feed_batch_size(t->feed) * t->accumulate,
                  streams = tn_feed_info(t->feed, true)->streams;
    if (!streams || streams == batch) return TN_OK;
    return tn_cfg_error(
        data, e, TN_EINVAL,
        "the data has %lld streams, which go on from batch to batch, but "
        "batches (times accumulate) have %lld samples; make them the same",
        (long long)streams, (long long)batch);
}

/* States that go on from batch to batch mean something only where the samples do. */
static tn_status check_carried(const tn_trainer *t, tn_error *e)
{
    const tn_graph *g = t->model->graph;
    const tn_cfg *data = tn_cfg_get(root_of(t), "data");
    const char *breaks = tn_feed_breaks(t->feed);
    char place[200];
    for (int32_t i = 0; breaks && i < g->states; i++) {
        const tn_graph_node *node = &g->node[g->state[i].node];
        if (!g->state[i].carried) continue;
        tn_error_set(e, TN_EINVAL,
                     "layer '%s' goes on where the batch before ended, but the data "
                     "(%s) has %s, so batches do not follow each other; give it "
                     "shuffle: false and no validation",
                     node->name, tn_cfg_place(data, place, sizeof place), breaks);
        tn_cfg_in(node->layer->where, e);
        return TN_EINVAL;
    }
    return TN_OK;
}

static tn_status name_classes(tn_trainer *t, tn_error *e)
{
    const tn_data_info *info = tn_feed_info(t->feed, false);
    const int32_t target = tn_feed_find(info, "target");
    if (target < 0) return TN_OK;
    return tn_model_name_classes(t->model, info->class_name, info->field[target].classes,
                                 e);
}

static tn_status make_judges(tn_trainer *t, tn_error *e)
{
    const tn_graph *g = t->model->graph;
    const tn_data_info *train = tn_feed_info(t->feed, true),
                       *plain = tn_feed_info(t->feed, false);
    const tn_inputs in = tn_graph_inputs(g);
    tn_status status = tn_inputs_check(&in, plain, e);
    if (!status) status = tn_judge_new(g, root_of(t), train, TN_TRAIN, &t->judge, e);
    if (!status)
        status = tn_judge_new(g, root_of(t), plain, TN_VALIDATION, &t->referee, e);
    if (status) return status;
    tn_memory *m = &t->env->memory;
    t->sums = tn_memory_array(m, (size_t)t->judge->sums, sizeof(double), e);
    t->trial_sums = tn_memory_array(m, (size_t)t->referee->sums, sizeof(double), e);
    return t->sums && t->trial_sums ? TN_OK : TN_ENOMEM;
}

/* The smallest batch is the last of an epoch, or all are the same. */
static tn_status check_batches(const tn_trainer *t, tn_error *e)
{
    const int64_t batch = tn_feed_batch_size(t->feed),
                  full = (tn_feed_batches(t->feed, TN_TRAIN) - 1) * batch;
    const int64_t rest = t->place.samples - full;
    return tn_graph_check_batch(t->model->graph, rest < batch ? rest : batch, e);
}

static bool is_of(const tn_criterion *c, int32_t field)
{
    bool is = false;
    for (int32_t i = 0; i < c->fields; i++) is = is || c->field[i] == field;
    return is;
}

/* By the network, the loss or a metric; not every loss reads a target. */
static bool is_read(const tn_trainer *t, int32_t field, const char *name)
{
    const tn_graph *g = t->model->graph;
    const tn_judge *j = t->judge;
    bool is = tn_inputs_read_by_losses(name) || is_of(&j->loss, field);
    for (int32_t i = 0; i < g->inputs; i++) is = is || !strcmp(g->node[i].name, name);
    for (int32_t i = 0; i < j->metrics; i++) is = is || is_of(&j->metric[i], field);
    return is;
}

/* Weights under another name would not weigh. A config that lists inputs leaves the others on purpose. */
static tn_status check_fields(const tn_trainer *t, tn_error *e)
{
    const tn_data_info *info = tn_feed_info(t->feed, true);
    const tn_cfg *data = tn_cfg_get(root_of(t), "data");
    char place[200];
    for (int32_t i = 0; !t->lists_inputs && i < info->fields; i++) {
        const char *name = info->field[i].name, *meant = tn_inputs_meant(name);
        if (is_read(t, i, name)) continue;
        if (meant)
            return tn_cfg_error(data, e, TN_EINVAL,
                                "nothing reads the data's field '%s'; did you mean '%s'?",
                                name, meant);
        tn_env_log(t->env, TN_LOG_WARNING,
                   "%s: nothing reads the data's field '%s'; to have it as an input, "
                   "list it under input:",
                   tn_cfg_place(data, place, sizeof place), name);
    }
    return TN_OK;
}

static tn_status make_plans(tn_trainer *t, tn_error *e)
{
    t->plan_samples = tn_feed_batch_size(t->feed);
    tn_status status = tn_trainer_plan(t, t->plan_samples, &t->plan, e);
    if (!status && t->validates)
        status = tn_evaluation_plan(t->model->graph, t->feed, &t->trial, e);
    return status;
}

/* Data-driven initializers see the first batch of a new run. */
static tn_status calibrate(tn_trainer *t, tn_error *e)
{
    tn_batch batch;
    const void *x[TN_MOST_INPUTS];
    int32_t field[TN_MOST_INPUTS];
    const tn_inputs in = tn_graph_inputs(t->model->graph);
    const tn_status status = tn_feed_batch(t->feed, TN_TRAIN, 0, 0, &batch, e);
    if (status) return status;
    tn_inputs_find(&in, tn_feed_info(t->feed, true), field);
    tn_inputs_take(&in, field, &batch, x);
    return tn_graph_calibrate(t->model->graph, x, batch.samples, e);
}

static tn_status make_run(tn_trainer *t, tn_error *e)
{
    char path[4096];
    tn_status status = measure_data(t, e);
    if (!status) status = check_carried(t, e);
    if (!status) status = check_batches(t, e);
    if (!status) status = name_classes(t, e);
    if (!status) status = make_judges(t, e);
    if (!status) status = check_fields(t, e);
    if (!status) status = tn_trainer_observe_new(t, e);
    if (!status) status = make_plans(t, e);
    if (!status) status = tn_trainer_look_new(t, e);
    if (status) return status;
    if (!t->resumed) return calibrate(t, e);
    status = tn_trainer_path(t, "checkpoint.safetensors", path, e);
    return status ? status : tn_trainer_restore(t, path, e);
}

static bool has_regularizer(const tn_graph *g)
{
    for (int32_t i = 0; i < g->params; i++)
        if (g->param[i].regularizer && !g->param[i].rule.frozen) return true;
    return false;
}

/* As the last update of the epoch begun saw them: a run that stopped after it, before the epoch's
 * end, still validates and reports with them. */
static void set_dials(tn_trainer *t)
{
    const tn_place now = t->place;
    if (now.in_epoch) t->place.in_epoch--, t->place.step--;
    tn_trainer_tick(t);
    t->place = now;
}

/* A schedule whose values at the run's next or last update are wrong is told before the run. */
static tn_status check_schedules(tn_trainer *t, tn_error *e)
{
    const tn_place now = t->place;
    const int64_t last = t->epochs * now.steps_per_epoch - 1;
    if (now.step > last) return TN_OK;
    tn_trainer_tick(t);
    tn_status status = tn_trainer_check_dials(t, e);
    if (status) return status;
    t->place.epoch = t->epochs - 1, t->place.in_epoch = now.steps_per_epoch - 1;
    t->place.step = last;
    tn_trainer_tick(t);
    status = tn_trainer_check_dials(t, e);
    t->place = now;
    return status;
}

static tn_status make(tn_trainer *t, const tn_config *config, const tn_train_options *o,
                      tn_error *e)
{
    tn_status status = choose_folder(t, o, e);
    if (status) return status;
    tn_config *own = tn_config_copy(t->env, config, e);
    if (!own) return TN_ENOMEM;
    status = make_model(t, own, e);
    if (!status) status = read_train(t, e);
    if (!status) status = tn_updater_new(t->model->graph, root_of(t), &t->updater, e);
    if (status) return status;
    t->penalized = has_regularizer(t->model->graph);
    if (!t->feed && t->resumed)
        return tn_cfg_error(root_of(t), e, TN_EINVAL, "no data section to go on with");
    if (t->feed) status = make_run(t, e);
    if (!status) status = check_schedules(t, e);
    if (!status) set_dials(t);
    return status;
}

/* The config of the run that is resumed, where none is given. */
static tn_config *load_config(tn_env *env, const char *dir, tn_error *e)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/config.yaml", dir) < (int)sizeof path)
        return tn_config_load(env, path, NULL, 0, e);
    tn_error_set(e, TN_EINVAL, "the run folder's name is too long");
    return NULL;
}

tn_trainer *tn_trainer_new(tn_env *env, const tn_config *config,
                           const tn_train_options *options, tn_error *e)
{
    static const tn_train_options none = {0};
    const tn_train_options *o = options ? options : &none;
    tn_config *loaded = NULL;
    if (!config && !o->resume) {
        tn_error_set(e, TN_EINVAL, "no config");
        return NULL;
    }
    if (!config) config = loaded = load_config(env, o->resume, e);
    tn_trainer *t = config ? tn_memory_get(&env->memory, sizeof *t, e) : NULL;
    if (t) {
        t->env = env;
        t->monitored = NAN;
        t->lock = -1;
        t->progress = o->progress;
        t->progress_data = o->progress_data;
        if (make(t, config, o, e)) {
            tn_trainer_free(t);
            t = NULL;
        }
    }
    tn_config_free(loaded);
    return t;
}

void tn_trainer_free(tn_trainer *t)
{
    if (!t) return;
    tn_memory *m = &t->env->memory;
    tn_trainer_look_free(t);
    tn_trainer_observe_free(t);
    tn_trainer_profile_free(t);
    for (int32_t i = 0; t->kept && i < tn_model_tensors(t->model); i++)
        tn_memory_put(m, t->kept[i]);
    tn_memory_put(m, t->kept);
    tn_memory_put(m, t->sums);
    tn_memory_put(m, t->trial_sums);
    tn_handed_free(t->env, &t->handed);
    tn_plan_free(t->plan);
    tn_plan_free(t->trial);
    tn_judge_free(t->judge);
    tn_judge_free(t->referee);
    tn_updater_free(t->updater);
    tn_feed_free(t->feed);
    tn_model_free(t->model);
    if (t->lock >= 0) close(t->lock);
    tn_memory_put(m, t->run_dir);
    tn_memory_put(m, t);
}

tn_model *tn_trainer_model(tn_trainer *t)
{
    return t->model;
}

int64_t tn_trainer_batch(const tn_trainer *t)
{
    return t->feed ? tn_feed_batch_size(t->feed) : 0;
}

void tn_trainer_cancel(tn_trainer *t)
{
    atomic_store(&t->cancelled, true);
}
