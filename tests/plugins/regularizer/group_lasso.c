/* group_lasso.c - lengths of rows, columns or all; the proximal step against a plain bisection. */
#include "support/regularizing.h"

Test(group_lasso, follows_pytorch)
{
    follows_torch("group_lasso");
}

Test(group_lasso, gradient_is_added_and_is_the_derivative_of_the_penalty)
{
    static const char *const options[] = {"{lambda: 0.7, prox: false}",
                                          "{lambda: 0.2, over: columns, prox: false}",
                                          "{lambda: 2, over: tensor, prox: false}"};
    is_derivative("group_lasso", options, 3);
}

Test(group_lasso, penalty_of_rows_and_columns)
{
    const double w[] = {3, 4, 0, 0, -5, 12};
    subject rows = subject_of("group_lasso", "0.1", 2, 3),
            columns = subject_of("group_lasso", "{lambda: 0.1, over: columns}", 2, 3),
            all = subject_of("group_lasso", "{lambda: 0.1, over: tensor}", 2, 3);
    cr_assert_float_eq(penalty_of(&rows, w), 0.1 * sqrt(3) * (5 + 13), 1e-14);
    cr_assert_float_eq(penalty_of(&columns, w), 0.1 * sqrt(2) * (3 + sqrt(41) + 12),
                       1e-14);
    cr_assert_float_eq(penalty_of(&all, w), 0.1 * sqrt(6) * sqrt(25 + 169), 1e-14);
}

static double squares_at(int64_t n, const double *step, const double *w, double t,
                         double s)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += pow(w[i] / (s + t * step[i]), 2);
    return sum;
}

static void plainly(double lambda, int64_t n, const double *step, double *w)
{
    const double t = lambda * sqrt((double)n);
    double from = 0, to = 1e6;
    const bool zero = squares_at(n, step, w, t, 0) <= 1;
    for (int k = 0; k < 200; k++) {
        const double s = (from + to) / 2;
        if (squares_at(n, step, w, t, s) > 1)
            from = s;
        else
            to = s;
    }
    for (int64_t i = 0; i < n; i++) w[i] = zero ? 0 : w[i] * from / (from + t * step[i]);
}

Test(group_lasso, proximal_step_is_that_of_a_bisection)
{
    does_to_groups("group_lasso", "{lambda: 0.05, over: %s}", 0.05, plainly, 1e-12);
    does_to_groups("group_lasso", "{lambda: 1.2, over: %s}", 1.2, plainly, 1e-12);
}

/* The objective is convex: no other point is better. */
Test(group_lasso, proximal_step_minimizes_what_it_says)
{
    double w[6], v[6], other[6], step[6];
    subject s = subject_of("group_lasso", "0.3", 2, 3);
    for (uint64_t round = 0; round < 200; round++) {
        double best = 0, objective = 0;
        draw_weights(round % 20, 6, w);
        draw_weights(1000 + round, 6, other);
        draw_steps(round % 20, 6, true, step);
        memcpy(v, w, sizeof v);
        prox_of(&s, step, v);
        for (int i = 0; i < 6; i++) {
            other[i] = v[i] + 0.01 * other[i];
            best += pow(v[i] - w[i], 2) / (2 * step[i]);
            objective += pow(other[i] - w[i], 2) / (2 * step[i]);
        }
        cr_assert_geq(objective + penalty_of(&s, other),
                      best + penalty_of(&s, v) - 1e-12);
    }
}

Test(group_lasso, zeros_are_positive_and_stay)
{
    subject s = subject_of("group_lasso", "0.5", 2, 2);
    double w[] = {-0.01, 0.02, 0, -0.0};
    prox_of(&s, (double[]){1, 1, 1, 1}, w);
    for (int i = 0; i < 4; i++) cr_assert(w[i] == 0 && !signbit(w[i]), "%d", i);
}

Test(group_lasso, without_strength_or_step_nothing_moves)
{
    subject s = subject_of("group_lasso", "0", 1, 3),
            t = subject_of("group_lasso", "1", 1, 3);
    double w[] = {1, -2, 0}, v[] = {1, -2, 0};
    prox_of(&s, (double[]){1, 1, 1}, w);
    prox_of(&t, (double[]){0, 0, 0}, v);
    near(w, (double[]){1, -2, 0}, 3, 0);
    near(v, (double[]){1, -2, 0}, 3, 0);
}

Test(group_lasso, refuses_impossible_options)
{
    refuse("regularizer", "group_lasso", "{lambda: -1}", "lambda");
    refuse("regularizer", "group_lasso", "{over: rwos}", "rows, columns, tensor");
}
