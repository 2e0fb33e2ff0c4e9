/* env.c - an environment's life, its backends, its messages: see env.h. */
#include "core/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/instance.h"
#include "core/kinds.h"
#include "core/real/unit.h"
#include "core/registry.h"

/* The one plugin name that the core knows: somebody has to compute. */
#define DEFAULT_BACKEND "blis"

const char *tn_version(void)
{
    return TN_VERSION;
}

static tn_status fill(tn_env *env, const tn_env_options *o, tn_error *e)
{
    if (o->threads < 0 || o->threads > 4096)
        return tn_error_set(e, TN_EINVAL, "threads: %d is not 0 (one per core) to 4096",
                            o->threads);
    const char *backend = o->backend ? o->backend : DEFAULT_BACKEND;
    env->threads = o->threads;
    env->log = o->log, env->log_data = o->log_data;
    env->memory.limit = o->max_memory;
    env->backend_name = tn_memory_text(&env->memory, backend, e);
    if (!env->backend_name) return TN_ENOMEM;
    if (o->foreign && !(env->foreign = tn_memory_text(&env->memory, o->foreign, e)))
        return TN_ENOMEM;
    env->registry = tn_registry_new(env, o->plugin_path, e);
    return env->registry ? TN_OK : TN_ENOMEM;
}

/* Recursive: what runs under it (a backend's open, the program's log) may come back. */
static void make_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

/* The environment itself is no block of its memory, which it holds. */
tn_env *tn_env_new(const tn_env_options *options, tn_error *e)
{
    static const tn_env_options none = {0};
    tn_env *env = calloc(1, sizeof *env);
    if (!env) return (void)tn_error_set(e, TN_ENOMEM, "out of memory"), NULL;
    make_lock(&env->lock);
    if (!fill(env, options ? options : &none, e)) return env;
    tn_env_free(env);
    return NULL;
}

static void free_attached(tn_memory *m, tn_attached *a)
{
    if (a) tn_memory_put(m, a->name);
    tn_memory_put(m, a);
}

void tn_env_free(tn_env *env)
{
    if (!env) return;
    for (int32_t real = 0; real < 2; real++) tn_instance_free(env->backend[real]);
    while (env->attached) {
        tn_attached *a = env->attached;
        env->attached = a->next;
        free_attached(&env->memory, a);
    }
    tn_registry_free(env->registry);
    tn_memory_put(&env->memory, env->backend_name);
    tn_memory_put(&env->memory, env->foreign);
    tn_memory_put(&env->memory, env->cpu);
    pthread_mutex_destroy(&env->lock);
    free(env);
}

void tn_env_log(tn_env *env, int32_t level, const char *format, ...)
{
    if (!env->log) return;
    char text[sizeof((tn_error *)0)->text];
    tn_error clean; /* without control characters, like every message */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tn_error_set(&clean, TN_OK, "%s", text);
    env->log(env->log_data, level, clean.text);
}

/* ---- backend ----------------------------------------------------------------------- */

static tn_status open_backend(tn_env *env, int32_t real, tn_error *e)
{
    tn_instance *backend;
    tn_calling calling;
    tn_status status = tn_instance_named(env, "backend", env->backend_name, NULL, real,
                                         &backend, e);
    if (status) return status;
    tn_call_make(&calling, env, backend, real, e);
    status = tn_call_end(&calling, tn_backend_open(backend, &calling, env->threads));
    if (!status) return env->backend[real] = backend, TN_OK;
    tn_instance_free(backend);
    if (e) tn_error_in(e, "backend/%s", env->backend_name);
    return status;
}

tn_status tn_env_backend(tn_env *env, int32_t real, const tn_instance **out, tn_error *e)
{
    tn_status status = TN_OK;
    pthread_mutex_lock(&env->lock);
    if (!env->backend[real]) status = open_backend(env, real, e);
    *out = env->backend[real];
    pthread_mutex_unlock(&env->lock);
    return status;
}

/* ---- information ------------------------------------------------------------------- */

/* "model name" of /proc/cpuinfo; "unknown" where there is none. */
static void read_cpu(char *name, size_t size)
{
    char line[512];
    snprintf(name, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon) continue;
        const char *start = colon + 1 + strspn(colon + 1, " \t");
        snprintf(name, size, "%.*s", (int)strcspn(start, "\n"), start);
        break;
    }
    if (file) fclose(file);
}

static const char *cpu_name(tn_env *env, tn_error *e)
{
    char name[256];
    pthread_mutex_lock(&env->lock);
    if (!env->cpu) {
        read_cpu(name, sizeof name);
        env->cpu = tn_memory_text(&env->memory, name, e);
    }
    const char *cpu = env->cpu;
    pthread_mutex_unlock(&env->lock);
    return cpu;
}

tn_status tn_env_info_get(tn_env *env, tn_env_info *info, tn_error *e)
{
    const tn_instance *backend;
    const tn_status status = tn_env_backend(env, 0, &backend, e);
    if (status) return status;
    const char *cpu = cpu_name(env, e);
    if (!cpu) return TN_ENOMEM;
    *info = (tn_env_info){.abi_major = TN_ABI_MAJOR,
                          .abi_minor = TN_ABI_MINOR,
                          .threads = tn_real_ops_of(0)->threads(backend),
                          .cpu = cpu,
                          .backend = tn_backend_text(backend),
                          .search_path = tn_registry_path_text(env->registry),
                          .memory_used = atomic_load(&env->memory.used),
                          .memory_peak = atomic_load(&env->memory.peak),
                          .allocations = atomic_load(&env->memory.calls)};
    return TN_OK;
}

/* ---- data in memory ---------------------------------------------------------------- */

static bool is_possible(const tn_shape *input)
{
    int64_t size;
    return input->rank >= 1 && tn_shape_size(input, &size);
}

/* Of several inputs; NULL: nothing. */
static const char *wrong_with_named(const tn_memory_data *d)
{
    if (d->input.rank || d->inputs || d->read)
        return "give either input and inputs (or read), or named ones";
    for (int32_t i = 0; i < TN_MEMORY_INPUTS && *d->named[i].name; i++) {
        const tn_memory_input *in = &d->named[i];
        if (!memchr(in->name, 0, sizeof in->name))
            return "the name of an input is too long";
        if (!is_possible(&in->shape)) return "the shape of an input is not possible";
        if (!d->read_named == !in->values)
            return "give either the values of all named inputs or read_named";
    }
    return NULL;
}

static const char *wrong_with_inputs(const tn_memory_data *d)
{
    if (*d->named[0].name) return wrong_with_named(d);
    if (!is_possible(&d->input)) return "the shape of the input is not possible";
    if (!d->read == !d->inputs || d->read_named)
        return "give either inputs or a read function";
    return NULL;
}

static const char *wrong_with_targets(const tn_memory_data *d)
{
    int64_t size;
    const bool reads = d->read || d->read_named;
    if (!tn_shape_size(&d->target, &size))
        return "the shape of the target is not possible";
    if (!reads && !d->targets == !d->labels) return "give either targets or labels";
    if (d->labels && d->target.rank) return "the target of labels has rank 0";
    return d->classes < 0 ? "classes must be 0 or more" : NULL;
}

static tn_status check_data(const char *name, const tn_memory_data *d, tn_error *e)
{
    const char *wrong = wrong_with_inputs(d);
    if (!wrong) wrong = wrong_with_targets(d);
    if (d->samples < 1) wrong = "samples must be 1 or more";
    return wrong ? tn_error_set(e, TN_EINVAL, "data '%s': %s", name, wrong) : TN_OK;
}

static tn_attached *new_attached(tn_env *env, const char *name, tn_error *e)
{
    tn_attached *a = tn_memory_get(&env->memory, sizeof *a, e);
    if (!a) return NULL;
    a->name = tn_memory_text(&env->memory, name, e);
    if (!a->name) return free_attached(&env->memory, a), NULL;
    return a;
}

/* Feeds and other threads may still read what had the name before: it lives as long as env, and
 * the new data is found first. */
tn_status tn_env_attach(tn_env *env, const char *name, const tn_memory_data *data,
                        tn_error *e)
{
    if (!name || !*name) return tn_error_set(e, TN_EINVAL, "data in memory needs a name");
    const tn_status status = check_data(name, data, e);
    if (status) return status;
    tn_attached *a = new_attached(env, name, e);
    if (!a) return TN_ENOMEM;
    a->data = *data;
    pthread_mutex_lock(&env->lock);
    a->next = env->attached;
    env->attached = a;
    pthread_mutex_unlock(&env->lock);
    return TN_OK;
}
