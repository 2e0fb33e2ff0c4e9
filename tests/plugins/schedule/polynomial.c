/* polynomial.c - a power of what is left, as PolynomialLR. */
#include "support/timing.h"

Test(polynomial, follows_pytorch)
{
    follows_torch("polynomial");
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
