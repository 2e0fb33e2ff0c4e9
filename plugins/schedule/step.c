/* step.c - stairs: the value is multiplied by factor each time `every` epochs (or
 * updates) have passed.
 *
 * Szegedy et al., "Going deeper with convolutions", CVPR 2015, sec. 6 (times 0.96 every 8
 * epochs). */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                                   \
    P(REAL, from, TN_POSITIONAL | TN_REQUIRED, 0, -INFINITY, INFINITY,               \
      "value at the start")                                                          \
    P(REAL, every, TN_ABOVE | TN_REQUIRED, 0, 0, INFINITY, "length of a stair")      \
    P(ENUM, unit, 0, 0, "epochs|steps", 0, "what `every` counts; steps are updates") \
    P(REAL, factor, 0, 0.1, 0, INFINITY, "from one stair to the next")
TN_SELF(OPTIONS, )

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double passed = units_passed(clock, self->unit);
    return self->from * pow(self->factor, floor(passed / self->every + SLACK));
}

TN_VTABLE(schedule, .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, step,
               .summary = "multiplied by a factor at equal intervals",
               .formula = "from factor^floor(t / every)",
               .reference = "Szegedy et al., CVPR 2015, sec. 6")
