/* timing.h - a schedule's values along a run of 8 epochs of 10 updates. */
#ifndef TESTS_SUPPORT_TIMING_H
#define TESTS_SUPPORT_TIMING_H

#include "support/fixture.h"

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

/* Tells it the values of an epoch: both are `value`, of which it has a small one for better, or a large
 * one. */
TN_UNUSED static void end_epoch(tn_instance *schedule, double value)
{
    const tn_named_value values[] = {{"loss", value, TN_BETTER_SMALLER},
                                     {"score", value, TN_BETTER_LARGER}};
    const tn_event event = {.values = 2, .value = values};
    tn_instance_epoch(schedule, &(tn_clock){.monitored = NAN}, &event);
}

static double relative_error(double got, double want)
{
    if (got == want) return 0;
    return isnan(got) ? INFINITY : fabs(got - want) / fabs(want);
}

/* The largest error of a rate. */
TN_UNUSED static double curve_error(tn_instance *schedule, const char *name)
{
    const int64_t stride = (int64_t)fixture_number(name, "stride");
    const tn_tensor *watched = fixture_part(name, "watched");
    const double *rate = fixture_data(name, "");
    double worst = 0;
    for (int64_t i = 0; i < tn_count(fixture_part(name, "")); i++) {
        worst = fmax(worst, relative_error(value_at(schedule, i * stride), rate[i]));
        if (watched && i < tn_count(watched))
            end_epoch(schedule, ((const double *)watched->data)[i]);
    }
    return worst;
}

/* All its cases in tests/reference/schedules.safetensors; what is there says
 * make_schedule_fixtures.py. */
TN_UNUSED static void follows_torch(const char *name)
{
    const tn_text_pair *text;
    int64_t next = 0;
    fixture_open("schedules");
    cr_assert_not_null(fixture_case(name, &(int64_t){0}), "no case of %s", name);
    while ((text = fixture_case(name, &next))) {
        const double error = curve_error(make("schedule", name, text->value, 1),
                                         text->key);
        note_error(NULL, NOTE_TORCH, 1, error);
        cr_expect(error <= 1e-13, "%s %s: off by %.2e", name, text->value, error);
    }
}

#endif
