/* bench.c - `tenon bench`: where the time and the memory of training steps go. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/peak.h"

enum { FIRST_STEPS = 3, MOST_STEPS = 10000, SAMPLES = 32 };
#define SECONDS 1.0
#define MIB (1024.0 * 1024)

typedef struct measured {
    tn_profile profile;
    double peak; /* GFLOP/s of all threads; 0: not known */
    int32_t threads;
    bool is_double;
} measured;

static double rate(double amount, double seconds)
{
    return seconds > 0 ? 1e-9 * amount / seconds : 0;
}

static double operations_of(const tn_profile *p)
{
    double sum = 0;
    for (int32_t i = 0; i < p->costs; i++) sum += p->cost[i].operations;
    return sum;
}

static double mean_of(const tn_profile *p)
{
    double sum = 0;
    for (int32_t i = 0; i < p->costs; i++) sum += p->cost[i].seconds;
    return sum;
}

/* ---- as a table ------------------------------------------------------------------------ */

enum { PART, LAYERS, MICROSECONDS, SHARE, GFLOPS, OF_PEAK, MBYTES, GBYTES, COLUMNS };

static void head_cell(int32_t column, char *to, size_t size)
{
    static const char *const head[] = {"part",    "layers",  "us", "share",
                                       "GFLOP/s", "of peak", "MB", "GB/s"};
    snprintf(to, size, "%s", head[column]);
}

/* Nothing where there is nothing to say. */
static void number_cell(double value, const char *format, char *to, size_t size)
{
    to[0] = 0;
    if (value > 0) snprintf(to, size, format, value);
}

static void cost_cell(const void *with, int32_t row, int32_t column, char *to,
                      size_t size)
{
    const measured *m = with;
    if (row < 0) {
        head_cell(column, to, size);
        return;
    }
    const tn_cost *c = &m->profile.cost[row];
    const double gflops = rate(c->operations, c->seconds);
    switch (column) {
    case PART: snprintf(to, size, "%s", c->part); break;
    case LAYERS: snprintf(to, size, "%s", c->name); break;
    case MICROSECONDS: snprintf(to, size, "%.1f", 1e6 * c->seconds); break;
    case SHARE:
        snprintf(to, size, "%.1f%%", 100 * c->seconds / mean_of(&m->profile));
        break;
    case GFLOPS: number_cell(gflops, "%.1f", to, size); break;
    case OF_PEAK:
        number_cell(m->peak > 0 ? 100 * gflops / m->peak : 0, "%.0f%%", to, size);
        break;
    case MBYTES: number_cell(1e-6 * c->bytes, "%.2f", to, size); break;
    default: number_cell(rate(c->bytes, c->seconds), "%.1f", to, size); break;
    }
}

static void print(const measured *m)
{
    const tn_profile *p = &m->profile;
    const double gflops = rate(operations_of(p), p->median);
    const uint32_t right = (1U << COLUMNS) - (1U << MICROSECONDS);
    cli_table(p->costs, COLUMNS, right, cost_cell, m);
    printf("\nstep      %.1f us in the middle, %.1f us at least; %lld steps of %lld "
           "samples, %d thread%s\n",
           1e6 * p->median, 1e6 * p->least, (long long)p->steps, (long long)p->samples,
           (int)m->threads, m->threads > 1 ? "s" : "");
    printf("products  %.1f GFLOP/s", gflops);
    if (m->peak > 0)
        printf(", %.0f%% of the processor's %.0f (%s)", 100 * gflops / m->peak, m->peak,
               m->is_double ? "double" : "float");
    printf("\nmemory    %.2f MiB: parameters %.2f, slots of the optimizer %.2f, "
           "gradients %.2f,\n"
           "          values and scratch %.2f (needed at one time: %.2f)\n",
           (double)(p->parameters + p->slots + p->gradients + p->values) / MIB,
           (double)p->parameters / MIB, (double)p->slots / MIB,
           (double)p->gradients / MIB, (double)p->values / MIB,
           (double)p->values_least / MIB);
}

/* ---- as JSON --------------------------------------------------------------------------- */

static void emit_cost(const tn_cost *c)
{
    json_object *event = cli_event("cost");
    cli_json_text(event, "part", c->part);
    cli_json_text(event, "layers", c->name);
    cli_json_number(event, "seconds", c->seconds);
    cli_json_number(event, "operations", c->operations);
    cli_json_number(event, "bytes", c->bytes);
    cli_emit(event);
}

static void emit(const measured *m)
{
    const tn_profile *p = &m->profile;
    for (int32_t i = 0; i < p->costs; i++) emit_cost(&p->cost[i]);
    json_object *event = cli_event("bench");
    cli_json_int(event, "threads", m->threads);
    cli_json_int(event, "samples", p->samples);
    cli_json_int(event, "steps", p->steps);
    cli_json_number(event, "seconds", p->median);
    cli_json_number(event, "seconds_least", p->least);
    cli_json_number(event, "operations", operations_of(p));
    cli_json_number(event, "gflops", rate(operations_of(p), p->median));
    cli_json_number(event, "peak_gflops", m->peak);
    cli_json_int(event, "parameter_bytes", (int64_t)p->parameters);
    cli_json_int(event, "slot_bytes", (int64_t)p->slots);
    cli_json_int(event, "gradient_bytes", (int64_t)p->gradients);
    cli_json_int(event, "value_bytes", (int64_t)p->values);
    cli_json_int(event, "value_bytes_least", (int64_t)p->values_least);
    cli_emit(event);
}

/* ---- measuring ------------------------------------------------------------------------- */

/* As many steps as fill the time. */
static int64_t steps_that_fit(const tn_profile *few)
{
    const double steps = SECONDS / (few->median > 0 ? few->median : 1e-6);
    return steps < FIRST_STEPS ? FIRST_STEPS
                               : (int64_t)(steps < MOST_STEPS ? steps : MOST_STEPS);
}

static int measure(const cli_options *o, tn_env *env, tn_trainer *trainer,
                   tn_error *error)
{
    measured m = {.is_double = tn_model_precision(tn_trainer_model(trainer)) == TN_F64};
    const int64_t samples = o->batch ? o->batch : SAMPLES;
    tn_env_info info = {0};
    tn_profile *p = &m.profile;
    if (tn_env_info_get(env, &info, error) ||
        tn_trainer_profile(trainer, samples, o->steps ? o->steps : FIRST_STEPS, p, error))
        return CLI_ERROR;
    if (!o->steps && tn_trainer_profile(trainer, samples, steps_that_fit(p), p, error))
        return CLI_ERROR;
    m.threads = info.threads;
    m.peak = cli_peak_of_thread(m.is_double) * m.threads;
    if (o->json)
        emit(&m);
    else
        print(&m);
    return CLI_DONE;
}

int cli_bench(const cli_options *o, tn_error *error)
{
    if (cli_check_config(o, o->operand[0], error)) return CLI_ERROR;
    tn_env *env = cli_env(o, error);
    tn_config *config = env ? tn_config_load(env, o->operand[0], o->set, o->sets, error)
                            : NULL;
    tn_trainer *trainer = config ? tn_trainer_new(env, config, NULL, error) : NULL;
    const int status = trainer ? measure(o, env, trainer, error) : CLI_ERROR;
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
    return status;
}
