/* multi_step.c - stairs at chosen times, as MultiStepLR. */
#include "support/timing.h"

Test(multi_step, follows_pytorch)
{
    follows_torch("multi_step");
}

Test(multi_step, holds_until_the_last_update_of_a_stair)
{
    const tn_instance *steps = make("schedule", "multi_step", "{from: 1, at: [0.3, 3]}",
                                    1);
    cr_assert_eq(value_at(steps, 2), 1);
    cr_assert_float_eq(value_at(steps, 3), 0.1, 1e-16);
    cr_assert_float_eq(value_at(steps, 29), 0.1, 1e-16);
    cr_assert_float_eq(value_at(steps, 30), 0.01, 1e-16);
}

Test(multi_step, refuses_what_cannot_be)
{
    refuse("schedule", "multi_step", "{from: 0.1}", "at");
    refuse("schedule", "multi_step", "{from: 0.1, at: []}", "one time at least");
    refuse("schedule", "multi_step", "{from: 0.1, at: [3, 3]}", "must ascend");
    refuse("schedule", "multi_step", "{from: 0.1, at: [-1, 3]}", "number 1 is -1");
}
