/* predict.c - predictions from any thread.
 *
 * A thread takes an idle plan from the model's pool, or makes one, and puts it back: the pool
 * holds as many plans as there ever were threads at once. Each works through the samples in
 * chunks of a fixed size, so memory does not grow with their number. */
#include "core/predict.h"

#include "core/real/bridge.h"

#define PLAN_BYTES (32 << 20)
#define MOST_SAMPLES 256

typedef struct tn_idle_plan {
    tn_plan *plan;
    void *x[TN_MOST_INPUTS]; /* in the model's precision, where that is not float */
    struct tn_idle_plan *next;
} tn_idle_plan;

int64_t tn_predict_chunk(const tn_graph *g)
{
    double bytes = 1; /* of one sample; as double, a sum that cannot overflow */
    for (int32_t i = 0; i < g->nodes; i++)
        bytes += (double)tn_shape_count(&g->node[i].spec.out) * (g->real ? 8 : 4);
    const double samples = (double)PLAN_BYTES / bytes;
    return samples < 1 ? 1 : samples > MOST_SAMPLES ? MOST_SAMPLES : (int64_t)samples;
}

static void free_plan(tn_model *m, tn_idle_plan *p)
{
    tn_plan_free(p->plan);
    for (int32_t i = 0; i < TN_MOST_INPUTS; i++) tn_memory_put(&m->env->memory, p->x[i]);
    tn_memory_put(&m->env->memory, p);
}

void tn_predict_free(tn_model *m)
{
    while (m->idle) {
        tn_idle_plan *next = m->idle->next;
        free_plan(m, m->idle);
        m->idle = next;
    }
}

static tn_status take_inputs(const tn_model *m, tn_idle_plan *p, tn_error *e)
{
    for (int32_t i = 0; i < m->graph->inputs; i++) {
        int64_t values;
        if (!tn_size_mul(m->chunk, tn_shape_count(tn_model_input_shape(m, i)), &values))
            values = -1;
        p->x[i] = tn_memory_array(&m->env->memory, (size_t)values, sizeof(double), e);
        if (!p->x[i]) return TN_ENOMEM;
    }
    return TN_OK;
}

static tn_idle_plan *make_plan(tn_model *m, tn_error *e)
{
    tn_memory *memory = &m->env->memory;
    tn_idle_plan *p = tn_memory_get(memory, sizeof *p, e);
    if (!p) return NULL;
    tn_status status = tn_plan_new(m->graph, m->chunk, false, false, &p->plan, e);
    if (!status && m->graph->real) status = take_inputs(m, p, e);
    if (!status) return p;
    free_plan(m, p);
    return NULL;
}

/* Plans are made under the lock too: the first one may have to open the backend. */
static tn_idle_plan *take_plan(tn_model *m, tn_error *e)
{
    pthread_mutex_lock(&m->lock);
    tn_idle_plan *p = m->idle;
    if (p)
        m->idle = p->next;
    else
        p = make_plan(m, e);
    pthread_mutex_unlock(&m->lock);
    return p;
}

static void put_plan(tn_model *m, tn_idle_plan *p)
{
    pthread_mutex_lock(&m->lock);
    p->next = m->idle;
    m->idle = p;
    pthread_mutex_unlock(&m->lock);
}

/* From sample `row` on. */
static tn_status predict_chunk(const tn_model *m, tn_idle_plan *p, const float *const *x,
                               int64_t row, int64_t samples, float *y, tn_error *e)
{
    const tn_bridge *bridge = tn_bridge_of(m->graph->real);
    const int64_t size = tn_shape_count(tn_model_output(m));
    const tn_pass pass = {.samples = samples, .row = row};
    const void *from[TN_MOST_INPUTS], *out;
    for (int32_t i = 0; i < m->graph->inputs; i++) {
        const int64_t in = tn_shape_count(tn_model_input_shape(m, i));
        from[i] = x[i] + row * in;
        if (!p->x[i]) continue;
        bridge->from_float(from[i], samples * in, p->x[i]);
        from[i] = p->x[i];
    }
    const tn_status status = tn_plan_run(p->plan, &pass, from, &out, e);
    if (!status) bridge->to_float(out, samples * size, y + row * size);
    return status;
}

static bool has_arrays(const tn_model *m, const float *const *x)
{
    bool has = x != NULL;
    for (int32_t i = 0; has && i < m->graph->inputs; i++) has = x[i] != NULL;
    return has;
}

tn_status tn_model_predict_inputs(const tn_model *model, const float *const *x,
                                  int64_t samples, float *y, tn_error *e)
{
    tn_model *m = (tn_model *)(uintptr_t)model; /* its pool is behind a lock */
    if (samples < 0)
        return tn_error_set(e, TN_EINVAL, "%lld samples", (long long)samples);
    if (samples && (!has_arrays(m, x) || !y))
        return tn_error_set(e, TN_EINVAL, "no arrays: x or y is NULL");
    tn_idle_plan *p = take_plan(m, e);
    if (!p) return TN_ENOMEM;
    tn_status status = TN_OK;
    for (int64_t done = 0; !status && done < samples; done += m->chunk) {
        const int64_t left = samples - done;
        status = predict_chunk(m, p, x, done, left < m->chunk ? left : m->chunk, y, e);
    }
    put_plan(m, p);
    return status;
}

tn_status tn_model_predict(const tn_model *m, const float *x, int64_t samples, float *y,
                           tn_error *e)
{
    const tn_status status = tn_graph_has_one(m->graph, "tn_model_predict", e);
    return status ? status : tn_model_predict_inputs(m, &x, samples, y, e);
}
