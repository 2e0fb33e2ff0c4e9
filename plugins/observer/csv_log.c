/* csv_log - one row an epoch in run_dir/metrics.csv: epoch, the epoch's values, learning rate,
 * seconds. */
#include <tenon/plugin.h>

#include "table.h"

#ifndef CSV_LOG_ONCE
#define CSV_LOG_ONCE

static tn_status start(const void *self, tn_call *c, tn_run *run, const tn_event *event,
                       double *numbers)
{
    return table_start(c, event, "metrics.csv", numbers);
}

static void put_header(FILE *file, const tn_event *event)
{
    fputs("epoch", file);
    for (int32_t i = 0; i < event->values; i++)
        fprintf(file, ",%s", event->value[i].name);
    fputs(",learning_rate,seconds\n", file);
}

static tn_status epoch(const void *self, tn_call *c, tn_run *run, const tn_event *event,
                       double *numbers)
{
    table t;
    const tn_status status = table_open(c, event, "metrics.csv", numbers, &t);
    if (status || !t.file) return status;
    if (t.fresh) put_header(t.file, event);
    fprintf(t.file, "%lld", (long long)event->epoch);
    for (int32_t i = 0; i < event->values; i++)
        fprintf(t.file, ",%.9g", event->value[i].value);
    fprintf(t.file, ",%.9g,%.3f\n", event->learning_rate, event->seconds);
    return table_close(c, &t, numbers);
}
#endif

TN_VTABLE(observer, .numbers = 1, .start = start, .epoch = epoch)
TN_PLUGIN(observer, csv_log, .summary = "a row an epoch in the run folder's metrics.csv",
          .formula = "epoch, values, learning_rate, seconds",
          .reference = "RFC 4180, Common format for comma-separated values files")
