/* metrics.h - what the suites of metrics share: a metric over a set that comes in batches, in double and
 * in float, and random sets of classes. */
#ifndef TESTS_SUPPORT_METRICS_H
#define TESTS_SUPPORT_METRICS_H

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "core/real/bridge.h"
#include "note.h"

/* A set: rows of outputs that are `are`, and for each row a label or `width` numbers (or one). */
typedef struct metric_set {
    int64_t rows, width;
    int32_t are;
    double *y, *target;
    int32_t *label;
} metric_set;

static tn_metric_size metric_size(const tn_instance *m, const metric_set *s)
{
    const tn_shape shape = check_shape(1, s->width, 0, 0);
    const tn_outputs out = {.shape = shape, .are = s->are};
    const tn_field_spec spec = {.real = s->target != NULL,
                                .shape = s->target ? shape : (tn_shape){0}},
                        *field = &spec;
    tn_metric_size size = {0};
    cr_assert_eq(
        tn_bridge_of(m->real)->metric_infer(m, check_call(), &out, &field, &size), TN_OK,
        "%s", check_message());
    return size;
}

static float *metric_floats(const double *from, int64_t n)
{
    float *to = from ? check_room(n, sizeof *to) : NULL;
    for (int64_t i = 0; to && i < n; i++) to[i] = (float)from[i];
    return to;
}

static void metric_batch(const tn_instance *m, const metric_set *s, int64_t first,
                         int64_t rows, double *sum, double *kept)
{
    const tn_shape shape = check_shape(1, s->width, 0, 0);
    const tn_tile t = {
        .n = rows * s->width, .width = s->width, .rows_per_sample = 1, .shape = &shape};
    const int64_t n = s->rows * s->width, at = first * s->width;
    tn_field field = {.width = s->target ? s->width : 1,
                      .label = s->label ? s->label + first : NULL};
    if (m->real) {
        field.real = s->target ? s->target + at : NULL;
        ((const tn_metric *)m->vtable)->rows(m->self, &t, s->y + at, &field, sum, kept);
        return;
    }
    /* The float half has the same slots, but for what they read. */
    void (*rows_of_floats)(const void *, const tn_tile *, const void *, const tn_field *,
                           double *, double *);
    memcpy(&rows_of_floats, &((const tn_metric *)m->vtable)->rows, sizeof rows_of_floats);
    float *target = metric_floats(s->target, n);
    field.real = target ? target + at : NULL;
    rows_of_floats(m->self, &t, metric_floats(s->y, n) + at, &field, sum, kept);
}

/* Its value (NAN if it has none) and, unless NULL, its table, of the set in batches of `batch`. */
static double metric_of(const char *name, const char *options, const metric_set *s,
                        int64_t batch, int32_t real, double *table)
{
    const tn_instance *m = check_plugin("metric", name, options, real);
    const tn_bridge *bridge = tn_bridge_of(real);
    const tn_metric_size size = metric_size(m, s);
    double *sum = check_room(size.sums + 1, sizeof *sum),
           *kept = size.kept ? check_room(size.kept * s->rows, sizeof *kept) : NULL;
    for (int64_t i = 0; i < s->rows; i += batch)
        metric_batch(m, s, i, s->rows - i < batch ? s->rows - i : batch, sum,
                     kept ? kept + i * size.kept : NULL);
    const tn_seen seen = {sum, kept, s->rows};
    if (table) bridge->metric_table(m, &seen, table);
    return bridge->metric_has_value(m) ? bridge->metric_value(m, &seen) : NAN;
}

/* What infer says to it. */
__attribute__((unused)) static void metric_refuses(const char *name, const char *options,
                                                   tn_shape shape, tn_field_spec spec,
                                                   const char *words)
{
    const tn_instance *m = check_plugin("metric", name, options, 1);
    const tn_outputs out = {.shape = shape};
    const tn_field_spec *field = &spec;
    tn_metric_size size = {0};
    cr_assert_neq(tn_bridge_of(1)->metric_infer(m, check_call(), &out, &field, &size),
                  TN_OK, "accepted: %s", words);
    cr_assert_not_null(strstr(check_message(), words), "%s", check_message());
}

/* Labels below `width` (2 for one output); outputs are eighths, so that many are equal, and the same in
 * both precisions. */
__attribute__((unused)) static metric_set metric_random(uint32_t seed, int64_t rows,
                                                        int64_t width)
{
    metric_set s = {.rows = rows, .width = width};
    const int64_t classes = width > 1 ? width : 2;
    s.y = check_room(rows * width, sizeof *s.y);
    s.label = check_room(rows, sizeof *s.label);
    check_random(s.y, rows * width, seed);
    for (int64_t i = 0; i < rows * width; i++) s.y[i] = floor(16 * s.y[i]) / 8;
    for (int64_t i = 0; i < rows; i++)
        s.label[i] = (int32_t)check_draw(seed, (int32_t)i, 0, classes - 1);
    return s;
}

/* The class that a row is taken for: the first of the largest. */
__attribute__((unused)) static int32_t metric_taken(const metric_set *s, int64_t row)
{
    const double *y = s->y + row * s->width;
    int32_t best = 0;
    if (s->width == 1) return y[0] > 0;
    for (int32_t k = 1; k < s->width; k++)
        if (y[k] > y[best]) best = k;
    return best;
}

/* For 24 random sets of classes, in batches of any size and both precisions: metric == truth(set). */
__attribute__((unused)) static void metric_agrees(const char *name, const char *options,
                                                  int64_t least, int64_t most,
                                                  double (*truth)(const metric_set *))
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        const metric_set s = metric_random(seed, check_draw(seed, 1000, 2, 90),
                                           check_draw(seed, 1001, least, most));
        const double want = truth(&s);
        for (int32_t real = 0; real < 2; real++) {
            const double got = metric_of(
                name, options, &s, check_draw(seed, 1002 + real, 1, 40), real, NULL);
            note_values(&got, &want, 1, real);
            cr_assert(fabs(got - want) <= 1e-12 * (1 + fabs(want)) ||
                          (isnan(got) && isnan(want)),
                      "%s, set %u: %.15g, not %.15g", name, seed, got, want);
        }
    }
}

/* In both precisions, within `bound`. */
TN_UNUSED static void metric_is(const char *name, const char *options,
                                const metric_set *s, double want, double bound)
{
    for (int32_t real = 0; real < 2; real++) {
        const double got = metric_of(name, options, s, 7, real, NULL);
        note_values(&got, &want, 1, real);
        cr_assert_float_eq(got, want, bound, "%s: %.15g, not %.15g", name, got, want);
    }
}

/* ---- means of errors ------------------------------------------------------------------ */

/* Of random sets that come in batches: the mean of `error` of the differences. */
TN_UNUSED static void metric_is_the_mean_of(const char *metric, double (*error)(double))
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        metric_set s = metric_random(seed, check_draw(seed, 1000, 1, 90),
                                     check_draw(seed, 1001, 1, 9));
        const int64_t n = s.rows * s.width;
        double sum = 0;
        s.target = check_room(n, sizeof *s.target), s.label = NULL;
        check_random(s.target, n, seed + 50);
        for (int64_t i = 0; i < n; i++) {
            s.target[i] = (double)(float)s.target[i];
            sum += error(s.y[i] - s.target[i]);
        }
        metric_is(metric, NULL, &s, sum / (double)n, 1e-13 * sum);
    }
}

#endif
