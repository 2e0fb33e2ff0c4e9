/* toy_fall.c - falls with every epoch that has ended, by what the schedule counts itself, and, if
 * it watches, with the loss that schedules are told. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#define OPTIONS(P)                                                     \
    P(REAL, from, TN_POSITIONAL, 1, 0, INFINITY, "value at the start") \
    P(BOOL, watch, 0, 0, 0, 1, "divided by 1 + the monitored loss, once there is one")
TN_SELF(OPTIONS, )

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double value = self->from / (1 + numbers[0]);
    return self->watch && clock->monitored >= 0 ? value / (1 + clock->monitored) : value;
}

static void TN(epoch_end)(const void *me, const tn_clock *clock, const tn_event *event,
                          double *numbers)
{
    numbers[0]++;
}

TN_VTABLE(schedule, .numbers = 1, .value = TN(value), .epoch_end = TN(epoch_end))
TN_PLUGIN_WITH(OPTIONS, schedule, toy_fall, .summary = "falls with every epoch",
               .formula = "from / (1 + epochs) / (1 + monitored)",
               .reference = "none: a test's")
