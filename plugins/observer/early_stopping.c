/* early_stopping - stops when a value has not improved for `patience` epochs, and at the end
 * puts back the weights of the best one.
 *
 *     improved(v) = v < best - min_delta  (mode min),  v > best + min_delta  (mode max)
 *
 * Prechelt, "Early stopping - but when?", 1998, section 2.2: the criterion UP_s with strips of
 * one epoch, counted against the best value so far. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#define OPTIONS(P)                                                                 \
    P(INT, patience, TN_POSITIONAL, 5, 1, INT64_MAX,                               \
      "epochs without improvement to wait for")                                    \
    P(REAL, min_delta, 0, 0, 0, INFINITY, "a smaller change is no improvement")    \
    P(STR, monitor, 0, "val_loss", , , "the value to watch")                       \
    P(ENUM, mode, 0, 0, "min|max", , "whether the value should be small or large") \
    P(BOOL, restore, 0, 1, , , "whether to put back the best weights at the end")
TN_SELF(OPTIONS, )

#ifndef EARLY_STOPPING_ONCE
#define EARLY_STOPPING_ONCE

#include <string.h>

enum { SEEN, BEST, BEST_EPOCH, WAITED, NUMBERS };

static const tn_named_value *find_value(const tn_event *event, const char *name)
{
    for (int32_t i = 0; i < event->values; i++)
        if (!strcmp(event->value[i].name, name)) return &event->value[i];
    return NULL;
}

/* "loss, accuracy" */
static void list_values(const tn_event *event, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (int32_t i = 0; i < event->values && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 event->value[i].name);
}
#endif

static tn_status TN(start)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    const TN(self) *self = me;
    char names[300];
    if (find_value(event, self->monitor)) return TN_OK;
    list_values(event, names, sizeof names);
    return tn_fail(
        c, TN_ENOTFOUND, "monitor: this run has no value '%.60s'; it has %s%s",
        self->monitor, names,
        strncmp(self->monitor, "val_", 4)
            ? ""
            : " (values with val_ need a validation split: data option validation)");
}

static tn_status TN(epoch)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    const TN(self) *self = me;
    const double value = find_value(event, self->monitor)->value;
    const int better = self->mode ? value > numbers[BEST] + self->min_delta
                                  : value < numbers[BEST] - self->min_delta;
    if (numbers[SEEN] == 0 || better) {
        numbers[SEEN] = 1;
        numbers[BEST] = value;
        numbers[BEST_EPOCH] = (double)event->epoch;
        numbers[WAITED] = 0;
        return self->restore ? run->keep(run, c) : TN_OK;
    }
    numbers[WAITED] += 1;
    if (numbers[WAITED] >= (double)self->patience) {
        char why[200];
        snprintf(why, sizeof why, "%.60s has not improved since epoch %.0f (%.6g)",
                 self->monitor, numbers[BEST_EPOCH], numbers[BEST]);
        run->stop(run, why);
    }
    return TN_OK;
}

static tn_status TN(end)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                         double *numbers)
{
    const TN(self) *self = me;
    if (!self->restore || numbers[SEEN] == 0 || numbers[WAITED] == 0) return TN_OK;
    char text[200];
    snprintf(text, sizeof text, "weights of epoch %.0f restored (best %.60s: %.6g)",
             numbers[BEST_EPOCH], self->monitor, numbers[BEST]);
    c->host->log(c, TN_LOG_INFO, text);
    return run->restore(run, c);
}

TN_VTABLE(observer, .numbers = NUMBERS, .start = TN(start), .epoch = TN(epoch),
          .end = TN(end))
TN_PLUGIN_WITH(OPTIONS, observer, early_stopping,
               .summary = "stops when a value stops improving; restores the best weights",
               .formula = "stop when no v < best - min_delta (or > best + min_delta) for "
                          "`patience` epochs",
               .reference =
                   "Prechelt, Early stopping - but when?, in Neural Networks: Tricks of "
                   "the Trade, 1998, section 2.2")
