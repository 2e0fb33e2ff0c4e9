/* l2.c - the penalty lambda/2 sum w^2 and its gradient. P2-...: worked examples. */
#include "support/regularizing.h"

static const double two[] = {5, 8};

static void add_gradient(const tn_instance *l2, const double *w, double *g, int64_t n)
{
    const tn_regularizer_f64 *r = l2->vtable;
    const tn_tile t = tile_of(l2, n);
    r->gradient(l2->self, &t, w, g);
}

static double penalty(const tn_instance *l2, const double *w, int64_t n)
{
    const tn_regularizer_f64 *r = l2->vtable;
    const tn_tile t = tile_of(l2, n);
    return r->penalty(l2->self, &t, w);
}

/* n steps of plain SGD under a constant gradient. */
static void descend(const char *lambda, double gradient, int steps, double *w, int64_t n)
{
    const tn_instance *l2 = make("regularizer", "l2", lambda, 1),
                      *sgd = make("optimizer", "sgd", NULL, 1);
    const tn_optimizer_f64 *o = sgd->vtable;
    const tn_tile t = tile_of(sgd, n);
    for (int s = 1; s <= steps; s++) {
        const tn_update u = {.step = s, .rate = 0.1, .decays = 1};
        double g[8];
        for (int64_t i = 0; i < n; i++) g[i] = gradient;
        add_gradient(l2, w, g, n);
        o->update(sgd->self, &t, &u, w, g, NULL);
    }
}

Test(l2, P2_N7_penalty)
{
    cr_assert_float_eq(penalty(make("regularizer", "l2", "{lambda: 0.01}", 1), two, 2),
                       0.445, 1e-15);
}

Test(l2, P2_N8_gradient)
{
    double g[] = {0, 0};
    add_gradient(make("regularizer", "l2", "{lambda: 0.01}", 1), two, g, 2);
    near(g, (double[]){0.05, 0.08}, 2, 1e-15);
}

/* P2-N1: squares of 10 and .1. P2-N12, P2-N13, P2-N15, P2-N16: what five weights alone add up to, .0019,
 * 54349.63, 29.04 and .015, is more than the seed has for whole networks. P3-N6: 1.4545. */
Test(l2, P2_N1_P2_N12_P2_N13_P2_N15_P2_N16_P3_N6_sums_of_squares)
{
    static const struct {
        const char *lambda;
        double w[5], penalty;
    } row[] = {{"2", {10}, 100},
               {"2", {0.1}, 0.01},
               {"2", {0.02, -0.01, 0.03, -0.02, 0.01}, 0.0019},
               {"2", {45.2, -67.3, 89.1, -123.5, 156.8}, 54349.63},
               {"2", {2.3, -1.8, 3.1, -2.7, 1.9}, 29.04},
               {"2", {0.05, -0.03, 0.08, -0.06, 0.04}, 0.015},
               {"0.1", {2, 0.3, 5}, 1.4545}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        cr_assert_float_eq(
            penalty(make("regularizer", "l2", row[i].lambda, 1), row[i].w, 5),
            row[i].penalty, 1e-12 * (1 + row[i].penalty));
}

/* Weights whose squares add up to `sum`. P2-N14: 3.5e-6; P2-N15: .426; P2-N16: .07; P2-N21: 226, with a
 * loss of .364 226.364. P2-N22: after a step of decay alone 45200 is 45109.6. */
Test(l2, P2_N14_P2_N15_P2_N16_P2_N21_P2_N22_penalties_of_a_network)
{
    static const struct {
        const char *lambda;
        double sum, penalty;
    } row[] = {{"0.01", 0.0007, 3.5e-6},
               {"0.01", 85.2, 0.426},
               {"1", 0.14, 0.07},
               {"0.01", 45200, 226}};
    for (int i = 0; i < 4; i++) {
        const double w[] = {sqrt(row[i].sum / 2), -sqrt(row[i].sum / 2)};
        const double p = penalty(make("regularizer", "l2", row[i].lambda, 1), w, 2);
        cr_assert_float_eq(p, row[i].penalty, 1e-14 * row[i].penalty);
        if (i == 3) cr_assert_float_eq(p + 0.364, 226.364, 1e-12);
    }
    double w = sqrt(45200);
    descend("0.01", 0, 1, &w, 1);
    cr_assert_float_eq(penalty(make("regularizer", "l2", "2", 1), &w, 1), 45109.6, 0.05);
}

/* P2-N15: 1229000 weights of .8 make 786560, not 85.2. */
Test(l2, P2_N15_the_least_that_an_average_allows)
{
    enum { NETWORK = 1229000 };
    static double w[NETWORK];
    for (int i = 0; i < NETWORK; i++) w[i] = i % 2 ? 0.8 : -0.8;
    cr_assert_float_eq(penalty(make("regularizer", "l2", "2", 1), w, NETWORK), 786560,
                       1e-6);
}

/* P3-N1: 10 lambda, lambda, .1 lambda. P3-N2: by a hundredth each. P3-N7, P3-N8: of [2, .3, 5]. */
Test(l2, P3_N1_P3_N2_P3_N7_P3_N8_a_push_by_size)
{
    double w[] = {10, 1, 0.1, 0.01}, g[4] = {0}, three[] = {2, 0.3, 5}, h[3] = {0};
    add_gradient(make("regularizer", "l2", "0.1", 1), w, g, 4);
    near(g, (double[]){1, 0.1, 0.01, 0.001}, 4, 1e-16);
    descend("0.1", 0, 1, w, 4);
    near(w, (double[]){9.9, 0.99, 0.099, 0.0099}, 4, 1e-15);
    add_gradient(make("regularizer", "l2", "0.1", 1), three, h, 3);
    near(h, (double[]){0.2, 0.03, 0.5}, 3, 1e-15);
    descend("0.1", 0, 1, three, 3);
    near(three, (double[]){1.98, 0.297, 4.95}, 3, 1e-15);
}

Test(l2, follows_pytorch)
{
    follows_torch("l2");
}

Test(l2, gradient_is_added_and_is_the_derivative_of_the_penalty)
{
    is_derivative("l2", (const char *[]){"0.3", "2"}, 2);
}

Test(l2, P2_N17_one_step_with_and_without)
{
    double w = 10;
    descend("{lambda: 0}", 2, 1, &w, 1);
    cr_assert_float_eq(w, 9.8, 1e-14);
    w = 10;
    descend("{lambda: 0.01}", 2, 1, &w, 1);
    cr_assert_float_eq(w, 9.79, 1e-14);
}

Test(l2, P2_N10_decay_alone_after_100_steps)
{
    double w[] = {5, 8};
    descend("{lambda: 0.01}", 0, 100, w, 2);
    near(w, (double[]){4.52396, 7.23834}, 2, 5e-6);
}

Test(l2, P3_N9_stronger_decay_after_100_steps)
{
    double w[] = {2, 0.3, 5};
    descend("{lambda: 0.1}", 0, 100, w, 3);
    near(w, (double[]){0.73206, 0.10981, 1.83016}, 3, 5e-6);
}

/* 0-2: no other numbers under a gradient of 2, and -200 in the end; by decay alone 9.99 ... 6.0638. */
Test(l2, P2_N18_constant_gradient)
{
    static const int steps[] = {1, 10, 100, 500};
    static const double expected[] = {9.79, 7.9094, -9.9936, -72.6604},
                        decayed[] = {9.99, 9.9004, 9.0479, 6.0638};
    for (int i = 0; i < 4; i++) {
        double w = 10;
        descend("{lambda: 0.01}", 2, steps[i], &w, 1);
        cr_assert_float_eq(w, expected[i], 5e-5, "after %d steps: %.17g", steps[i], w);
        w = 10;
        descend("{lambda: 0.01}", 0, steps[i], &w, 1);
        cr_assert_float_eq(w, decayed[i], 5e-5, "after %d steps: %.17g", steps[i], w);
    }
    double w = 10;
    descend("{lambda: 0.01}", 2, 30000, &w, 1);
    cr_assert_float_eq(w, -200, 1e-9);
}

Test(l2, P2_T2_equals_coupled_weight_decay_of_sgd_bit_for_bit)
{
    double by_penalty[WEIGHTS], by_decay[WEIGHTS];
    const course penalty_course = {make("optimizer", "sgd", "{momentum: 0.9}", 1),
                                   make("regularizer", "l2", "0.05", 1), 0.1, 1, 50};
    const course decay_course = {
        make("optimizer", "sgd", "{momentum: 0.9, weight_decay: 0.05}", 1), NULL, 0.1, 1,
        50};
    run_f64(&penalty_course, by_penalty);
    run_f64(&decay_course, by_decay);
    cr_assert_arr_eq(by_penalty, by_decay, sizeof by_decay);
}

/* Through the gradient it is adam's weight_decay, beside it adamw's. */
Test(l2, coupled_and_decoupled_under_adam_are_those_of_adam_and_adamw_bit_for_bit)
{
    static const char *const optimizer[] = {"adam", "adamw"};
    static const char *const penalty[] = {"0.05", "{lambda: 0.05, decoupled: true}"};
    double w[2][WEIGHTS], decayed[WEIGHTS];
    for (int i = 0; i < 2; i++) {
        const course own = {make("optimizer", optimizer[i], "{weight_decay: 0.05}", 1),
                            NULL, 0.1, 1, 50};
        const course here = {make("optimizer", "adam", NULL, 1),
                             make("regularizer", "l2", penalty[i], 1), 0.1, 1, 50};
        run_f64(&own, decayed);
        run_f64(&here, w[i]);
        cr_assert_arr_eq(w[i], decayed, sizeof decayed, "%s", optimizer[i]);
    }
    for (int i = 0; i < WEIGHTS; i++) cr_assert(fabs(w[0][i] - w[1][i]) > 1e-3);
}

Test(l2, decoupled_under_plain_sgd_is_sgds_own)
{
    double w[WEIGHTS], decayed[WEIGHTS];
    const course own = {make("optimizer", "sgd",
                             "{weight_decay: 0.05, decoupled: true, momentum: 0.9}", 1),
                        NULL, 0.1, 1, 50};
    const course here = {make("optimizer", "sgd", "{momentum: 0.9}", 1),
                         make("regularizer", "l2", "{lambda: 0.05, decoupled: true}", 1),
                         0.1, 1, 50};
    run_f64(&own, decayed);
    run_f64(&here, w);
    cr_assert_arr_eq(w, decayed, sizeof decayed);
}

Test(l2, decoupled_is_no_penalty)
{
    const tn_instance *l2 = make("regularizer", "l2", "{decoupled: true}", 1);
    const tn_regularizer_f64 *r = l2->vtable;
    const tn_tile t = tile_of(l2, 2);
    double g[] = {1, 2};
    add_gradient(l2, two, g, 2);
    near(g, (double[]){1, 2}, 2, 0);
    cr_assert_eq(penalty(l2, two, 2), 0);
    cr_assert(isnan(r->violation(l2->self, &t, two, g)));
}

Test(l2, tells_how_far_a_minimum_is)
{
    const tn_instance *l2 = make("regularizer", "l2", "0.5", 1);
    const tn_regularizer_f64 *r = l2->vtable;
    const tn_tile t = tile_of(l2, 2);
    cr_assert_eq(r->violation(l2->self, &t, two, (double[]){-2.5, -4}), 0);
    cr_assert_float_eq(r->violation(l2->self, &t, two, (double[]){-2.5, -4.25}), 0.25,
                       1e-15);
    cr_assert(isnan(r->violation(l2->self, &t, two, (double[]){NAN, 0})));
}

Test(l2, refuses_a_negative_lambda)
{
    refuse("regularizer", "l2", "{lambda: -1}", "lambda");
}
