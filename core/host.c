/* host.c - the functions that plugins may call, as one table.
 *
 * Invariant: a tn_call that a plugin gets is the first member of a tn_calling. */
#include "core/host.h"

#include <string.h>

#include "core/foreign.h"
#include "core/instance.h"
#include "core/real/unit.h"

static tn_calling *calling_of(tn_call *call)
{
    return (tn_calling *)call;
}

/* Bodies of host->parallel may fail at once on several threads: each has an error of its own. */
static _Thread_local tn_error *body_error;

static tn_error *error_of(tn_call *call)
{
    return body_error ? body_error : calling_of(call)->error;
}

static tn_status fail(tn_call *call, tn_status status, const char *text)
{
    if (status == TN_OK) status = TN_EINVAL;
    return tn_error_set(error_of(call), status, "%s", text ? text : "no reason given");
}

static void log_text(tn_call *call, int32_t level, const char *text)
{
    tn_env_log(calling_of(call)->env, level, "%s", text);
}

static void *alloc(tn_call *call, size_t bytes)
{
    return tn_memory_get(&calling_of(call)->env->memory, bytes, error_of(call));
}

static void release(tn_call *call, void *block)
{
    tn_memory_put(&calling_of(call)->env->memory, block);
}

static tn_status param(tn_call *call, const tn_param_spec *spec)
{
    return tn_graph_declare_param(calling_of(call), spec);
}

static tn_status state(tn_call *call, const char *name, const tn_shape *shape,
                       double value)
{
    return tn_graph_declare_state(calling_of(call), name, shape, value);
}

static tn_status product(tn_call *call, const tn_product *p)
{
    if (!calling_of(call)->plan)
        return fail(call, TN_ENOTSUP,
                    "products are for the slots of whole-class layers only");
    if (p->struct_size >= sizeof *p) return tn_plan_product(calling_of(call), p);
    tn_product all = {0}; /* a plugin that knows less of it */
    memcpy(&all, p, p->struct_size);
    return tn_plan_product(calling_of(call), &all);
}

static tn_status column_sums(tn_call *call, const tn_tensor *m, tn_tensor *out)
{
    if (!calling_of(call)->plan)
        return fail(call, TN_ENOTSUP,
                    "sums are for the slots of whole-class layers only");
    return tn_plan_column_sums(calling_of(call), m, out);
}

/* While a plan runs it is at hand, without a lock. */
static tn_status find_backend(tn_call *call, const tn_instance **backend)
{
    const tn_calling *c = calling_of(call);
    *backend = c->plan;
    return c->plan ? TN_OK : tn_env_backend(c->env, c->real, backend, error_of(call));
}

static size_t pack_size(tn_call *call, const tn_matrix *b)
{
    const tn_calling *c = calling_of(call);
    const tn_instance *backend;
    if (find_backend(call, &backend)) return 0;
    return tn_real_ops_of(c->real)->pack_size(backend, b);
}

static tn_status pack(tn_call *call, tn_matrix *b, void *room)
{
    const tn_calling *c = calling_of(call);
    if (!c->plan)
        return fail(call, TN_ENOTSUP,
                    "packing is for the slots of whole-class layers only");
    b->packed = tn_real_ops_of(c->real)->pack(c->plan, c->unit, b, room);
    return TN_OK;
}

/* ---- threads ----------------------------------------------------------------------- */

typedef struct loop {
    tn_status (*body)(void *data, int64_t i);
    void *data;
    pthread_mutex_t lock;
    int64_t first_bad; /* whose status and text are returned, on any number of threads */
    tn_status status;
    tn_error why;
} loop;

static void run_body(void *data, int64_t i, int32_t worker)
{
    loop *l = data;
    tn_error why = {0}, *outer = body_error;
    body_error = &why;
    const tn_status status = l->body(l->data, i);
    body_error = outer;
    if (!status) return;
    pthread_mutex_lock(&l->lock);
    if (!l->status || i < l->first_bad)
        l->status = status, l->first_bad = i, l->why = why;
    pthread_mutex_unlock(&l->lock);
}

static tn_status in_order(int64_t n, loop *l)
{
    for (int64_t i = 0; i < n; i++) run_body(l, i, 0);
    return TN_OK;
}

static tn_status parallel(tn_call *call, int64_t n, tn_status (*body)(void *, int64_t),
                          void *data)
{
    tn_calling *c = calling_of(call);
    const tn_instance *backend;
    tn_error *e = error_of(call);
    tn_status status = find_backend(call, &backend);
    if (status) return status;
    loop l = {.body = body, .data = data};
    pthread_mutex_init(&l.lock, NULL);
    status = c->apart ? in_order(n, &l)
                      : tn_real_ops_of(c->real)->parallel(backend, n, run_body, &l);
    pthread_mutex_destroy(&l.lock);
    if (status || !l.status) return status;
    if (e) *e = l.why;
    return l.status;
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
    if (!strcmp(id, TN_MEMORY_SERVICE)) return &memory_service;
    return !strcmp(id, TN_FOREIGN_SERVICE) ? &tn_the_foreign_service : NULL;
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
    .pack_size = pack_size,
    .pack = pack,
};

tn_call *tn_call_refer(tn_calling *c, tn_env *env, tn_ref plugin, int32_t real,
                       tn_error *e)
{
    *c = (tn_calling){.call = {.host = &tn_the_host, .now = plugin ? plugin->now : NULL},
                      .env = env,
                      .error = e,
                      .name = plugin ? plugin->name : NULL,
                      .real = real};
    c->call.priv = c;
    if (e) e->status = TN_OK, e->text[0] = 0;
    return &c->call;
}

tn_call *tn_call_make(tn_calling *c, tn_env *env, const tn_instance *instance,
                      int32_t real, tn_error *e)
{
    return tn_call_refer(c, env, instance ? &instance->ref : NULL, real, e);
}

tn_status tn_call_end(tn_calling *c, tn_status status)
{
    tn_error *e = c->error;
    if (!status || !e) return status;
    if (!*e->text)
        tn_error_set(e, status, "%s gave no reason", c->name ? c->name : "the plugin");
    return e->status = status;
}
