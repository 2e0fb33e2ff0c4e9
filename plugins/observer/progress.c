/* progress - one line an epoch through the host's log, with every value of the epoch that is not
 * part of a table ("recall[3]").
 *
 * The lines have the level of progress, not of information: a program that draws progress of
 * its own (tn_train_options.progress) leaves them out. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#ifndef PROGRESS_ONCE
#define PROGRESS_ONCE

#include <string.h>

/* Appends to a text of `size` bytes; what does not fit is cut off. */
__attribute__((format(printf, 4, 5))) static void append(char *text, int size, int *used,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text + *used, (size_t)(size - *used), format, args);
    va_end(args);
    if (n > 0) *used = *used + n < size ? *used + n : size - 1;
}

static tn_status epoch(const void *self, tn_call *c, tn_run *run, const tn_event *event,
                       double *numbers)
{
    char text[1000] = "";
    int used = 0;
    append(text, sizeof text, &used, "epoch %lld/%lld", (long long)event->epoch,
           (long long)event->epochs);
    for (int32_t i = 0; i < event->values; i++)
        if (!strchr(event->value[i].name, '['))
            append(text, sizeof text, &used, "  %s %.6g", event->value[i].name,
                   event->value[i].value);
    append(text, sizeof text, &used, "  rate %.3g  %.1f s  %.0f samples/s",
           event->learning_rate, event->seconds, event->samples_per_second);
    c->host->log(c, TN_LOG_PROGRESS, text);
    return TN_OK;
}
#endif

TN_VTABLE(observer, .epoch = epoch)
TN_PLUGIN(observer, progress,
          .summary = "a line an epoch: its values, rate, time, throughput",
          .formula = "samples/s = samples / seconds of training in the epoch",
          .reference = "none: reports what the run measures")
