/* warmup.c - another schedule, times a factor that grows linearly from `from` to 1. The
 * other schedule sees the same clock: its own course starts at the first update, not
 * after warm-up.
 *
 *     lr: {warmup: {epochs: 1, schedule: {cosine: {from: 0.1, epochs: 10}}}}
 *
 * Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017,
 * sec. 2.2. */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                                      \
    P(PLUGIN, schedule, TN_REQUIRED, 0, "schedule", 0,                                  \
      "what to warm up to; a number or a schedule")                                     \
    P(REAL, epochs, TN_OPTIONAL | TN_ABOVE, 0, 0, INFINITY,                             \
      "length of warm-up in epochs")                                                    \
    P(INT, steps, TN_OPTIONAL, 0, 1, INT64_MAX, "length in updates, instead of epochs") \
    P(REAL, from, 0, 0, 0, 1, "factor at the first update")
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    return require_one(c, self->epochs, self->steps);
}

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const tn_schedule *inner = self->schedule->vtable;
    const double value = inner->value(self->schedule->self, self->schedule->now, clock,
                                      self->schedule->numbers);
    const double passed = share_passed(clock, self->epochs, self->steps);
    return passed < 1 ? value * (self->from + (1 - self->from) * passed) : value;
}

TN_VTABLE(schedule, .check = TN(check), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, warmup, .summary = "linear warm-up of another schedule",
               .formula = "schedule(t) (from + (1 - from) min(1, t / T))",
               .reference = "Goyal et al., arXiv 1706.02677 (2017), sec. 2.2")
