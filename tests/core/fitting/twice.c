/* twice - a schedule around another one, with a dial of its own. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#define OPTIONS(P)                                                           \
    P(PLUGIN, inner, TN_REQUIRED | TN_POSITIONAL, 0, "schedule", 0, "which") \
    P(SCHEDULABLE, factor, 0, 2, 0, INFINITY, "how many times")
TN_SELF(OPTIONS, )

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const tn_schedule *inner = self->inner->vtable;
    return now[self->factor.slot] *
           inner->value(self->inner->self, self->inner->now, clock, self->inner->numbers);
}

TN_VTABLE(schedule, .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, twice, .summary = "a multiple of another schedule",
               .formula = "factor inner(t)", .reference = "none: a test")
