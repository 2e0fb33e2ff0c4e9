/* score.c - losses and metrics over the rows of a batch. */
#include "core/real/score.h"
#include "core/real/kernel.h"

#include <math.h>

#define SCORE_ROWS \
    64 /* rows of a piece of work: whole samples, so that fields are, but no fewer */

typedef struct score_work {
    const tn_instance *instance;
    tn_call *call;
    const tn_shape *shape;
    const tn_pass *pass;
    const tn_real *y;
    const tn_field *field, *given; /* given: weights, as in unit.h */
    int64_t rows, width;
    tn_key key;
    double *value, *weight; /* of each row */
    tn_real *gy;
} score_work;

static int32_t count_fields(const char *const *fields)
{
    int32_t n = 0;
    while (fields && fields[n]) n++;
    return fields ? n : 1;
}

/* The fields of samples from `first` on. */
static void slice_fields(const tn_field *all, int32_t count, int64_t first,
                         tn_field *part)
{
    for (int32_t i = 0; i < count; i++) {
        part[i] = all[i];
        if (all[i].real) part[i].real = (tn_real *)all[i].real + first * all[i].width;
        if (all[i].label) part[i].label = all[i].label + first * all[i].width;
    }
}

static int64_t rows_per_sample(const score_work *w)
{
    return w->rows / w->pass->samples;
}

static tn_tile make_tile(const score_work *w, int64_t row, int64_t rows)
{
    const int64_t per_sample = rows_per_sample(w);
    return (tn_tile){.n = rows * w->width,
                     .width = w->width,
                     .row = w->pass->row * per_sample + row,
                     .rows_per_sample = per_sample,
                     .shape = w->shape,
                     .now = w->instance->now,
                     .key = w->key,
                     .training = w->pass->training};
}

/* The loss is the mean over rows: rows of all samples. */
static score_work make_work(const tn_instance *instance, const tn_shape *shape,
                            const tn_pass *pass, const void *y, const tn_field *field)
{
    return (score_work){.instance = instance,
                        .shape = shape,
                        .pass = pass,
                        .y = y,
                        .field = field,
                        .rows = pass->samples * tn_rows_per_sample(shape),
                        .width = tn_shape_width(shape)};
}

/* The data's weight of a row: there is one a row, or one a sample. */
static tn_real given_of(const score_work *w, int64_t row)
{
    const tn_real *given = w->given->real;
    const int64_t per_sample = rows_per_sample(w);
    return given[w->given->width == per_sample ? row : row / per_sample];
}

static tn_status weigh(const score_work *w, int64_t row, int64_t rows)
{
    const int64_t per_sample = rows_per_sample(w);
    for (int64_t i = row; i < row + rows; i++) {
        const tn_real by = given_of(w, i);
        if (by < 0)
            return tn_fail(w->call, TN_EDATA,
                           "the weight of sample %lld of the batch is %g; weights are "
                           "numbers from 0 up",
                           (long long)(w->pass->row + i / per_sample), (double)by);
        w->weight[i] *= (double)by;
    }
    return TN_OK;
}

static tn_status loss_rows(const score_work *w, int64_t row, int64_t rows)
{
    const tn_loss *loss = w->instance->vtable;
    tn_field part[TN_MAX_FIELDS];
    const tn_tile t = make_tile(w, row, rows);
    slice_fields(w->field, count_fields(loss->fields), row / rows_per_sample(w), part);
    for (int64_t i = row; i < row + rows; i++)
        w->weight[i] = !w->given || given_of(w, i) != 0;
    const tn_status status = loss->rows(
        w->instance->self, w->call, &t, w->y + row * w->width, part, w->value + row,
        w->weight + row, w->gy ? w->gy + row * w->width : NULL);
    return status || !w->given ? status : weigh(w, row, rows);
}

/* A row of weight 0 counts for nothing, not even when its value is NaN. */
static void sum_rows(const score_work *w, double *value, double *weight)
{
    *value = *weight = 0;
    for (int64_t i = 0; i < w->rows; i++) {
        if (w->weight[i] != 0) *value += w->weight[i] * w->value[i];
        *weight += w->weight[i];
    }
}

TN_KERNEL void TN(scale_run)(tn_real *g, int64_t n, tn_real factor)
{
    for (int64_t i = 0; i < n; i++) g[i] = factor != 0 ? g[i] * factor : 0;
}

/* Rows of the same weight, mostly all, at once. */
static void scale_rows(const score_work *w, double scale)
{
    for (int64_t i = 0, end; i < w->rows; i = end) {
        for (end = i + 1; end < w->rows && w->weight[end] == w->weight[i];) end++;
        TN(scale_run)
        (w->gy + i * w->width, (end - i) * w->width, (tn_real)(scale * w->weight[i]));
    }
}

tn_status TN(tn_score_loss)(const tn_instance *loss, const tn_shape *shape,
                            const tn_pass *pass, tn_key key, const void *y,
                            const tn_field *field, const tn_field *given, double scale,
                            double *row_values, void *gy, double *value, double *weight,
                            tn_error *e)
{
    tn_calling calling;
    score_work w = make_work(loss, shape, pass, y, field);
    w.call = tn_call_make(&calling, loss->env, loss, loss->real, e);
    w.key = tn_key_derive(key, pass->step, 0);
    w.value = row_values, w.weight = row_values + w.rows, w.gy = gy, w.given = given;
    tn_status status = TN_OK;
    const int64_t samples = (SCORE_ROWS - 1) / rows_per_sample(&w) + 1,
                  rows = samples * rows_per_sample(&w);
    for (int64_t row = 0; !status && row < w.rows; row += rows)
        status = loss_rows(&w, row, w.rows - row < rows ? w.rows - row : rows);
    if (tn_call_end(&calling, status)) return status;
    sum_rows(&w, value, weight);
    if (scale == 0) scale = *weight > 0 ? 1 / *weight : 0;
    if (gy) scale_rows(&w, scale);
    return TN_OK;
}

void TN(tn_score_metric)(const tn_instance *instance, const tn_shape *shape,
                         const tn_pass *pass, const void *y, const tn_field *field,
                         double *sums, double *kept)
{
    const tn_metric *metric = instance->vtable;
    const score_work w = make_work(instance, shape, pass, y, field);
    tn_field part[TN_MAX_FIELDS];
    slice_fields(field, count_fields(metric->fields), 0, part);
    const tn_tile t = make_tile(&w, 0, w.rows);
    metric->rows(instance->self, &t, w.y, part, sums, kept);
}
