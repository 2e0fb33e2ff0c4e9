/* early_stopping - stops when a value has not improved for `patience` epochs, and at the end
 * puts back the weights of the best one.
 *
 *     improved(v) = v < best - min_delta  (mode min),  v > best + min_delta  (mode max)
 *
 * Mode auto is one of the two, as the value's metric says.
 *
 * Prechelt, "Early stopping - but when?", 1998, section 2.2: the criterion UP_s with strips of
 * one epoch, counted against the best value so far. min_delta, baseline and start_from_epoch mean what
 * they mean in Keras. */
#include <tenon/plugin.h>

#include "../value.h"

#define OPTIONS(P)                                                                       \
    P(INT, patience, TN_POSITIONAL, 5, 1, INT64_MAX,                                     \
      "epochs without improvement to wait for")                                          \
    P(REAL, min_delta, 0, 0, 0, INFINITY, "a smaller change is no improvement")          \
    P(STR, monitor, 0, "val_loss", , , "the value to watch")                             \
    P(ENUM, mode, 0, VALUE_AUTO, VALUE_MODES, ,                                          \
      "whether the value should be small or large; auto: as its metric says, a loss "    \
      "small")                                                                           \
    P(REAL, baseline, TN_OPTIONAL, 0, -INFINITY, INFINITY,                               \
      "waiting ends only with an improvement that is better than this too; unset: with " \
      "any")                                                                             \
    P(INT, start_from_epoch, 0, 0, 0, INT64_MAX,                                         \
      "epochs at the start that do not count")                                           \
    P(BOOL, restore, 0, 1, , , "whether to put back the best weights at the end")
TN_SELF(OPTIONS, )

#ifndef EARLY_STOPPING_ONCE
#define EARLY_STOPPING_ONCE
enum { SEEN, BEST, BEST_EPOCH, WAITED, NUMBERS };
#endif

static tn_status TN(check_values)(const void *me, tn_call *c, const tn_event *event)
{
    const TN(self) *self = me;
    return require_value(c, event, "monitor", self->monitor, self->mode);
}

static void TN(stop)(const TN(self) * self, tn_run *run, const double *numbers)
{
    char why[200];
    if (numbers[SEEN] > 0)
        snprintf(why, sizeof why, "%.60s has not improved since epoch %.0f (%.6g)",
                 self->monitor, numbers[BEST_EPOCH], numbers[BEST]);
    else
        snprintf(why, sizeof why, "%.60s was never a number", self->monitor);
    run->stop(run, why);
}

static tn_status TN(epoch)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    const TN(self) *self = me;
    const tn_named_value *v = find_value(event, self->monitor);
    tn_status status = TN_OK;
    if (event->epoch <= self->start_from_epoch) return TN_OK;
    numbers[WAITED] += 1;
    if (numbers[SEEN] == 0 ? !isnan(v->value)
                           : is_better(v, numbers[BEST], self->mode, self->min_delta)) {
        numbers[SEEN] = 1, numbers[BEST] = v->value;
        numbers[BEST_EPOCH] = (double)event->epoch;
        if (isnan(self->baseline) ||
            is_better(v, self->baseline, self->mode, self->min_delta))
            numbers[WAITED] = 0;
        if (self->restore) status = run->keep(run, c);
    }
    if (numbers[WAITED] >= (double)self->patience) TN(stop)(self, run, numbers);
    return status;
}

static tn_status TN(end)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                         double *numbers)
{
    const TN(self) *self = me;
    if (!self->restore || numbers[SEEN] == 0 ||
        numbers[BEST_EPOCH] == (double)event->epoch)
        return TN_OK;
    char text[200];
    snprintf(text, sizeof text, "weights of epoch %.0f restored (best %.60s: %.6g)",
             numbers[BEST_EPOCH], self->monitor, numbers[BEST]);
    c->host->log(c, TN_LOG_INFO, text);
    return run->restore(run, c);
}

TN_VTABLE(observer, .numbers = NUMBERS, .check_values = TN(check_values),
          .epoch = TN(epoch), .end = TN(end))
TN_PLUGIN_WITH(OPTIONS, observer, early_stopping,
               .summary = "stops when a value stops improving; restores the best weights",
               .formula = "stop when no v < best - min_delta (or > best + min_delta) for "
                          "`patience` epochs",
               .reference =
                   "Prechelt, Early stopping - but when?, in Neural Networks: Tricks of "
                   "the Trade, 1998, section 2.2")
