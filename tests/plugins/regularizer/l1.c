/* l1.c - the penalty lambda sum |w|, its subgradient, and soft thresholding. P3-...:
 * worked examples. */
#include "support/optimizing.h"

static double soft(double lambda, double step, double w)
{
    tn_instance *l1 = make("regularizer", "l1", NULL, 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 1);
    l1->now[0] = lambda;
    r->prox(l1->self, &t, &step, &w);
    return w;
}

static bool positive_zero(double x)
{
    return x == 0 && !signbit(x);
}

Test(l1, P3_N31_seven_golden_thresholds)
{
    static const double from[] = {2, 0.5, 0.1, 0.02, 0.005, -0.008, -0.5};
    static const double to[] = {1.99, 0.49, 0.09, 0.01, 0, 0, -0.49};
    for (int i = 0; i < 7; i++) {
        const double w = soft(1, 0.01, from[i]);
        cr_assert(to[i] == 0 ? positive_zero(w) : fabs(w - to[i]) < 1e-16, "%g: %.17g",
                  from[i], w);
    }
}

Test(l1, P3_N30_gradient_step_then_threshold)
{
    cr_assert_float_eq(soft(0.01, 0.1, 0.5 - 0.1 * 2), 0.299, 1e-15);
    cr_assert(positive_zero(soft(0.01, 0.1, 0.0005)));
}

Test(l1, zero_is_positive_at_the_boundary_and_from_negative_zero)
{
    cr_assert(positive_zero(soft(1, 0.25, 0.25)) && positive_zero(soft(1, 0.25, -0.25)));
    cr_assert(positive_zero(soft(1, 0.25, -0.0)) && positive_zero(soft(0, 0.25, -0.0)));
}

Test(l1, nan_and_infinity_stay_visible)
{
    cr_assert(isnan(soft(1, 0.25, NAN)));
    cr_assert(isinf(soft(1, 0.25, INFINITY)) && isinf(soft(1, 0.25, -INFINITY)));
}

Test(l1, prox_minimizes_what_it_says)
{
    for (double w = -2; w <= 2; w += 0.37) {
        const double lambda = 0.7, step = 0.9, v = soft(lambda, step, w);
        const double best = lambda * fabs(v) + (v - w) * (v - w) / (2 * step) - 1e-12;
        for (double other = -2.5; other <= 2.5; other += 0.01)
            cr_assert(lambda * fabs(other) + (other - w) * (other - w) / (2 * step) >=
                      best);
    }
}

Test(l1, P3_N6_penalty)
{
    const tn_instance *l1 = make("regularizer", "l1", "0.1", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 3);
    cr_assert_float_eq(r->penalty(l1->self, &t, (double[]){2, -0.3, 5}), 0.73, 1e-15);
}

Test(l1, P3_N11_subgradient_is_the_same_for_all_and_0_at_0)
{
    const tn_instance *l1 = make("regularizer", "l1", "{lambda: 0.1, prox: false}", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 5);
    double g[] = {0, 0, 0, 1, 1};
    r->gradient(l1->self, &t, (double[]){2, 0.3, -5, 0, -0.0}, g);
    near(g, (double[]){0.1, 0.1, -0.1, 1, 1}, 5, 0);
    cr_assert_not(r->proximal(l1->self));
}

Test(l1, gradient_is_added_and_is_the_derivative_of_the_penalty_away_from_0)
{
    const tn_instance *l1 = make("regularizer", "l1", "{lambda: 0.3, prox: false}", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 5);
    const double h = 1e-4;
    double w[] = {1.5, -2, 1e-3, -1e-3, 40}, g[] = {1, 2, 3, 4, 5}, expected[5];
    for (int i = 0; i < 5; i++) {
        const double at = w[i];
        w[i] = at + h;
        const double above = r->penalty(l1->self, &t, w);
        w[i] = at - h;
        expected[i] = g[i] + (above - r->penalty(l1->self, &t, w)) / (2 * h);
        w[i] = at;
    }
    r->gradient(l1->self, &t, w, g);
    near(g, expected, 5, 1e-9);
}

/* Thirty steps of 0.01 from 0.3, in float: the subgradient passes zero and oscillates,
 * the threshold stops there. */
Test(l1, P3_N13_only_the_threshold_reaches_exact_zero_in_float)
{
    const tn_instance *l1 = make("regularizer", "l1", "0.1", 0);
    const tn_regularizer_f32 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 1);
    float by_prox = 0.3f, by_gradient = 0.3f;
    const float step = 0.1f;
    for (int i = 0; i < 40; i++) {
        float g = 0;
        r->prox(l1->self, &t, &step, &by_prox);
        r->gradient(l1->self, &t, &by_gradient, &g);
        by_gradient -= step * g;
    }
    cr_assert(by_prox == 0.0f && !signbit(by_prox));
    cr_assert(by_gradient != 0.0f && fabsf(by_gradient) <= 0.0101f);
}

Test(l1, P3_F8_minimum_by_plain_sgd)
{
    find_lasso("sgd", NULL, 0.1, "0.25", (double[]){0.05, 0.2 - 0.25 / 3, -0.5});
    find_lasso("sgd", NULL, 0.1, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(l1, hard_threshold_leaves_what_is_beyond)
{
    const tn_instance *l1 = make("regularizer", "l1", "{lambda: 1, threshold: hard}", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 6);
    double w[] = {0.3, 0.25, -0.25, -0.26, -0.0, NAN};
    r->prox(l1->self, &t, (double[]){0.25, 0.25, 0.25, 0.25, 0.25, 0.25}, w);
    near(w, (double[]){0.3, 0, 0, -0.26, 0}, 5, 0);
    for (int i = 0; i < 5; i++) cr_assert(w[i] != 0 || !signbit(w[i]));
    cr_assert(isnan(w[5]));
    cr_assert(isnan(r->violation(l1->self, &t, w, w)));
}

Test(l1, tells_the_largest_violation_of_the_kkt_conditions)
{
    const tn_instance *l1 = make("regularizer", "l1", "0.5", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 4);
    const double w[] = {0, 0, 2, -3};
    cr_assert_eq(r->violation(l1->self, &t, w, (double[]){0.5, -0.2, -0.5, 0.5}), 0);
    cr_assert_float_eq(r->violation(l1->self, &t, w, (double[]){0.75, -0.2, -0.5, 0.5}),
                       0.25, 1e-15);
    cr_assert_float_eq(r->violation(l1->self, &t, w, (double[]){0, 0, -0.4, 0.3}), 0.2,
                       1e-15);
    cr_assert_float_eq(r->violation(l1->self, &t, w, (double[]){0, 0, 0.5, 0.5}), 1,
                       1e-15);
    cr_assert(isnan(r->violation(l1->self, &t, w, (double[]){0, 0, NAN, 0.5})));
}

Test(l1, refuses_a_negative_lambda)
{
    refuse("regularizer", "l1", "-0.1", "lambda");
}
