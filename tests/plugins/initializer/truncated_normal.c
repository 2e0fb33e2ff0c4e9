/* truncated_normal.c - normal numbers within cut deviations of the mean. */
#include "support/drawing.h"

/* sqrt(1 - 2 c phi(c) / (2 Phi(c) - 1)) */
static double left(double cut)
{
    const double phi = exp(-0.5 * cut * cut) / sqrt(2 * 3.141592653589793);
    return sqrt(1 - 2 * cut * phi / erf(cut / sqrt(2)));
}

Test(truncated_normal, obeys_its_law)
{
    cr_assert_float_eq(left(2), 0.87962566103423978, 1e-15);
    obeys_within("truncated_normal", NULL, &wide, 0, 0.01 * left(2), 0.02);
    obeys_within("truncated_normal", "{std: 3, mean: -5, cut: 1}", &wide, -5, 3 * left(1),
                 8);
    obeys_within("truncated_normal", "{std: 1, cut: 0.1}", &wide, 0, left(0.1), 0.1);
}

/* Not only the moments: quantiles of what is left. */
Test(truncated_normal, is_normal_between)
{
    cr_assert_eq(draw("truncated_normal", "1", &wide, 1), TN_OK);
    for (double x = -1.5; x <= 1.5; x += 0.25) {
        const double below = (0.5 * (1 + erf(x / sqrt(2))) - 0.5 * (1 - erf(sqrt(2)))) /
                             erf(sqrt(2));
        int count = 0;
        for (int i = 0; i < MANY; i++) count += drawn[i] < x;
        cr_assert_float_eq((double)count / MANY, below, 2.5 / sqrt((double)MANY),
                           "below %g", x);
    }
}

Test(truncated_normal, depends_on_the_key_alone)
{
    depends_on_the_key_alone("truncated_normal", NULL);
}

Test(truncated_normal, refuses_what_cannot_be)
{
    refuse("initializer", "truncated_normal", "-1", "std");
    refuse("initializer", "truncated_normal", "{cut: 0}", "cut");
}
