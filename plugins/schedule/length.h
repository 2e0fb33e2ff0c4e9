/* length.h - how much of a schedule's course has passed, by options `epochs`, `steps` or `unit`. */
#ifndef SCHEDULE_LENGTH_H
#define SCHEDULE_LENGTH_H

#include <tenon/training.h>

/* Added before a whole number is cut off: sums of fractions of epochs may round to just below. */
#define SLACK 1e-9

#define LENGTH_OPTIONS(P)                                     \
    P(REAL, epochs, TN_OPTIONAL | TN_ABOVE, 0, 0, INFINITY,   \
      "length in epochs; unset, as are steps: the whole run") \
    P(INT, steps, TN_OPTIONAL, 0, 1, INT64_MAX, "length in updates, instead of epochs")

/* The share of a length that has passed: of `steps` updates, of `epochs`, or with both unset of the
 * whole run. */
TN_UNUSED static double share_passed(const tn_clock *clock, double epochs, int64_t steps)
{
    if (steps != TN_UNSET_INT) return (double)clock->step / (double)steps;
    return clock->epoch / (isnan(epochs) ? clock->epochs : epochs);
}

TN_UNUSED static tn_status refuse_both(tn_call *c, double epochs, int64_t steps)
{
    if (!isnan(epochs) && steps != TN_UNSET_INT)
        return tn_fail(c, TN_EINVAL, "has both epochs and steps; give one of the two");
    return TN_OK;
}

TN_UNUSED static tn_status require_one(tn_call *c, double epochs, int64_t steps)
{
    if (isnan(epochs) == (steps == TN_UNSET_INT))
        return tn_fail(c, TN_EINVAL, "needs a length: either epochs or steps");
    return TN_OK;
}

/* Time in `unit`: 0 epochs, 1 updates. */
TN_UNUSED static double units_passed(const tn_clock *clock, int32_t unit)
{
    return unit == 0 ? clock->epoch : (double)clock->step;
}

/* Times, in the option `at`: at least one, ascending. */
TN_UNUSED static tn_status check_times(tn_call *c, tn_reals at)
{
    if (at->count < 1) return tn_fail(c, TN_EINVAL, "at: needs one time at least");
    for (int64_t i = 0; i < at->count; i++)
        if (!(at->at[i] >= 0) || (i && at->at[i] <= at->at[i - 1]))
            return tn_fail(c, TN_EINVAL,
                           "at: times must ascend from 0 on; number %lld is %g",
                           (long long)i + 1, at->at[i]);
    return TN_OK;
}

/* How many of the times have come. */
TN_UNUSED static int64_t times_passed(tn_reals at, double now)
{
    int64_t n = 0;
    while (n < at->count && at->at[n] <= now + SLACK) n++;
    return n;
}

#endif
