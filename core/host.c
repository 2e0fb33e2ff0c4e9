/* host.c - the functions that plugins may call, as one table.
 *
 * Invariant: a tn_call that a plugin gets is the first member of a tn_calling. */
#include "core/host.h"

#include <string.h>

#include "core/instance.h"
#include "core/real/unit.h"

static tn_calling *calling_of(tn_call *call)
{
    return (tn_calling *)call;
}

/* Bodies of host->parallel may fail at once on several threads. */
static tn_status fail(tn_call *call, tn_status status, const char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (status == TN_OK) status = TN_EINVAL;
    pthread_mutex_lock(&lock);
    tn_error_set(calling_of(call)->error, status, "%s", text ? text : "no reason given");
    pthread_mutex_unlock(&lock);
    return status;
}

static void log_text(tn_call *call, int32_t level, const char *text)
{
    tn_env_log(calling_of(call)->env, level, "%s", text);
}

static void *alloc(tn_call *call, size_t bytes)
{
    tn_calling *c = calling_of(call);
    return tn_memory_get(&c->env->memory, bytes, c->error);
}

static void release(tn_call *call, void *block)
{
    tn_memory_put(&calling_of(call)->env->memory, block);
}

static tn_status param(tn_call *call, const tn_param_spec *spec)
{
    if (!calling_of(call)->setup)
        return fail(call, TN_EINVAL, "parameters are declared in infer only");
    return tn_graph_declare_param(calling_of(call), spec);
}

static tn_status state(tn_call *call, const char *name, const tn_shape *shape,
                       double value)
{
    if (!calling_of(call)->setup)
        return fail(call, TN_EINVAL, "states are declared in infer only");
    return tn_graph_declare_state(calling_of(call), name, shape, value);
}

static tn_status product(tn_call *call, const tn_product *p)
{
    if (!calling_of(call)->plan)
        return fail(call, TN_ENOTSUP,
                    "products are for the slots of whole-class layers only");
    return tn_plan_product(calling_of(call), p);
}

static tn_status column_sums(tn_call *call, const tn_tensor *m, tn_tensor *out)
{
    if (!calling_of(call)->plan)
        return fail(call, TN_ENOTSUP,
                    "sums are for the slots of whole-class layers only");
    return tn_plan_column_sums(calling_of(call), m, out);
}

/* ---- threads ----------------------------------------------------------------------- */

typedef struct loop {
    tn_status (*body)(void *data, int64_t i);
    void *data;
    pthread_mutex_t lock;
    int64_t first_bad; /* whose status is returned, on any number of threads */
    tn_status status;
} loop;

static void run_body(void *data, int64_t i, int32_t worker)
{
    loop *l = data;
    const tn_status status = l->body(l->data, i);
    if (!status) return;
    pthread_mutex_lock(&l->lock);
    if (!l->status || i < l->first_bad) l->status = status, l->first_bad = i;
    pthread_mutex_unlock(&l->lock);
}

static tn_status parallel(tn_call *call, int64_t n, tn_status (*body)(void *, int64_t),
                          void *data)
{
    tn_calling *c = calling_of(call);
    const tn_instance *backend;
    tn_status status = tn_env_backend(c->env, c->real, &backend, c->error);
    if (status) return status;
    loop l = {.body = body, .data = data};
    pthread_mutex_init(&l.lock, NULL);
    status = tn_real_ops_of(c->real)->parallel(backend, n, run_body, &l);
    pthread_mutex_destroy(&l.lock);
    return status ? status : l.status;
}

/* ---- services ---------------------------------------------------------------------- */

static const tn_memory_data *find_data(tn_call *call, const char *name)
{
    tn_env *env = calling_of(call)->env;
    pthread_mutex_lock(&env->lock);
    const tn_attached *a = env->attached;
    while (a && strcmp(a->name, name)) a = a->next;
    pthread_mutex_unlock(&env->lock);
    return a ? &a->data : NULL;
}

static const tn_memory_service memory_service = {sizeof(tn_memory_service), find_data};

static const void *service(tn_call *call, const char *id)
{
    return !strcmp(id, "tenon.memory/0") ? &memory_service : NULL;
}

const tn_host tn_the_host = {
    .struct_size = sizeof(tn_host),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .fail = fail,
    .log = log_text,
    .alloc = alloc,
    .release = release,
    .param = param,
    .state = state,
    .product = product,
    .column_sums = column_sums,
    .parallel = parallel,
    .service = service,
};

tn_call *tn_call_make(tn_calling *c, tn_env *env, const tn_instance *instance,
                      int32_t real, tn_error *e)
{
    *c = (tn_calling){
        .call = {.host = &tn_the_host, .now = instance ? instance->now : NULL},
        .env = env,
        .error = e,
        .real = real};
    c->call.priv = c;
    return &c->call;
}
