/* exponential.c - the value shrinks by the same factor in every epoch (or update), and evenly between:
 * it moves with every update.
 *
 * Senior, Heigold, Ranzato, Yang, "An empirical study of learning rates in deep neural networks for
 * speech recognition", ICASSP 2013, sec. 3.1. */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                                       \
    P(REAL, from, TN_POSITIONAL | TN_REQUIRED, 0, -INFINITY, INFINITY,                   \
      "value at the start")                                                              \
    P(REAL, factor, TN_REQUIRED | TN_ABOVE, 0, 0, INFINITY, "from one unit to the next") \
    P(ENUM, unit, 0, 0, "epochs|steps", 0, "what the factor is for; steps are updates")
TN_SELF(OPTIONS, )

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    return self->from * pow(self->factor, units_passed(clock, self->unit));
}

TN_VTABLE(schedule, .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, exponential,
               .summary = "shrinks by the same factor in equal times",
               .formula = "from factor^t",
               .reference = "Senior, Heigold, Ranzato, Yang, ICASSP 2013, sec. 3.1")
