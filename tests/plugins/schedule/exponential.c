/* exponential.c - the same factor in equal times, as ExponentialLR. */
#include "support/timing.h"

Test(exponential, follows_pytorch)
{
    follows_torch("exponential");
}

Test(exponential, is_even_between_epochs)
{
    const tn_instance *e = make("schedule", "exponential", "{from: 1, factor: 0.5}", 1);
    for (int64_t step = 0; step < 79; step++)
        cr_assert_float_eq(value_at(e, step + 1) / value_at(e, step), pow(0.5, 0.1),
                           1e-15);
}

Test(exponential, needs_a_factor_above_0)
{
    refuse("schedule", "exponential", "1", "factor");
    refuse("schedule", "exponential", "{from: 1, factor: 0}", "factor");
}
