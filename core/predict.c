/* predict.c - predictions from any thread, also many with what layers draw in training.
 *
 * A thread takes an idle plan from the model's pool, or makes one, and puts it back: the pool
 * holds as many plans as there ever were threads at once. Each works through the samples in
 * chunks of a fixed size, so memory does not grow with their number. */
#include "core/predict.h"

#include <math.h>

#include "core/real/bridge.h"
#include "tenon/random.h"

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

static tn_idle_plan *make_plan(tn_model *m, bool draws, tn_error *e)
{
    const tn_plan_options options = {.samples = m->chunk, .draws = draws};
    tn_memory *memory = &m->env->memory;
    tn_idle_plan *p = tn_memory_get(memory, sizeof *p, e);
    if (!p) return NULL;
    tn_status status = tn_plan_make(m->graph, &options, &p->plan, e);
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
        p = make_plan(m, false, e);
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

/* Of the samples of a pass, to the start of y. */
static tn_status predict_chunk(const tn_model *m, tn_idle_plan *p, const float *const *x,
                               const tn_pass *pass, float *y, tn_error *e)
{
    const tn_bridge *bridge = tn_bridge_of(m->graph->real);
    const int64_t row = pass->row, samples = pass->samples;
    const void *from[TN_MOST_INPUTS], *out;
    for (int32_t i = 0; i < m->graph->inputs; i++) {
        const int64_t in = tn_shape_count(tn_model_input_shape(m, i));
        from[i] = x[i] + row * in;
        if (!p->x[i]) continue;
        bridge->from_float(from[i], samples * in, p->x[i]);
        from[i] = p->x[i];
    }
    const tn_status status = tn_plan_run(p->plan, pass, from, &out, e);
    if (!status) bridge->to_float(out, samples * tn_shape_count(tn_model_output(m)), y);
    return status;
}

static bool has_arrays(const tn_model *m, const float *const *x)
{
    bool has = x != NULL;
    for (int32_t i = 0; has && i < m->graph->inputs; i++) has = x[i] != NULL;
    return has;
}

static tn_status check_arrays(const tn_model *m, const float *const *x, int64_t samples,
                              const float *y, tn_error *e)
{
    if (samples < 0)
        return tn_error_set(e, TN_EINVAL, "%lld samples", (long long)samples);
    if (samples && (!has_arrays(m, x) || !y))
        return tn_error_set(e, TN_EINVAL, "no arrays: x or y is NULL");
    return TN_OK;
}

/* The pass from sample `done` on. */
static tn_pass pass_at(const tn_model *m, int64_t done, int64_t samples)
{
    const int64_t left = samples - done;
    return (tn_pass){.samples = left < m->chunk ? left : m->chunk, .row = done};
}

tn_status tn_model_predict_inputs(const tn_model *model, const float *const *x,
                                  int64_t samples, float *y, tn_error *e)
{
    tn_model *m = (tn_model *)(uintptr_t)model; /* its pool is behind a lock */
    const int64_t size = tn_shape_count(tn_model_output(m));
    tn_status status = check_arrays(m, x, samples, y, e);
    if (status) return status;
    tn_idle_plan *p = take_plan(m, e);
    if (!p) return TN_ENOMEM;
    for (int64_t done = 0; !status && done < samples; done += m->chunk) {
        const tn_pass pass = pass_at(m, done, samples);
        status = predict_chunk(m, p, x, &pass, y + done * size, e);
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

/* ---- many passes ------------------------------------------------------------------------- */

/* Mean and sum of squared deviations of each output of a chunk so far (Welford, "Note on a method for
 * calculating corrected sums of squares and products", Technometrics 4, 1962). */
typedef struct spread {
    double *mean, *squares;
    float *y; /* of the last pass */
} spread;

static bool draws(const tn_graph *g)
{
    for (int32_t i = g->inputs; i < g->nodes; i++)
        if (g->node[i].spec.flags & TN_RANDOM) return true;
    for (int32_t i = 0; i < g->params; i++)
        if (g->param[i].parametrization && (g->param[i].parametrized.flags & TN_RANDOM))
            return true;
    return false;
}

/* Steps of its own for each seed, far from those that training counts. */
static uint64_t step_of(uint64_t seed, int32_t pass)
{
    const tn_key key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    const tn_key drawn = tn_key_derive(key, (uint64_t)pass, 0x6d63 /* "mc" */);
    return drawn.word[0] | (uint64_t)drawn.word[1] << 32;
}

static void add_pass(const spread *s, int64_t n, int32_t passes)
{
    for (int64_t i = 0; i < n; i++) {
        const double off = (double)s->y[i] - s->mean[i];
        s->mean[i] += off / passes;
        s->squares[i] += off * ((double)s->y[i] - s->mean[i]);
    }
}

static tn_status spread_chunk(const tn_model *m, tn_idle_plan *p, const float *const *x,
                              const tn_monte_carlo *way, tn_pass pass, const spread *s,
                              tn_error *e)
{
    const int64_t n = pass.samples * tn_shape_count(tn_model_output(m));
    tn_status status = TN_OK;
    for (int64_t i = 0; i < n; i++) s->mean[i] = s->squares[i] = 0;
    pass.draws = true;
    for (int32_t k = 0; !status && k < way->passes; k++) {
        pass.step = step_of(way->seed, k);
        status = predict_chunk(m, p, x, &pass, s->y, e);
        if (!status) add_pass(s, n, k + 1);
    }
    return status;
}

static tn_status take_spread(const tn_model *m, spread *s, tn_error *e)
{
    tn_memory *memory = &m->env->memory;
    int64_t n;
    if (!tn_size_mul(m->chunk, tn_shape_count(tn_model_output(m)), &n)) n = -1;
    s->mean = tn_memory_array(memory, (size_t)n, sizeof *s->mean, e);
    if (s->mean) s->squares = tn_memory_array(memory, (size_t)n, sizeof *s->squares, e);
    if (s->squares) s->y = tn_memory_array(memory, (size_t)n, sizeof *s->y, e);
    return s->y ? TN_OK : TN_ENOMEM;
}

static void put_spread(const tn_model *m, const spread *s)
{
    tn_memory_put(&m->env->memory, s->mean);
    tn_memory_put(&m->env->memory, s->squares);
    tn_memory_put(&m->env->memory, s->y);
}

static tn_status check_way(const tn_model *m, const tn_monte_carlo *way, tn_error *e)
{
    if (way->passes < 2)
        return tn_error_set(e, TN_EINVAL,
                            "%d passes, but a standard deviation needs 2 at least",
                            way->passes);
    if (draws(m->graph)) return TN_OK;
    return tn_error_set(e, TN_EINVAL,
                        "no layer of the model draws random numbers in training, so all "
                        "passes would be the same; dropout is one that does");
}

static tn_idle_plan *make_drawing(tn_model *m, tn_error *e)
{
    pthread_mutex_lock(&m->lock);
    tn_idle_plan *p = make_plan(m, true, e);
    pthread_mutex_unlock(&m->lock);
    return p;
}

tn_status tn_model_predict_monte_carlo(const tn_model *model, const float *const *x,
                                       int64_t samples, const tn_monte_carlo *way,
                                       float *mean, float *deviation, tn_error *e)
{
    tn_model *m = (tn_model *)(uintptr_t)model;
    const int64_t size = tn_shape_count(tn_model_output(m));
    spread s = {0};
    tn_status status = check_arrays(m, x, samples, deviation ? mean : NULL, e);
    if (!status) status = check_way(m, way, e);
    if (status) return status;
    tn_idle_plan *p = make_drawing(m, e);
    if (!p) return TN_ENOMEM;
    status = take_spread(m, &s, e);
    for (int64_t done = 0; !status && done < samples; done += m->chunk) {
        const tn_pass pass = pass_at(m, done, samples);
        status = spread_chunk(m, p, x, way, pass, &s, e);
        for (int64_t i = 0; !status && i < pass.samples * size; i++) {
            mean[done * size + i] = (float)s.mean[i];
            deviation[done * size + i] = (float)sqrt(s.squares[i] / (way->passes - 1));
        }
    }
    put_spread(m, &s);
    free_plan(m, p);
    return status;
}
