/* piecewise.c - given values at given times, and straight lines between; or each value until the next
 * one's time. Before the first time it is the first value, after the last the last.
 *
 * Smith, "Cyclical learning rates for training neural networks", WACV 2017, sec. 3.2 (straight lines
 * up and down); Goyal et al., arXiv 1706.02677 (2017), sec. 5.1 (a line, then stairs). */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                                \
    P(REALS, at, TN_REQUIRED, 0, , , "times, ascending, e.g. [0, 5, 10]")         \
    P(REALS, values, TN_REQUIRED, 0, , , "a value for each time")                 \
    P(ENUM, unit, 0, 0, "epochs|steps", 0, "what `at` counts; steps are updates") \
    P(ENUM, between, 0, 0, "linear|constant", 0,                                  \
      "a straight line to the next value, or the last one kept")
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->at->count != self->values->count)
        return tn_fail(c, TN_EINVAL,
                       "has %lld times but %lld values; each time needs one",
                       (long long)self->at->count, (long long)self->values->count);
    return check_times(c, self->at);
}

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double t = units_passed(clock, self->unit), *at = self->at->at,
                 *value = self->values->at;
    const int64_t next = times_passed(self->at, t), last = next - 1;
    if (next == 0) return value[0];
    if (next == self->at->count || self->between || t <= at[last]) return value[last];
    const double share = (t - at[last]) / (at[next] - at[last]);
    return value[last] + share * (value[next] - value[last]);
}

TN_VTABLE(schedule, .check = TN(check), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, piecewise,
               .summary = "through given values at given times",
               .formula = "v_i + (v_(i+1) - v_i) (t - t_i) / (t_(i+1) - t_i), "
                          "t_i <= t < t_(i+1)",
               .reference = "Smith, WACV 2017, sec. 3.2; Goyal et al., arXiv 1706.02677 "
                            "(2017), sec. 5.1")
