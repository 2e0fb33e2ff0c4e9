/* exponential.c - the same factor in equal times. Expected values: torch 1.13, ExponentialLR(0.9). */
#include "support/timing.h"

static const double curve[] = {0.10000000000000001,  0.090000000000000011,
                               0.081000000000000016, 0.07290000000000002,
                               0.065610000000000016, 0.059049000000000018,
                               0.05314410000000002,  0.047829690000000022};

Test(exponential, follows_pytorch_in_epochs_and_in_steps)
{
    passes("exponential", "{from: 0.1, factor: 0.9}", 10, curve, 8);
    passes("exponential", "{from: 0.1, factor: 0.9, unit: steps}", 1, curve, 8);
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
