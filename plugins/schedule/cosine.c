/* cosine.c - half a cosine from `from` down (or up) to `to`, where it then stays. It
 * moves with every update, not only from epoch to epoch.
 *
 * Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR
 * 2017, eq. 5, without restarts. */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                     \
    P(REAL, from, TN_POSITIONAL | TN_REQUIRED, 0, -INFINITY, INFINITY, \
      "value at the start")                                            \
    P(REAL, to, 0, 0, -INFINITY, INFINITY, "value at the end")         \
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
    return self->to +
           0.5 * (self->from - self->to) * (1 + cos(3.141592653589793 * passed));
}

TN_VTABLE(schedule, .check = TN(check), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, cosine, .summary = "half a cosine, then constant",
               .formula = "to + (from - to) (1 + cos(pi t / T)) / 2 for t < T, then to",
               .reference = "Loshchilov and Hutter, ICLR 2017, eq. 5")
