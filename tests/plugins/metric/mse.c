/* mse.c - metric/mse: over all elements of a set that comes in batches, what is refused. */
#include "tests/support/metrics.h"

static double square(double x)
{
    return x * x;
}

Test(mse, over_all_elements)
{
    metric_is_the_mean_of("mse", square);
}

Test(mse, what_is_refused)
{
    metric_refuses("mse", NULL, check_shape(1, 3, 0, 0), (tn_field_spec){.classes = 3},
                   "numbers");
    metric_refuses("mse", NULL, check_shape(1, 3, 0, 0), (tn_field_spec){.real = 1},
                   "3 outputs");
}
