/* weight_stats - a row for each parameter and epoch in run_dir/weight_stats.csv: smallest and largest
 * value, mean magnitude, how many are exactly zero, how many are not finite, and a histogram: counts in
 * `bins` intervals of equal width from the smallest to the largest.
 *
 * Weights that grow without end overfit, those a penalty has set to zero are exact zeros: Hastie,
 * Tibshirani, Friedman, The Elements of Statistical Learning, 2009, sec. 3.4. */
#include <tenon/plugin.h>

#include "table.h"

#define OPTIONS(P) P(INT, bins, TN_POSITIONAL, 10, 1, 100, "intervals of the histogram")
TN_SELF(OPTIONS, )

#ifndef WEIGHT_STATS_ONCE
#define WEIGHT_STATS_ONCE
typedef struct summary {
    double min, max, magnitude;
    int64_t zeros, bad, bin[100];
} summary;
#endif

static summary TN(summarize)(const tn_real *w, int64_t n, int64_t bins)
{
    summary s = {.min = INFINITY, .max = -INFINITY};
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)w[i];
        s.zeros += v == 0;
        s.bad += !isfinite(v);
        if (!isfinite(v)) continue;
        s.min = v < s.min ? v : s.min, s.max = v > s.max ? v : s.max;
        s.magnitude += fabs(v);
    }
    if (s.bad < n) s.magnitude /= (double)(n - s.bad);
    const double width = (s.max - s.min) / (double)bins;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite((double)w[i])) continue;
        const double at = width > 0 ? ((double)w[i] - s.min) / width : 0;
        s.bin[at < (double)bins ? (int64_t)at : bins - 1]++;
    }
    return s;
}

static tn_status TN(start)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    return table_start(c, event, "weight_stats.csv", numbers);
}

static tn_status TN(epoch)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    const int64_t bins = ((const TN(self) *)me)->bins;
    table t;
    const tn_status status = table_open(c, event, "weight_stats.csv", numbers, &t);
    if (status || !t.file) return status;
    if (t.fresh) {
        fputs("epoch,parameter,min,max,mean_magnitude,zeros,not_finite", t.file);
        for (int64_t k = 1; k <= bins; k++) fprintf(t.file, ",bin_%lld", (long long)k);
        fputc('\n', t.file);
    }
    for (int32_t i = 0; i < event->params; i++) {
        const tn_seen_param *p = &event->param[i];
        const summary s = TN(summarize)(p->value->data, tn_count(p->value), bins);
        fprintf(t.file, "%lld,%s,%.9g,%.9g,%.9g,%lld,%lld", (long long)event->epoch,
                p->name, s.min, s.max, s.magnitude, (long long)s.zeros, (long long)s.bad);
        for (int64_t k = 0; k < bins; k++) fprintf(t.file, ",%lld", (long long)s.bin[k]);
        fputc('\n', t.file);
    }
    return table_close(c, &t, numbers);
}

TN_VTABLE(observer, .numbers = 1, .start = TN(start), .epoch = TN(epoch))
TN_PLUGIN_WITH(
    OPTIONS, observer, weight_stats,
    .summary = "range, magnitude, exact zeros and histogram of each parameter",
    .formula = "min w, max w, mean |w|, count of w = 0, counts in equal intervals",
    .reference = "Hastie, Tibshirani, Friedman, The Elements of Statistical "
                 "Learning, 2009, sec. 3.4")
