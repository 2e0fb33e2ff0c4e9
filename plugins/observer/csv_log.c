/* csv_log - one row an epoch in run_dir/metrics.csv: epoch, the epoch's values, learning rate,
 * seconds.
 *
 * Invariant: numbers[0] is the length of the file in bytes. It is part of every checkpoint, so
 * a run that is resumed first cuts off rows written after its checkpoint. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#ifndef CSV_LOG_ONCE
#define CSV_LOG_ONCE

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tn_status complain(tn_call *c, const char *path)
{
    return tn_fail(c, TN_EIO, "%s: %s", path, strerror(errno));
}

static tn_status find_path(tn_call *c, const tn_event *event, char path[4096])
{
    const int n = snprintf(path, 4096, "%s/metrics.csv", event->run_dir);
    return n < 4096 ? TN_OK : tn_fail(c, TN_EINVAL, "the run folder's name is too long");
}

static tn_status start(const void *self, tn_call *c, tn_run *run, const tn_event *event,
                       double *numbers)
{
    char path[4096];
    struct stat found;
    if (!event->run_dir) return TN_OK;
    const tn_status status = find_path(c, event, path);
    if (status) return status;
    if (numbers[0] <= 0) {
        FILE *file = fopen(path, "w");
        return file && !fclose(file) ? TN_OK : complain(c, path);
    }
    if (stat(path, &found)) return complain(c, path);
    if ((double)found.st_size < numbers[0])
        return tn_fail(c, TN_EDATA, "%s is shorter than it was at the checkpoint", path);
    return truncate(path, (off_t)numbers[0]) ? complain(c, path) : TN_OK;
}

static bool put_header(FILE *file, const tn_event *event)
{
    bool ok = fputs("epoch", file) >= 0;
    for (int32_t i = 0; i < event->values; i++)
        ok &= fprintf(file, ",%s", event->value[i].name) > 0;
    return ok && fputs(",learning_rate,seconds\n", file) >= 0;
}

static bool put_row(FILE *file, const tn_event *event)
{
    bool ok = fprintf(file, "%lld", (long long)event->epoch) > 0;
    for (int32_t i = 0; i < event->values; i++)
        ok &= fprintf(file, ",%.9g", event->value[i].value) > 0;
    return ok && fprintf(file, ",%.9g,%.3f\n", event->learning_rate, event->seconds) > 0;
}

static tn_status epoch(const void *self, tn_call *c, tn_run *run, const tn_event *event,
                       double *numbers)
{
    char path[4096];
    if (!event->run_dir) return TN_OK;
    const tn_status status = find_path(c, event, path);
    if (status) return status;
    FILE *file = fopen(path, "r+");
    if (!file) return complain(c, path);
    bool ok = !fseek(file, (long)numbers[0], SEEK_SET);
    if (ok && numbers[0] <= 0) ok = put_header(file, event);
    ok = ok && put_row(file, event) && !fflush(file) && !fsync(fileno(file));
    const long length = ok ? ftell(file) : -1;
    if (length < 0) {
        const int why = errno;
        fclose(file);
        errno = why;
        return complain(c, path);
    }
    fclose(file);
    numbers[0] = (double)length;
    return TN_OK;
}
#endif

TN_VTABLE(observer, .numbers = 1, .start = start, .epoch = epoch)
TN_PLUGIN(observer, csv_log, .summary = "a row an epoch in the run folder's metrics.csv",
          .formula = "epoch, values, learning_rate, seconds",
          .reference = "RFC 4180, Common format for comma-separated values files")
