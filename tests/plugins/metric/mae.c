/* mae.c - metric/mae: over all elements of a set that comes in batches, what is refused. */
#include "tests/support/metrics.h"

Test(mae, over_all_elements)
{
    metric_is_the_mean_of("mae", fabs);
}

Test(mae, what_is_refused)
{
    metric_refuses("mae", NULL, check_shape(1, 3, 0, 0), (tn_field_spec){.classes = 3},
                   "numbers");
    metric_refuses("mae", NULL, check_shape(1, 3, 0, 0), (tn_field_spec){.real = 1},
                   "3 outputs");
}
