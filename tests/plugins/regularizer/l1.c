/* l1.c - the penalty lambda sum |w|, its subgradient, and soft thresholding. P3-...:
 * worked examples. */
#include "support/regularizing.h"

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

/* One by one, and as a vector. */
Test(l1, P3_N31_P3_N32_seven_golden_thresholds)
{
    static const double from[] = {2, 0.5, 0.1, 0.02, 0.005, -0.008, -0.5};
    static const double to[] = {1.99, 0.49, 0.09, 0.01, 0, 0, -0.49};
    const tn_instance *l1 = make("regularizer", "l1", "1", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 7);
    double all[7], steps[7];
    for (int i = 0; i < 7; i++) all[i] = from[i], steps[i] = 0.01;
    r->prox(l1->self, &t, steps, all);
    for (int i = 0; i < 7; i++) {
        const double w = soft(1, 0.01, from[i]);
        cr_assert(to[i] == 0 ? positive_zero(w) : fabs(w - to[i]) < 1e-16, "%g: %.17g",
                  from[i], w);
        cr_assert(all[i] == w && !signbit(all[i]) == !signbit(w));
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

Test(l1, P3_N10_penalty)
{
    const tn_instance *l1 = make("regularizer", "l1", "0.1", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 3);
    cr_assert_float_eq(r->penalty(l1->self, &t, (double[]){2, -0.3, 5}), 0.73, 1e-15);
}

/* Weights whose absolute values add up to `sum`: lambda 0.001 of it, and with the loss of the data. */
Test(l1, P3_N18_P3_N21_P3_N22_P3_N34_penalties_of_a_network)
{
    static const struct {
        double sum, penalty, loss, total;
    } epoch[] = {{6145.3, 6.145, 0.673, 6.818},
                 {3892.1, 3.892, 0.421, 4.313},
                 {2145.7, 2.146, 0.095, 2.241},
                 {1128945, 1128.945, 0.357, 1129.302}};
    const tn_instance *l1 = make("regularizer", "l1", NULL, 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 4);
    for (int i = 0; i < 4; i++) {
        const double s = epoch[i].sum, w[] = {s / 2, -s / 4, s / 8, -s / 8};
        const double penalty = r->penalty(l1->self, &t, w);
        cr_assert_float_eq(penalty, epoch[i].penalty, 5e-4);
        cr_assert_float_eq(penalty + epoch[i].loss, epoch[i].total, 5e-4);
    }
}

enum { NETWORK = 1229000 }; /* weights: 12288 x 100 and 100 x 2 */

/* P3-N24: 942000, 98000, 142000, 38000 and 9000 weights of at least 0, 0, 1, 3 and 5 are all there are,
 * and their absolute values add up to 301000 at least. */
Test(l1, P3_N24_the_least_that_a_histogram_can_add_up_to)
{
    static const struct {
        int64_t count;
        double least;
    } bucket[] = {{942000, 0}, {98000, 0}, {142000, 1}, {38000, 3}, {9000, 5}};
    static double w[NETWORK];
    const tn_instance *l1 = make("regularizer", "l1", "1", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, NETWORK);
    int64_t n = 0;
    for (int i = 0; i < 5; i++)
        for (int64_t k = 0; k < bucket[i].count; k++) {
            cr_assert_lt(n, NETWORK);
            w[n++] = bucket[i].least;
        }
    cr_assert_eq(n, NETWORK);
    cr_assert_eq(r->penalty(l1->self, &t, w), 301000);
}

/* P3-N36: with lambda 0.001 and a rate of 0.1 no step lowers the penalty by more than 0.1229, nor ten by
 * more than 1.23 (the seed has it fall by 284 in ten). */
Test(l1, P3_N36_how_fast_a_penalty_can_fall)
{
    static double w[NETWORK], step[NETWORK];
    const tn_instance *l1 = make("regularizer", "l1", "0.001", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, NETWORK);
    for (int i = 0; i < NETWORK; i++) w[i] = i % 2 ? 0.92 : -0.92, step[i] = 0.1;
    const double first = r->penalty(l1->self, &t, w);
    for (int i = 1; i <= 10; i++) {
        r->prox(l1->self, &t, step, w);
        cr_assert_float_eq(first - r->penalty(l1->self, &t, w), 0.1229 * i, 1e-7);
    }
}

/* A gradient of .05 becomes .15 above zero and -.05 below. */
Test(l1, P3_N16_total_gradient_on_both_sides)
{
    const tn_instance *l1 = make("regularizer", "l1", "{lambda: 0.1, prox: false}", 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_tile t = tile_of(l1, 2);
    double g[] = {0.05, 0.05};
    r->gradient(l1->self, &t, (double[]){0.2, -0.2}, g);
    near(g, (double[]){0.15, -0.05}, 2, 1e-16);
}

/* Weights of any size get the same gradient, and one that is as large as a step arrives at zero. */
Test(l1, P3_N1_P3_N3_the_same_push_for_all)
{
    const tn_instance *l1 = make("regularizer", "l1", "{lambda: 0.1, prox: false}", 1),
                      *sgd = make("optimizer", "sgd", NULL, 1);
    const tn_regularizer_f64 *r = l1->vtable;
    const tn_optimizer_f64 *o = sgd->vtable;
    const tn_tile t = tile_of(l1, 3), to = tile_of(sgd, 3);
    const tn_update u = {.step = 1, .rate = 1, .decays = 1};
    double w[] = {10, 1, 0.1}, g[3] = {0};
    r->gradient(l1->self, &t, w, g);
    near(g, (double[]){0.1, 0.1, 0.1}, 3, 0);
    o->update(sgd->self, &to, &u, w, g, NULL);
    near(w, (double[]){9.9, 0.9, 0}, 3, 1e-15);
    cr_assert_eq(w[2], 0);
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

Test(l1, follows_pytorch)
{
    follows_torch("l1");
}

Test(l1, gradient_is_added_and_is_the_derivative_of_the_penalty_away_from_0)
{
    is_derivative(
        "l1", (const char *[]){"{lambda: 0.3, prox: false}", "{lambda: 2, prox: false}"},
        2);
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

/* P3-T3: 1e-6 and 1e-4, after steps by the subgradient or either threshold (here of 0.01). */
Test(l1, P3_T3_cuts_off_what_is_small)
{
    static const char *const options[] = {"{lambda: 1, prox: false, cut: 1e-6}",
                                          "{lambda: 1, prox: false, cut: 1e-4}",
                                          "{lambda: 1, cut: 1e-6}",
                                          "{lambda: 1, cut: 1e-4}",
                                          "{lambda: 1, threshold: hard, cut: 1e-4}",
                                          "{lambda: 1, threshold: hard, cut: 0.02}"};
    static const double left[][8] = {{2e-4, -1e-4, 5e-5, 0, 0, -0.0102, 0.01005, NAN},
                                     {2e-4, 0, 0, 0, 0, -0.0102, 0.01005, NAN},
                                     {0, 0, 0, 0, 0, -2e-4, 5e-5, NAN},
                                     {0, 0, 0, 0, 0, -2e-4, 0, NAN},
                                     {0, 0, 0, 0, 0, -0.0102, 0.01005, NAN},
                                     {0, 0, 0, 0, 0, 0, 0, NAN}};
    static const int32_t proximal[] = {TN_PROX_TOO, TN_PROX_TOO, 1, 1, 1, 1};
    for (int i = 0; i < 6; i++) {
        const tn_instance *l1 = make("regularizer", "l1", options[i], 1);
        const tn_regularizer_f64 *r = l1->vtable;
        const tn_tile t = tile_of(l1, 8);
        double w[] = {2e-4, -1e-4, 5e-5, -1e-6, -0.0, -0.0102, 0.01005, NAN};
        r->prox(l1->self, &t, (double[]){0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01},
                w);
        near(w, left[i], 7, 1e-16);
        for (int k = 0; k < 7; k++)
            cr_assert((w[k] == 0) == (left[i][k] == 0) && (w[k] != 0 || !signbit(w[k])),
                      "%s: %g", options[i], w[k]);
        cr_assert(isnan(w[7]));
        cr_assert_eq(r->proximal(l1->self), proximal[i]);
    }
}

Test(l1, refuses_a_threshold_without_a_prox)
{
    refuse("regularizer", "l1", "{prox: false, threshold: hard}", "give a cut");
    refuse("regularizer", "l1", "{cut: -1}", "cut");
    refuse("regularizer", "l1", "{cut: {cosine: {from: 1, to: 0}}}", "cut");
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
