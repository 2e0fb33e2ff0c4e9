/* l1_ball.c - projection by rounds against one by sorting. */
#include <stdlib.h>

#include "support/regularizing.h"

static const double *sort_w, *sort_step;

static int by_threshold(const void *a, const void *b)
{
    const int i = *(const int *)a, k = *(const int *)b;
    const double x = fabs(sort_w[i]) / sort_step[i], y = fabs(sort_w[k]) / sort_step[k];
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Duchi et al., figure 1, with steps: the largest rho whose theta is below its own. */
static void plainly(double radius, int64_t n, const double *step, double *w)
{
    static int order[MOST];
    double sum = 0, steps = 0, theta = 0, all = 0;
    for (int i = 0; i < n; i++) order[i] = i, all += fabs(w[i]);
    if (all <= radius) return;
    sort_w = w, sort_step = step;
    qsort(order, (size_t)n, sizeof *order, by_threshold);
    for (int64_t k = 0; k < n; k++) {
        sum += fabs(w[order[k]]), steps += step[order[k]];
        if (fabs(w[order[k]]) / step[order[k]] > (sum - radius) / steps)
            theta = (sum - radius) / steps;
    }
    for (int64_t i = 0; i < n; i++)
        w[i] = copysign(fmax(fabs(w[i]) - theta * step[i], 0), w[i]);
}

Test(l1_ball, is_the_projection_by_sorting)
{
    does_to_groups("l1_ball", "{radius: 0.8, over: %s}", 0.8, plainly, 1e-12);
    does_to_groups("l1_ball", "{radius: 10, over: %s}", 10, plainly, 1e-12);
}

Test(l1_ball, zeros_are_positive_and_the_rest_has_the_radius)
{
    subject s = subject_of("l1_ball", "2", 1, 5);
    double w[] = {3, -0.1, 0.2, -2, -0.0}, sum = 0;
    prox_of(&s, (double[]){1, 1, 1, 1, 1}, w);
    for (int i = 0; i < 5; i++) sum += fabs(w[i]);
    for (int i = 1; i < 5; i++)
        if (i != 3) cr_assert(w[i] == 0 && !signbit(w[i]), "%d", i);
    near(w, (double[]){1.5, 0, 0, -0.5, 0}, 5, 1e-15);
    cr_assert_float_eq(sum, 2, 1e-15);
}

Test(l1_ball, what_lies_inside_stays)
{
    subject s = subject_of("l1_ball", "2", 1, 3);
    double w[] = {1, -1, -0.0};
    prox_of(&s, (double[]){1, 1, 1}, w);
    near(w, (double[]){1, -1, 0}, 3, 0);
    cr_assert(signbit(w[2]));
}

Test(l1_ball, refuses_impossible_options)
{
    refuse("regularizer", "l1_ball", "0", "radius");
}
