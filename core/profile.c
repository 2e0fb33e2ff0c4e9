/* profile.c - where the time of training steps goes: steps with a watch on every part. */
#include <stdlib.h>
#include <string.h>

#include "core/trainer.h"

/* ---- steps --------------------------------------------------------------------------- */

/* A batch that nobody gave: random numbers, as labels or values. */
typedef struct made_up {
    float *x[TN_MOST_INPUTS], *values;
    int32_t *labels; /* NULL once the loss has turned out to want values */
} made_up;

typedef struct profiling {
    tn_trainer *t;
    int64_t samples, steps;
    made_up batch;
    int32_t groups;  /* of the plan */
    tn_spent *spent; /* of each group, of what is watched beside the plan, of the rest */
    double *second;  /* of each of these, of the rest and of the whole: of every step */
} profiling;

static tn_status make_input(const profiling *p, int32_t i, float **x, tn_error *e)
{
    const tn_key key = {{1, (uint32_t)i}};
    int64_t values;
    if (!tn_size_mul(p->samples, tn_shape_count(tn_model_input_shape(p->t->model, i)),
                     &values))
        return tn_error_set(e, TN_ENOMEM, "%lld samples are too many",
                            (long long)p->samples);
    *x = tn_memory_array(&p->t->env->memory, (size_t)values, sizeof **x, e);
    for (int64_t k = 0; *x && k < values; k++)
        (*x)[k] = 2 * (float)tn_random_uniform(key, (uint64_t)k) - 1;
    return *x ? TN_OK : TN_ENOMEM;
}

static tn_status make_batch(profiling *p, tn_error *e)
{
    tn_memory *m = &p->t->env->memory;
    const tn_shape *out = tn_model_output(p->t->model);
    const int64_t width = tn_shape_width(out);
    const tn_key key = {{1, 0}};
    int64_t outputs;
    if (!tn_size_mul(p->samples, tn_shape_count(out), &outputs))
        return tn_error_set(e, TN_ENOMEM, "%lld samples are too many",
                            (long long)p->samples);
    made_up *b = &p->batch;
    b->values = tn_memory_array(m, (size_t)outputs, sizeof *b->values, e);
    b->labels = tn_memory_array(m, (size_t)outputs, sizeof *b->labels, e);
    if (!b->values || !b->labels) return TN_ENOMEM;
    for (int64_t i = 0; i < outputs; i++) {
        const double draw = tn_random_uniform(key, (uint64_t)i);
        b->values[i] = (float)draw;
        b->labels[i] = (int32_t)(draw * (double)(width < 2 ? 2 : width));
    }
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < tn_model_inputs(p->t->model); i++)
        status = make_input(p, i, &b->x[i], e);
    return status;
}

/* As epochs go on: an epoch that ends here tells nobody. */
static tn_status step_on_data(tn_trainer *t, tn_error *e)
{
    const tn_status status = tn_trainer_update(t, e);
    if (status || t->place.in_epoch < t->place.steps_per_epoch) return status;
    t->place.epoch++;
    t->place.in_epoch = 0;
    memset(t->sums, 0, (size_t)t->judge->sums * sizeof *t->sums);
    return TN_OK;
}

static tn_status step(profiling *p, tn_error *e)
{
    if (p->t->feed) return step_on_data(p->t, e);
    const made_up *b = &p->batch;
    const float *x[TN_MOST_INPUTS];
    memcpy(x, b->x, sizeof x);
    return tn_trainer_step_inputs(p->t, x, b->labels ? NULL : b->values, b->labels,
                                  p->samples, NULL, e);
}

/* Only trying tells whether the loss reads labels: then there is a judge. */
static tn_status warm_up(profiling *p, tn_error *e)
{
    tn_error tried = {0};
    const tn_status status = step(p, &tried);
    if (status && !p->t->feed && !p->t->judge) {
        tn_memory_put(&p->t->env->memory, p->batch.labels);
        p->batch.labels = NULL;
        return step(p, e);
    }
    if (status && e) *e = tried;
    return status;
}

static void watch(profiling *p, bool on)
{
    tn_plan_watch(p->t->plan, on ? p->spent : NULL);
    for (int32_t i = 0; i < TN_WATCHED; i++)
        p->t->watch[i] = on ? &p->spent[p->groups + i] : NULL;
}

/* What step i took of each part. */
static void note(profiling *p, int64_t i, double whole)
{
    const int32_t parts = p->groups + TN_WATCHED;
    double rest = whole;
    for (int32_t k = 0; k < parts; k++) {
        p->second[k * p->steps + i] = p->spent[k].seconds;
        rest -= p->spent[k].seconds;
        p->spent[k].seconds = 0;
    }
    p->second[parts * p->steps + i] = rest;
    p->second[(parts + 1) * p->steps + i] = whole;
}

static tn_status run(profiling *p, tn_error *e)
{
    tn_memory *m = &p->t->env->memory;
    tn_status status = TN_OK;
    int64_t times;
    p->groups = tn_plan_groups(p->t->plan);
    if (!tn_size_mul(p->groups + TN_WATCHED + 2, p->steps, &times)) times = -1;
    p->spent = tn_memory_array(m, (size_t)p->groups + TN_WATCHED + 1, sizeof *p->spent,
                               e);
    p->second = tn_memory_array(m, (size_t)times, sizeof *p->second, e);
    if (!p->spent || !p->second) return TN_ENOMEM;
    watch(p, true);
    for (int64_t i = 0; !status && i < p->steps; i++) {
        const double began = tn_seconds();
        status = step(p, e);
        note(p, i, tn_seconds() - began);
    }
    watch(p, false);
    return status;
}

/* ---- what came out ------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the times of a part and gives the one in the middle. */
static double middle_of(const profiling *p, int32_t part)
{
    double *second = p->second + part * p->steps;
    qsort(second, (size_t)p->steps, sizeof *second, by_value);
    return second[p->steps / 2];
}

static void add_cost(const profiling *p, tn_profile *to, const char *name, int32_t part,
                     double bytes)
{
    tn_cost *c = &p->t->cost[to->costs];
    *c = (tn_cost){.part = name,
                   .name = p->t->cost_name[to->costs],
                   .seconds = middle_of(p, part),
                   .operations = p->spent[part].operations / (double)p->steps,
                   .bytes = bytes};
    to->costs++;
}

static size_t bytes_of(const tn_tensor *t)
{
    return (size_t)tn_count(t) * tn_dtype_size(t->dtype);
}

static void sum_memory(const tn_trainer *t, tn_profile *to)
{
    char name[192];
    tn_tensor tensor;
    const char *of;
    for (int32_t i = 0; tn_model_part(t->model, i, &of, &tensor); i++)
        to->parameters += bytes_of(&tensor);
    for (int32_t i = 0; tn_updater_slot(t->updater, i, name, &tensor); i++)
        to->slots += bytes_of(&tensor);
    const tn_plan_size size = tn_plan_memory(t->plan);
    to->gradients = size.gradients;
    to->values = size.shared, to->values_least = size.least;
}

/* Weights, gradients and slots are read, weights and slots written: of those parameters whose
 * gradients are stored, the others being updated where they are made. */
static double update_bytes(const tn_trainer *t, const tn_profile *known)
{
    double all = 0, stored = 0;
    for (int32_t i = 0; i < t->model->graph->params; i++) {
        const tn_tensor g = tn_plan_gradient(t->plan, i);
        if (t->model->graph->param[i].rule.frozen) continue;
        all += (double)bytes_of(&g);
        if (g.data) stored += (double)bytes_of(&g);
    }
    return all > 0 ? stored * (3 + 2 * (double)known->slots / all) : 0;
}

static void add_parts(const profiling *p, tn_profile *to)
{
    static const char *const pass[] = {"forward", "loss", "backward", "again"};
    tn_trainer *t = p->t;
    if (t->feed) add_cost(p, to, "data", p->groups + TN_WATCH_DATA, 0);
    for (int32_t i = 0; i < p->groups; i++) {
        tn_plan_name(t->plan, i, t->cost_name[to->costs], TN_COST_NAME);
        add_cost(p, to, pass[tn_plan_pass_of(t->plan, i)], i,
                 tn_plan_bytes(t->plan, i, to->samples));
    }
    add_cost(p, to, "update", p->groups + TN_WATCH_UPDATE, update_bytes(t, to));
    add_cost(p, to, "rest", p->groups + TN_WATCHED, 0);
}

static tn_status tell(profiling *p, tn_profile *to, tn_error *e)
{
    tn_trainer *t = p->t;
    const size_t most = (size_t)p->groups + TN_WATCHED + 1;
    tn_trainer_profile_free(t);
    t->cost = tn_memory_array(&t->env->memory, most, sizeof *t->cost, e);
    t->cost_name = tn_memory_array(&t->env->memory, most, sizeof *t->cost_name, e);
    if (!t->cost || !t->cost_name) return TN_ENOMEM;
    const int32_t whole = p->groups + TN_WATCHED + 1;
    *to = (tn_profile){.samples = t->feed ? tn_feed_batch_size(t->feed) * t->accumulate
                                          : p->samples,
                       .steps = p->steps,
                       .median = middle_of(p, whole),
                       .cost = t->cost};
    to->least = p->second[whole * p->steps];
    sum_memory(t, to);
    add_parts(p, to);
    return TN_OK;
}

/* ---- the whole ----------------------------------------------------------------------- */

void tn_trainer_profile_free(tn_trainer *t)
{
    tn_memory_put(&t->env->memory, t->cost);
    tn_memory_put(&t->env->memory, t->cost_name);
    t->cost = NULL, t->cost_name = NULL;
}

static void close(profiling *p)
{
    tn_memory *m = &p->t->env->memory;
    for (int32_t i = 0; i < TN_MOST_INPUTS; i++) tn_memory_put(m, p->batch.x[i]);
    tn_memory_put(m, p->batch.values);
    tn_memory_put(m, p->batch.labels);
    tn_memory_put(m, p->spent);
    tn_memory_put(m, p->second);
}

tn_status tn_trainer_profile(tn_trainer *t, int64_t samples, int64_t steps,
                             tn_profile *profile, tn_error *e)
{
    profiling p = {.t = t, .samples = samples, .steps = steps};
    if (steps < 1 || (!t->feed && samples < 1))
        return tn_error_set(e, TN_EINVAL, "%lld steps of %lld samples", (long long)steps,
                            (long long)samples);
    tn_status status = t->feed ? TN_OK : make_batch(&p, e);
    if (!status) status = warm_up(&p, e);
    if (!status) status = run(&p, e);
    if (!status) status = tell(&p, profile, e);
    close(&p);
    return status;
}
