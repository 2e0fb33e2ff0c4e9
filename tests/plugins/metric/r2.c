/* r2.c - metric/r2: by hand, against two passes over the set, far from 0, targets that do not vary. */
#include "tests/support/metrics.h"

static double two_passes(const metric_set *s)
{
    double all = 0;
    for (int64_t k = 0; k < s->width; k++) {
        double mean = 0, errors = 0, squares = 0;
        for (int64_t i = 0; i < s->rows; i++)
            mean += s->target[i * s->width + k] / (double)s->rows;
        for (int64_t i = 0; i < s->rows; i++) {
            const double t = s->target[i * s->width + k], d = s->y[i * s->width + k] - t;
            errors += d * d, squares += (t - mean) * (t - mean);
        }
        all += 1 - errors / squares;
    }
    return all / (double)s->width;
}

Test(r2, over_the_whole_set)
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        metric_set s = metric_random(seed, check_draw(seed, 1000, 2, 90),
                                     check_draw(seed, 1001, 1, 5));
        s.target = check_room(s.rows * s.width, sizeof *s.target), s.label = NULL;
        check_random(s.target, s.rows * s.width, seed + 50);
        for (int64_t i = 0; i < s.rows * s.width; i++)
            s.target[i] = (double)(float)s.target[i];
        const double want = two_passes(&s);
        metric_is("r2", NULL, &s, want, 1e-12 * (1 + fabs(want)));
    }
}

Test(r2, by_hand_and_far_from_0)
{
    double t[] = {1, 2, 3, 4}, y[] = {1, 2, 3, 6};
    metric_set s = {.rows = 4, .width = 1, .y = y, .target = t};
    cr_assert_float_eq(metric_of("r2", NULL, &s, 1, 1, NULL), 0.2, 1e-15);
    for (int i = 0; i < 4; i++) t[i] += 1e9, y[i] += 1e9;
    cr_assert_float_eq(metric_of("r2", NULL, &s, 1, 1, NULL), 0.2, 1e-9);
}

Test(r2, targets_that_do_not_vary)
{
    double t[] = {2, 2}, y[] = {2, 2};
    metric_set s = {.rows = 2, .width = 1, .y = y, .target = t};
    cr_assert_eq(metric_of("r2", NULL, &s, 1, 1, NULL), 1);
    y[0] = 1;
    cr_assert_eq(metric_of("r2", NULL, &s, 1, 1, NULL), 0);
}

Test(r2, what_is_refused)
{
    metric_refuses("r2", NULL, check_shape(1, 3, 0, 0), (tn_field_spec){.classes = 3},
                   "numbers");
}
