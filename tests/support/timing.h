/* timing.h - a schedule's values along a run of 8 epochs of 10 updates. */
#ifndef TESTS_SUPPORT_TIMING_H
#define TESTS_SUPPORT_TIMING_H

#include "support/slots.h"

TN_UNUSED static double value_at(const tn_instance *schedule, int64_t step)
{
    const tn_schedule *s = schedule->vtable;
    const tn_clock clock = {.step = step,
                            .steps = 80,
                            .epoch = (double)step / 10,
                            .epochs = 8,
                            .monitored = NAN};
    return s->value(schedule->self, schedule->now, &clock, schedule->numbers);
}

/* expected[i]: after i times `stride` updates */
TN_UNUSED static void passes(const char *name, const char *options, int64_t stride,
                             const double *expected, int64_t n)
{
    const tn_instance *schedule = make("schedule", name, options, 1);
    double got[200];
    cr_assert_leq(n, 200);
    for (int64_t i = 0; i < n; i++) got[i] = value_at(schedule, i * stride);
    near(got, expected, n, 1e-15);
}

#endif
