/* checkpoint.c - all that a run depends on, to one file and back.
 *
 * One function goes over the tensors of a run; writing and reading are what it does with each.
 * So the two cannot differ. The file is one safetensors archive, replaced atomically: there is
 * never a mixture of two checkpoints. */
#include <string.h>

#include "core/kinds.h"
#include "core/real/unit.h"
#include "core/trainer.h"

typedef struct ledger {
    tn_trainer *trainer;
    tn_status (*entry)(struct ledger *, const char *name, const tn_tensor *);
    tn_archive *archive;
    int64_t room; /* writing: of archive->tensor */
    bool reading;
    int64_t from;      /* reading: where the next look-up starts */
    int32_t instances; /* seen so far by list_numbers, without schedules */
    int32_t schedules;
    tn_status status;
    tn_error *error;
} ledger;

/* ---- the tensors of a run ------------------------------------------------------------- */

static void enter(ledger *l, const char *name, const tn_tensor *t)
{
    if (!l->status) l->status = l->entry(l, name, t);
}

static void enter_row(ledger *l, const char *name, int32_t dtype, int64_t n, void *data)
{
    const tn_tensor t = {.struct_size = sizeof t,
                         .dtype = dtype,
                         .rank = 1,
                         .dim = {n},
                         .stride = {1},
                         .data = data};
    enter(l, name, &t);
}

/* Not so when a run goes on with a schedule that it has not had, which then begins. */
static bool has_numbers(const ledger *l, const char *name)
{
    int64_t from = 0;
    return !l->reading || tn_archive_find(l->archive, name, &from);
}

/* Schedules are counted apart: a run may go on with others, or with none that keeps numbers. */
static void list_numbers(void *data, tn_instance *instance)
{
    ledger *l = data;
    char name[160];
    if (!instance->number_count) return;
    const bool schedule = !strcmp(instance->entry->kind, "schedule");
    snprintf(name, sizeof name, "numbers.%d.%s.%s",
             schedule ? l->schedules++ : l->instances++, instance->entry->kind,
             instance->entry->name);
    if (schedule && !has_numbers(l, name)) return;
    enter_row(l, name, TN_F64, instance->number_count, instance->numbers);
}

void tn_trainer_walk(tn_trainer *t, void (*visit)(void *, tn_instance *), void *data)
{
    tn_updater_walk(t->updater, visit, data);
    if (t->judge) tn_judge_walk(t->judge, visit, data);
    if (t->referee) tn_judge_walk(t->referee, visit, data);
    for (int32_t i = 0; i < t->observers; i++)
        tn_instance_walk(t->observer[i], visit, data);
}

static void list_place(ledger *l)
{
    enter_row(l, "run.place", TN_I64, sizeof(tn_place) / sizeof(int64_t),
              &l->trainer->place);
}

static void list_model(ledger *l)
{
    const tn_trainer *t = l->trainer;
    const char *name;
    char kept[160];
    tn_tensor value;
    for (int32_t i = 0; tn_model_part(t->model, i, &name, &value); i++)
        enter(l, name, &value);
    for (int32_t i = 0; t->place.kept && tn_model_part(t->model, i, &name, &value); i++) {
        snprintf(kept, sizeof kept, "kept.%s", name);
        value.data = t->kept[i];
        enter(l, kept, &value);
    }
}

static void list_rest(ledger *l)
{
    tn_trainer *t = l->trainer;
    char name[192];
    tn_tensor slot;
    for (int32_t i = 0; tn_updater_slot(t->updater, i, name, &slot); i++)
        enter(l, name, &slot);
    tn_trainer_walk(t, list_numbers, l);
    enter_row(l, "run.sums", TN_F64, t->judge->sums, t->sums);
    enter_row(l, "run.monitored", TN_F64, 1, &t->monitored);
}

/* ---- writing ------------------------------------------------------------------------- */

static tn_status append(ledger *l, const char *name, const tn_tensor *tensor)
{
    tn_memory *m = &l->trainer->env->memory;
    tn_archive *a = l->archive;
    if (a->tensors == l->room) {
        const int64_t room = l->room ? 2 * l->room : 64;
        const size_t bytes = (size_t)room * sizeof *a->tensor;
        void *grown = a->tensor ? tn_memory_grow(m, a->tensor, bytes, l->error)
                                : tn_memory_get(m, bytes, l->error);
        if (!grown) return TN_ENOMEM;
        a->tensor = grown;
        l->room = room;
    }
    char *copy = tn_memory_text(m, name, l->error);
    if (!copy) return TN_ENOMEM;
    a->tensor[a->tensors++] = (tn_named_tensor){copy, *tensor};
    return TN_OK;
}

static tn_status add_text(tn_env *env, tn_archive *a, const char *key, const char *value,
                          tn_error *e)
{
    tn_text_pair *pair = &a->text[a->texts++];
    pair->key = tn_memory_text(&env->memory, key, e);
    pair->value = tn_memory_text(&env->memory, value, e);
    return pair->key && pair->value ? TN_OK : TN_ENOMEM;
}

/* What the backend says of itself, without the number of threads, on which no bit depends. */
static void kernels_text(const tn_trainer *t, char text[200])
{
    const tn_instance *backend;
    const int32_t real = t->model->graph->real;
    text[0] = 0;
    if (tn_env_backend(t->env, real, &backend, NULL)) return;
    snprintf(text, 200, "%s", tn_backend_text(backend));
    char *last = strrchr(text, ',');
    if (last && strstr(last, " thread")) *last = 0;
}

static tn_status add_texts(tn_trainer *t, tn_archive *a, tn_error *e)
{
    char version[16], kernels[200], data[TN_FEED_TEXT];
    snprintf(version, sizeof version, "%d", TN_FILE_VERSION);
    kernels_text(t, kernels);
    tn_feed_text(t->feed, data);
    a->text = tn_memory_array(&t->env->memory, 4, sizeof *a->text, e);
    char *config = a->text ? tn_config_text(&t->env->memory, t->model->config->root, e)
                           : NULL;
    if (!config) return TN_ENOMEM;
    tn_status status = add_text(t->env, a, TN_KEY_VERSION, version, e);
    if (!status) status = add_text(t->env, a, TN_KEY_CONFIG, config, e);
    if (!status) status = add_text(t->env, a, TN_KEY_BACKEND, kernels, e);
    if (!status) status = add_text(t->env, a, TN_KEY_DATA, data, e);
    tn_memory_put(&t->env->memory, config);
    return status;
}

/* A checkpoint that cannot be gone on from would replace one that can. */
static tn_status check_finite(const tn_trainer *t, tn_error *e)
{
    const tn_graph *g = t->model->graph;
    for (int32_t i = 0; i < g->params; i++) {
        const tn_tensor *w = &g->param[i].value;
        if (tn_real_ops_of(g->real)->finite(w->data, tn_count(w))) continue;
        return tn_error_set(
            e, TN_ENUMERIC,
            "step %lld: '%s' is no longer finite. Try a lower "
            "learning rate, gradient: [{clip_norm: 1}], or check the data",
            (long long)t->place.step, g->param[i].name);
    }
    return TN_OK;
}

tn_status tn_trainer_checkpoint(tn_trainer *t, tn_error *e)
{
    char path[4096];
    tn_archive a = {0};
    ledger l = {.trainer = t, .entry = append, .archive = &a, .error = e};
    tn_status status = tn_trainer_path(t, "checkpoint.safetensors", path, e);
    if (!status) status = check_finite(t, e);
    if (status) return status;
    l.status = add_texts(t, &a, e);
    list_place(&l);
    list_model(&l);
    list_rest(&l);
    if (!l.status) l.status = tn_archive_write(t->env, path, &a, e);
    tn_archive_free(t->env, &a, NULL);
    return l.status;
}

/* ---- reading ------------------------------------------------------------------------- */

static tn_status take(ledger *l, const char *name, const tn_tensor *into)
{
    return tn_archive_take(l->archive, name, into, &l->from, l->error);
}

/* The place is from the file; what it says of the data must hold of the data there is. */
static tn_status check_place(tn_trainer *t, const tn_place *now, tn_error *e)
{
    tn_place *p = &t->place;
    if (p->epoch < 0 || p->step < 0 || p->in_epoch < 0 ||
        p->in_epoch > p->steps_per_epoch)
        return tn_error_set(e, TN_EDATA, "damaged: it stands at step %lld of epoch %lld",
                            (long long)p->in_epoch, (long long)p->epoch);
    if (p->in_epoch &&
        (p->steps_per_epoch != now->steps_per_epoch || p->samples != now->samples))
        return tn_error_set(
            e, TN_EINVAL,
            "it stands in the middle of an epoch of %lld steps over "
            "%lld samples, but the data now makes %lld steps over %lld; resume "
            "with the data and batch size of the run",
            (long long)p->steps_per_epoch, (long long)p->samples,
            (long long)now->steps_per_epoch, (long long)now->samples);
    p->steps_per_epoch = now->steps_per_epoch;
    p->samples = now->samples;
    return TN_OK;
}

static void warn_of_changes(tn_trainer *t, const tn_archive *a, const char *config)
{
    const char *backend = tn_archive_text(a, TN_KEY_BACKEND);
    char *now = tn_config_text(&t->env->memory, t->model->config->root, NULL);
    char kernels[200];
    kernels_text(t, kernels);
    if (now && strcmp(now, config))
        tn_env_log(t->env, TN_LOG_WARNING,
                   "the config is not that of the run before; going on with the new one");
    if (backend && strcmp(backend, kernels))
        tn_env_log(t->env, TN_LOG_WARNING,
                   "the run began on other kernels (%s, now %s): its bits will differ "
                   "from a run "
                   "without interruption",
                   backend, kernels);
    tn_memory_put(&t->env->memory, now);
}

static tn_status make_kept(tn_trainer *t, tn_error *e)
{
    const char *name;
    tn_tensor value;
    tn_memory *m = &t->env->memory;
    if (t->kept) return TN_OK;
    t->kept = tn_memory_array(m, (size_t)tn_model_tensors(t->model), sizeof *t->kept, e);
    if (!t->kept) return TN_ENOMEM;
    for (int32_t i = 0; tn_model_part(t->model, i, &name, &value); i++) {
        t->kept[i] = tn_memory_array(m, (size_t)tn_count(&value),
                                     tn_dtype_size(value.dtype), e);
        if (!t->kept[i]) return TN_ENOMEM;
    }
    return TN_OK;
}

/* Told by the config before it can show in a tensor's name or shape. */
static tn_status check_same(tn_trainer *t, const char *text, tn_error *e)
{
    tn_config *before = tn_config_read(&t->env->memory, text, strlen(text),
                                       "the config in it", e);
    if (!before) return e ? e->status : TN_EDATA;
    before->env = t->env;
    const tn_cfg *now = t->model->config->root;
    tn_status status = tn_trainer_same(before->root, now, e);
    if (!status) status = tn_trainer_same_frozen(t->model->graph, before->root, now, e);
    tn_config_free(before);
    return status;
}

/* A file may have been changed since. Older checkpoints do not say what their data were. */
static tn_status check_data(const tn_trainer *t, const tn_archive *a, tn_error *e)
{
    const char *before = tn_archive_text(a, TN_KEY_DATA);
    char now[TN_FEED_TEXT];
    tn_feed_text(t->feed, now);
    if (!before || !strcmp(before, now)) return TN_OK;
    return tn_error_set(e, TN_EINVAL,
                        "the data of the run were %.300s, but now are %.300s; a run goes "
                        "on with its own data: put them back, or begin a new run",
                        before, now);
}

static tn_status restore_from(tn_trainer *t, tn_archive *a, tn_error *e)
{
    const char *config;
    const tn_place now = t->place;
    ledger l = {.trainer = t, .entry = take, .archive = a, .reading = true, .error = e};
    l.status = tn_archive_config(a, &config, e);
    if (!l.status) l.status = check_same(t, config, e);
    if (!l.status) l.status = check_data(t, a, e);
    list_place(&l);
    if (!l.status) l.status = check_place(t, &now, e);
    if (!l.status && t->place.kept) l.status = make_kept(t, e);
    list_model(&l);
    list_rest(&l);
    tn_graph_changed(t->model->graph);
    if (!l.status) warn_of_changes(t, a, config);
    return l.status;
}

tn_status tn_trainer_restore(tn_trainer *t, const char *path, tn_error *e)
{
    tn_archive a;
    void *bytes;
    tn_status status = tn_archive_read(t->env, path, &a, &bytes, e);
    if (status) return status;
    status = restore_from(t, &a, e);
    if (status) tn_error_in(e, "%s", path);
    tn_archive_free(t->env, &a, bytes);
    return status;
}

/* ---- keeping and saving ---------------------------------------------------------------- */

tn_status tn_trainer_keep(tn_trainer *t, tn_error *e)
{
    const char *name;
    tn_tensor value;
    const tn_status status = make_kept(t, e);
    if (status) return status;
    tn_updater_view(t->updater, true);
    for (int32_t i = 0; tn_model_part(t->model, i, &name, &value); i++)
        memcpy(t->kept[i], value.data,
               (size_t)tn_count(&value) * tn_dtype_size(value.dtype));
    tn_updater_view(t->updater, false);
    t->place.kept = 1;
    return TN_OK;
}

tn_status tn_trainer_put_back(tn_trainer *t, tn_error *e)
{
    const char *name;
    tn_tensor value;
    if (!t->place.kept) return tn_error_set(e, TN_EINVAL, "no weights have been kept");
    for (int32_t i = 0; tn_model_part(t->model, i, &name, &value); i++)
        memcpy(value.data, t->kept[i],
               (size_t)tn_count(&value) * tn_dtype_size(value.dtype));
    tn_graph_changed(t->model->graph);
    t->place.restored = 1;
    return TN_OK;
}

tn_status tn_trainer_path(const tn_trainer *t, const char *name, char path[4096],
                          tn_error *e)
{
    if (!t->run_dir) return tn_error_set(e, TN_EINVAL, "this run writes no files");
    if (snprintf(path, 4096, "%s/%s", t->run_dir, name) < 4096) return TN_OK;
    return tn_error_set(e, TN_EINVAL, "the run folder's name is too long");
}

tn_status tn_trainer_save(tn_trainer *t, const char *name, tn_error *e)
{
    char path[4096];
    tn_status status = tn_trainer_path(t, name, path, e);
    if (status) return status;
    if (!t->place.restored && t->place.step) tn_updater_view(t->updater, true);
    status = tn_model_save(t->model, path, e);
    tn_updater_view(t->updater, false);
    return status;
}
