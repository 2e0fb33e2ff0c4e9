/* activation_stats - every so many updates, a row for each layer in run_dir/activation_stats.csv: mean
 * and deviation of its outputs on the batch, the share of them that is saturated (in the outer 5 % of the
 * layer's range at either end, of layers that have one: sigmoid, tanh and their like; else empty), and
 * the share of features that are dead: exactly 0 for the whole batch.
 *
 * Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
 * 2010, sec. 3 and figures 2 and 3 (saturation, layer by layer). Looking makes the forward pass of that
 * step a second time. */
#include <tenon/plugin.h>
#include <tenon/math.h>

#include "table.h"

#define OPTIONS(P) \
    P(INT, every, TN_POSITIONAL, 100, 1, INT64_MAX, "updates from one look to the next")
TN_SELF(OPTIONS, )

static int64_t TN(interval)(const void *me)
{
    return ((const TN(self) *)me)->every;
}

static int32_t TN(wants)(const void *me)
{
    return TN_WANTS_OUTPUTS;
}

TN_KERNEL double TN(mean)(const tn_real *y, int64_t n)
{
    return TN_SUM(i, n, (double)y[i]) / (double)n;
}

TN_KERNEL double TN(deviation)(const tn_real *y, int64_t n, double mean)
{
    return sqrt(TN_SUM(i, n, ((double)y[i] - mean) * ((double)y[i] - mean)) / (double)n);
}

static double TN(saturated)(const tn_real *y, int64_t n, const tn_seen_output *o)
{
    const double outer = 0.05 * (o->high - o->low), low = o->low + outer,
                 high = o->high - outer;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += (double)y[i] < low || (double)y[i] > high;
    return (double)count / (double)n;
}

static double TN(dead)(const tn_real *y, int64_t rows, int64_t width)
{
    int64_t count = 0;
    for (int64_t j = 0; j < width; j++) {
        int64_t row = 0;
        while (row < rows && y[row * width + j] == 0) row++;
        count += row == rows;
    }
    return (double)count / (double)width;
}

static void TN(put_row)(FILE *file, const tn_event *event, const tn_seen_output *o)
{
    const tn_real *y = o->value->data;
    const int64_t n = tn_count(o->value), width = o->value->dim[o->value->rank - 1];
    const double mean = TN(mean)(y, n);
    fprintf(file, "%lld,%s,%s,%.9g,%.9g,", table_step(event), o->name, o->layer, mean,
            TN(deviation)(y, n, mean));
    if (o->low < o->high && isfinite(o->high - o->low))
        fprintf(file, "%.9g", TN(saturated)(y, n, o));
    fprintf(file, ",%.9g\n", TN(dead)(y, n / width, width));
}

static tn_status TN(start)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    return table_start(c, event, "activation_stats.csv", numbers);
}

static tn_status TN(step)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                          double *numbers)
{
    table t;
    const tn_status status = table_open(c, event, "activation_stats.csv", numbers, &t);
    if (status || !t.file) return status;
    if (t.fresh) fputs("step,layer,plugin,mean,std,saturated,dead\n", t.file);
    for (int32_t i = 0; i < event->outputs; i++)
        TN(put_row)(t.file, event, &event->output[i]);
    return table_close(c, &t, numbers);
}

TN_VTABLE(observer, .numbers = 1, .start = TN(start), .step = TN(step),
          .interval = TN(interval), .wants = TN(wants))
TN_PLUGIN_WITH(OPTIONS, observer, activation_stats,
               .summary = "mean, deviation, saturated and dead shares of layers' outputs",
               .formula =
                   "mean y, std y, share of y in the outer 5 % of the range, share of "
                   "features with y = 0 for the whole batch",
               .reference = "Glorot and Bengio, AISTATS 2010, sec. 3")
