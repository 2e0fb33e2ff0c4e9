/* step.c - stairs, as StepLR. */
#include "support/timing.h"

Test(step, follows_pytorch)
{
    follows_torch("step");
}

Test(step, holds_until_the_last_update_of_a_stair)
{
    const tn_instance *step = make("schedule", "step", "{from: 1, every: 3}", 1);
    cr_assert_eq(value_at(step, 29), 1);
    cr_assert_float_eq(value_at(step, 30), 0.1, 1e-16);
}

Test(step, stairs_of_a_fraction_of_an_epoch)
{
    const tn_instance *step = make("schedule", "step",
                                   "{from: 1, every: 0.1, factor: 0.5}", 1);
    for (int64_t i = 0; i < 40; i++)
        cr_assert_float_eq(value_at(step, i), pow(0.5, (double)i), 1e-15, "%d", (int)i);
}

Test(step, refuses_what_cannot_be)
{
    refuse("schedule", "step", "{from: 0.1}", "every");
    refuse("schedule", "step", "{from: 0.1, every: 0}", "every");
    refuse("schedule", "step", "{from: 0.1, every: 1, unit: weeks}", "epochs");
}
