/* piecewise.c - given values at given times; as the triangles of CyclicLR, LinearLR, ConstantLR. */
#include "support/timing.h"

Test(piecewise, lines)
{
    static const double expected[] = {0.1, 0.1, 0.25, 0.4, 0.2, 0, 0, 0};
    passes("piecewise", "{at: [1, 3, 5], values: [0.1, 0.4, 0]}", 10, expected, 8);
    passes("piecewise", "{at: [1, 3, 5], values: [0.1, 0.4, 0], unit: steps}", 1,
           expected, 8);
}

Test(piecewise, follows_pytorch)
{
    follows_torch("piecewise");
}

Test(piecewise, stairs)
{
    passes("piecewise", "{at: [0, 2, 5], values: [1, 0.5, 2], between: constant}", 10,
           (double[]){1, 1, 0.5, 0.5, 0.5, 2, 2, 2}, 8);
}

Test(piecewise, one_value_is_a_constant)
{
    passes("piecewise", "{at: [3], values: [0.5]}", 20, (double[]){0.5, 0.5, 0.5, 0.5},
           4);
}

Test(piecewise, refuses_what_does_not_fit)
{
    refuse("schedule", "piecewise", "{at: [1, 2], values: [1]}", "2 times but 1 values");
    refuse("schedule", "piecewise", "{at: [2, 1], values: [1, 1]}", "must ascend");
    refuse("schedule", "piecewise", "{at: [], values: []}", "one time at least");
    refuse("schedule", "piecewise", "{at: [1]}", "values");
}
