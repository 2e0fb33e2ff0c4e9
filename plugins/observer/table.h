/* table.h - a table in the run folder that grows by rows, as comma-separated values (RFC 4180).
 *
 * Invariant: numbers[0] is the length of the file in bytes. It is part of every checkpoint, so
 * a run that is resumed first cuts off rows written after its checkpoint. Where the file is gone, a new
 * one begins. */
#ifndef OBSERVER_TABLE_H
#define OBSERVER_TABLE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/training.h>

typedef struct table {
    char path[4096];
    FILE *file; /* NULL: this run writes no files */
    int fresh;  /* wants its header */
} table;

static tn_status table_complain(tn_call *c, const char *path)
{
    return tn_fail(c, TN_EIO, "%s: %s", path, strerror(errno));
}

static tn_status table_path(tn_call *c, const tn_event *event, const char *name,
                            char path[4096])
{
    const int n = snprintf(path, 4096, "%s/%s", event->run_dir, name);
    return n < 4096 ? TN_OK : tn_fail(c, TN_EINVAL, "the run folder's name is too long");
}

static tn_status table_new(tn_call *c, const char *path, double *numbers)
{
    FILE *file = fopen(path, "w");
    numbers[0] = 0;
    return file && !fclose(file) ? TN_OK : table_complain(c, path);
}

static tn_status table_anew(tn_call *c, const char *path, double *numbers)
{
    char text[4200];
    snprintf(text, sizeof text, "%s is gone; a new one has the rows from here on", path);
    c->host->log(c, TN_LOG_WARNING, text);
    return table_new(c, path, numbers);
}

static tn_status table_start(tn_call *c, const tn_event *event, const char *name,
                             double *numbers)
{
    char path[4096];
    struct stat found;
    if (!event->run_dir) return TN_OK;
    const tn_status status = table_path(c, event, name, path);
    if (status) return status;
    if (numbers[0] <= 0) return table_new(c, path, numbers);
    if (stat(path, &found))
        return errno == ENOENT ? table_anew(c, path, numbers) : table_complain(c, path);
    if ((double)found.st_size < numbers[0])
        return tn_fail(c, TN_EDATA, "%s is shorter than it was at the checkpoint", path);
    return truncate(path, (off_t)numbers[0]) ? table_complain(c, path) : TN_OK;
}

/* At its end. Whether writing goes well, table_close says. */
static tn_status table_open(tn_call *c, const tn_event *event, const char *name,
                            const double *numbers, table *t)
{
    t->file = NULL, t->fresh = numbers[0] <= 0;
    if (!event->run_dir) return TN_OK;
    const tn_status status = table_path(c, event, name, t->path);
    if (status) return status;
    t->file = fopen(t->path, "r+");
    if (t->file && !fseek(t->file, (long)numbers[0], SEEK_SET)) return TN_OK;
    const tn_status why = table_complain(c, t->path);
    if (t->file) fclose(t->file);
    return why;
}

static tn_status table_close(tn_call *c, const table *t, double *numbers)
{
    const int ok = !fflush(t->file) && !ferror(t->file) && !fsync(fileno(t->file));
    const long length = ok ? ftell(t->file) : -1;
    const int why = errno;
    fclose(t->file);
    errno = why;
    if (length < 0) return table_complain(c, t->path);
    numbers[0] = (double)length;
    return TN_OK;
}

/* Updates made so far, in all. */
TN_UNUSED static long long table_step(const tn_event *event)
{
    return (event->epoch - 1) * event->steps_per_epoch + event->step;
}

#endif
