/* polynomial.c - a power of what is left. Expected values: torch 1.13, PolynomialLR(5, 2). */
#include "support/timing.h"

static const double curve[] = {0.10000000000000001,
                               0.064000000000000015,
                               0.036000000000000004,
                               0.016000000000000004,
                               0.0039999999999999992,
                               0,
                               0,
                               0};

Test(polynomial, follows_pytorch_in_epochs_and_in_steps)
{
    passes("polynomial", "{from: 0.1, epochs: 5, power: 2}", 10, curve, 8);
    passes("polynomial", "{from: 0.1, steps: 5, power: 2}", 1, curve, 8);
}

Test(polynomial, is_a_line_over_the_whole_run_by_default)
{
    passes("polynomial", "{from: 2, to: 1}", 20, (double[]){2, 1.75, 1.5, 1.25, 1}, 5);
}

Test(polynomial, stays_at_its_end)
{
    const tn_instance *p = make("schedule", "polynomial",
                                "{from: 1, to: 0.25, epochs: 2, power: 0.5}", 1);
    for (int64_t step = 20; step <= 80; step++) cr_assert_eq(value_at(p, step), 0.25);
}

Test(polynomial, refuses_two_lengths_and_no_power)
{
    refuse("schedule", "polynomial", "{from: 1, epochs: 2, steps: 3}", "both");
    refuse("schedule", "polynomial", "{from: 1, power: 0}", "power");
}
