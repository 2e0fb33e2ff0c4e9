/* cosine_restarts.c - half a cosine from `from` to `to`, again and again; each is `grow` times as long
 * as the one before.
 *
 * Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, eq. 5 and
 * sec. 3 (T_0 = epochs, T_mult = grow). */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                                      \
    P(REAL, from, TN_POSITIONAL | TN_REQUIRED, 0, -INFINITY, INFINITY,                  \
      "value at every start")                                                           \
    P(REAL, to, 0, 0, -INFINITY, INFINITY, "value before every restart")                \
    P(REAL, epochs, TN_OPTIONAL | TN_ABOVE, 0, 0, INFINITY,                             \
      "length of the first cosine in epochs")                                           \
    P(INT, steps, TN_OPTIONAL, 0, 1, INT64_MAX, "length in updates, instead of epochs") \
    P(REAL, grow, 0, 1, 1, 1000, "how many times as long each is as the one before")
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    return require_one(c, self->epochs, self->steps);
}

/* Of the cosine that runs, where the first has length 1. */
static double TN(share_of_this)(double passed, double grow)
{
    double length = 1;
    if (grow == 1)
        passed -= floor(passed + SLACK);
    else
        while (passed + SLACK >= length) passed -= length, length *= grow;
    return passed > 0 ? passed / length : 0;
}

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double share = TN(share_of_this)(share_passed(clock, self->epochs, self->steps),
                                           self->grow);
    return self->to +
           0.5 * (self->from - self->to) * (1 + cos(3.141592653589793 * share));
}

TN_VTABLE(schedule, .check = TN(check), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, cosine_restarts,
               .summary = "half a cosine with warm restarts (SGDR)",
               .formula =
                   "to + (from - to) (1 + cos(pi t_i / T_i)) / 2, t_i since the last "
                   "restart, T_(i+1) = grow T_i",
               .reference = "Loshchilov and Hutter, ICLR 2017, eq. 5 and sec. 3")
