/* one_cycle.c - up and down once, as OneCycleLR with its momentum. */
#include "support/timing.h"

Test(one_cycle, follows_pytorch)
{
    follows_torch("one_cycle");
}

Test(one_cycle, lasts_the_whole_run_by_default)
{
    const tn_instance *c = make("schedule", "one_cycle", "1", 1);
    cr_assert_float_eq(value_at(c, 0), 0.04, 1e-16);
    cr_assert_float_eq(value_at(c, 23), 1, 1e-15, "update 0.3 80 - 1 is the peak");
    cr_assert_float_eq(value_at(c, 79), 4e-6, 1e-20);
    cr_assert_float_eq(value_at(c, 80), 4e-6, 1e-20);
}

Test(one_cycle, runs_too_short_for_a_rise_have_values)
{
    const tn_instance *c = make("schedule", "one_cycle", "{peak: 1, steps: 1}", 1);
    cr_assert_float_eq(value_at(c, 0), 4e-6, 1e-20);
}

Test(one_cycle, refuses_what_cannot_be)
{
    refuse("schedule", "one_cycle", "{peak: 1, epochs: 2, steps: 3}", "both");
    refuse("schedule", "one_cycle", "{peak: 1, rise: 1}", "rise");
    refuse("schedule", "one_cycle", "{peak: 1, rise: 0.5, three_phase: true}",
           "below 0.5");
}
