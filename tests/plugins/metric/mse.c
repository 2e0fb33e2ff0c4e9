/* mse.c - metric/mse: over all elements of a set that comes in batches, what is refused. */
#include "tests/support/metrics.h"

Test(mse, over_all_elements)
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        metric_set s = metric_random(seed, check_draw(seed, 1000, 1, 90),
                                     check_draw(seed, 1001, 1, 9));
        const int64_t n = s.rows * s.width;
        double sum = 0;
        s.target = check_room(n, sizeof *s.target), s.label = NULL;
        check_random(s.target, n, seed + 50);
        for (int64_t i = 0; i < n; i++) {
            s.target[i] = (double)(float)s.target[i];
            const double d = s.y[i] - s.target[i];
            sum += d * d;
        }
        for (int32_t real = 0; real < 2; real++)
            cr_assert_float_eq(metric_of("mse", NULL, &s, 7, real, NULL), sum / (double)n,
                               1e-13 * sum);
    }
}

Test(mse, what_is_refused)
{
    metric_refuses("mse", NULL, check_shape(1, 3, 0, 0), (tn_field_spec){.classes = 3},
                   "numbers");
    metric_refuses("mse", NULL, check_shape(1, 3, 0, 0), (tn_field_spec){.real = 1},
                   "3 outputs");
}
