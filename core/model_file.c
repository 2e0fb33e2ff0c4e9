/* model_file.c - models to and from archives.
 *
 * A model file holds every parameter and state under its own name and, as text, the part of the
 * config that the network consists of, no data, no paths, nothing of the training, and for other
 * tools how PyTorch would hold the tensors. */
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "core/torch_layout.h"

tn_status tn_archive_config(const tn_archive *a, const char **text, tn_error *e)
{
    const char *version = tn_archive_text(a, TN_KEY_VERSION);
    *text = tn_archive_text(a, TN_KEY_CONFIG);
    if (!version || !*text)
        return tn_error_set(e, TN_EDATA, "not written by Tenon: it has no text '%s'",
                            version ? TN_KEY_CONFIG : TN_KEY_VERSION);
    if (strtol(version, NULL, 10) != TN_FILE_VERSION)
        return tn_error_set(e, TN_ENOTSUP,
                            "its format version is %.20s, this Tenon reads %d", version,
                            TN_FILE_VERSION);
    return TN_OK;
}

/* ---- saving -------------------------------------------------------------------------- */

/* The config's text, without what concerns data and training only. */
static char *network_text(const tn_model *m, tn_error *e)
{
    static const char *const keys[] = {"seed",    "precision",   "input",
                                       "classes", "model",       "init",
                                       "loss",    "regularizer", "metrics"};
    tn_cfg *item[sizeof keys / sizeof *keys];
    tn_cfg map = *m->config->root;
    map.count = 0;
    map.item = item;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const tn_cfg *found = tn_cfg_get(m->config->root, keys[i]);
        if (found) item[map.count++] = (tn_cfg *)(uintptr_t)found;
    }
    return tn_config_text(&m->env->memory, &map, e);
}

static tn_status write_model(const tn_model *m, const char *path, const char *config,
                             const char *torch, tn_error *e)
{
    char version[16];
    snprintf(version, sizeof version, "%d", TN_FILE_VERSION);
    tn_text_pair text[] = {
        {TN_KEY_VERSION, version}, {TN_KEY_CONFIG, config}, {TN_KEY_TORCH, torch}};
    const int32_t count = tn_model_tensors(m);
    tn_archive a = {.texts = torch ? 3 : 2, .tensors = count, .text = text};
    a.tensor = tn_memory_array(&m->env->memory, (size_t)count, sizeof *a.tensor, e);
    if (!a.tensor) return TN_ENOMEM;
    for (int32_t i = 0; i < count; i++)
        tn_model_part(m, i, &a.tensor[i].name, &a.tensor[i].tensor);
    const tn_status status = tn_archive_write(m->env, path, &a, e);
    tn_memory_put(&m->env->memory, a.tensor);
    return status;
}

tn_status tn_model_save(const tn_model *m, const char *path, tn_error *e)
{
    tn_error own = {0};
    char *config = network_text(m, &own);
    char *torch = config ? tn_torch_layout(m->graph, &own) : NULL;
    if (!own.status) write_model(m, path, config, torch, &own);
    tn_memory_put(&m->env->memory, config);
    tn_memory_put(&m->env->memory, torch);
    if (own.status && e) *e = own;
    return own.status;
}

/* ---- loading ------------------------------------------------------------------------- */

static tn_status check_keys(const tn_cfg *root, tn_error *e)
{
    static const char *const allowed[] = {"seed",    "precision", "input", "classes",
                                          "model",   "init",      "loss",  "regularizer",
                                          "metrics", NULL};
    return tn_cfg_only(root, allowed, e);
}

/* What its config may ask for, so that a small file cannot take all memory. */
static int64_t bytes_of(const tn_archive *a)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < a->tensors; i++) {
        const tn_tensor *t = &a->tensor[i].tensor;
        sum += tn_count(t) * (int64_t)tn_dtype_size(t->dtype);
    }
    return sum;
}

static tn_status make_network(tn_env *env, const char *path, const tn_archive *a,
                              tn_model **out, tn_error *e)
{
    const char *text;
    tn_inputs in;
    tn_status status = tn_archive_config(a, &text, e);
    if (status) return tn_error_in(e, "%s", path), status;
    if (tn_archive_text(a, TN_KEY_BACKEND))
        return tn_error_set(e, TN_EDATA,
                            "%s: is the checkpoint of a run, not a model; the run "
                            "writes model.safetensors beside it when it is complete",
                            path);
    tn_config *config = tn_config_read(&env->memory, text, strlen(text), path, e);
    if (!config) return e ? e->status : TN_EDATA;
    config->env = env;
    status = check_keys(config->root, e);
    if (!status) status = tn_inputs_read(config->root, &in, e);
    if (!status && !in.count)
        status = tn_error_set(e, TN_EDATA,
                              "%s: its config does not say the input's shape", path);
    if (!status) return tn_model_make(env, config, &in, bytes_of(a), false, out, e);
    tn_config_free(config);
    return status;
}

static tn_status take_weights(tn_model *m, const tn_archive *a, tn_error *e)
{
    const char *name;
    tn_tensor t;
    int64_t from = 0;
    tn_status status = TN_OK;
    int32_t i = 0;
    for (; !status && tn_model_part(m, i, &name, &t); i++)
        status = tn_archive_take(a, name, &t, &from, e);
    if (!status && a->tensors != i)
        status = tn_error_set(e, TN_EDATA, "holds %lld tensors, but its config makes %d",
                              (long long)a->tensors, i);
    return status;
}

tn_model *tn_model_load(tn_env *env, const char *path, tn_error *e)
{
    tn_archive a;
    void *bytes;
    tn_model *m = NULL;
    if (tn_archive_read(env, path, &a, &bytes, e)) return NULL;
    if (!make_network(env, path, &a, &m, e) && take_weights(m, &a, e)) {
        tn_error_in(e, "%s", path);
        tn_model_free(m);
        m = NULL;
    }
    tn_archive_free(env, &a, bytes);
    return m;
}
