/* polynomial.c - from `from` to `to` along a power of what is left, where it then stays: a straight
 * line by default.
 *
 * Chen, Papandreou, Kokkinos, Murphy, Yuille, "DeepLab: semantic image segmentation with deep
 * convolutional nets", arXiv:1606.00915, sec. 4.1 (policy "poly", power 0.9). */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                               \
    P(REAL, from, TN_POSITIONAL | TN_REQUIRED, 0, -INFINITY, INFINITY,           \
      "value at the start")                                                      \
    P(REAL, to, 0, 0, -INFINITY, INFINITY, "value at the end")                   \
    P(REAL, power, TN_ABOVE, 1, 0, INFINITY, "1: a line; above: steep at first") \
    LENGTH_OPTIONS(P)
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    return refuse_both(c, self->epochs, self->steps);
}

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double passed = share_passed(clock, self->epochs, self->steps);
    if (!(passed < 1)) return self->to;
    return self->to + (self->from - self->to) * pow(1 - passed, self->power);
}

TN_VTABLE(schedule, .check = TN(check), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, polynomial,
               .summary = "a power of the time that is left, then constant",
               .formula = "to + (from - to) (1 - t / T)^power for t < T, then to",
               .reference = "Chen et al., arXiv:1606.00915, sec. 4.1")
