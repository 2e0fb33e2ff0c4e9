/* constant.c - the same value throughout. */
#include "support/timing.h"

Test(constant, stays)
{
    passes("constant", "0.3", 20, (double[]){0.3, 0.3, 0.3, 0.3}, 4);
    passes("constant", "{value: -2}", 20, (double[]){-2, -2, -2, -2}, 4);
}

Test(constant, needs_its_value)
{
    refuse("schedule", "constant", NULL, "value");
}
