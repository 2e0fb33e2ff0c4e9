/* elastic_net.c - the mixture of two penalties, its gradient and its proximal step. */
#include "support/regularizing.h"

static const char *const options[] = {"{lambda: 0.7, prox: false}",
                                      "{lambda: 2, l1_ratio: 0.1, prox: false}",
                                      "{lambda: 0.3, l1_ratio: 1, prox: false}"};

Test(elastic_net, follows_pytorch)
{
    follows_torch("elastic_net");
}

Test(elastic_net, gradient_is_added_and_is_the_derivative_of_the_penalty)
{
    is_derivative("elastic_net", options, 3);
}

Test(elastic_net, penalty_is_that_of_scikit_learn)
{
    subject s = subject_of("elastic_net", "{lambda: 0.5, l1_ratio: 0.3}", 1, 3);
    const double w[] = {2, -0.5, 0};
    cr_assert_float_eq(penalty_of(&s, w), 0.5 * (0.3 * 2.5 + 0.35 * 4.25), 1e-15);
}

Test(elastic_net, prox_minimizes_what_it_says)
{
    subject s = subject_of("elastic_net", "{lambda: 0.7, l1_ratio: 0.4}", 1, 1);
    for (double w = -2; w <= 2; w += 0.37) {
        double v = w;
        const double step = 0.9;
        prox_of(&s, &step, &v);
        const double best = penalty_of(&s, &v) + (v - w) * (v - w) / (2 * step) - 1e-12;
        for (double other = -2.5; other <= 2.5; other += 0.01)
            cr_assert_geq(penalty_of(&s, &other) + (other - w) * (other - w) / (2 * step),
                          best);
    }
}

Test(elastic_net, ends_of_the_ratio_are_lasso_and_ridge)
{
    double net[5], lasso[5], ridge[5], step[5];
    draw_weights(1, 5, net);
    draw_steps(1, 5, true, step);
    memcpy(lasso, net, sizeof net);
    memcpy(ridge, net, sizeof net);
    subject a = subject_of("elastic_net", "{lambda: 0.4, l1_ratio: 1}", 1, 5),
            b = subject_of("l1", "0.4", 1, 5),
            c = subject_of("elastic_net", "{lambda: 0.4, l1_ratio: 0}", 1, 5);
    prox_of(&a, step, net);
    prox_of(&b, step, lasso);
    cr_assert_arr_eq(net, lasso, sizeof net);
    memcpy(net, ridge, sizeof net);
    prox_of(&c, step, net);
    for (int i = 0; i < 5; i++) ridge[i] /= 1 + 0.4 * step[i];
    near(net, ridge, 5, 1e-16);
}

Test(elastic_net, zeros_are_positive_and_nan_stays)
{
    subject s = subject_of("elastic_net", "1", 1, 4);
    double w[] = {0.1, -0.1, -0.0, NAN};
    prox_of(&s, (double[]){1, 1, 1, 1}, w);
    for (int i = 0; i < 3; i++) cr_assert(w[i] == 0 && !signbit(w[i]));
    cr_assert(isnan(w[3]));
}

/* At a minimum of sum a/2 (w - b)^2 plus the penalty, found by plain descent. */
Test(elastic_net, tells_how_far_a_minimum_is)
{
    double w[WEIGHTS], g[WEIGHTS];
    tn_instance *net = make("regularizer", "elastic_net", "{lambda: 0.5, l1_ratio: 0.7}",
                            1);
    const tn_regularizer_f64 *r = net->vtable;
    const course c = {make("optimizer", "sgd", NULL, 1), net, 0.1, 0, 4000};
    const tn_tile t = tile_of(net, WEIGHTS);
    run_f64(&c, w);
    for (int i = 0; i < WEIGHTS; i++) g[i] = hollow[i] * (w[i] - centre[i]);
    cr_assert(w[0] == 0 && w[1] > 0);
    cr_assert_leq(r->violation(net->self, &t, w, g), 1e-14);
    g[0] += 1, w[2] += 1e-3;
    cr_assert_float_eq(r->violation(net->self, &t, w, g), fabs(g[0]) - 0.35, 1e-15);
}

Test(elastic_net, refuses_impossible_options)
{
    refuse("regularizer", "elastic_net", "{lambda: -1}", "lambda");
    refuse("regularizer", "elastic_net", "{l1_ratio: 1.5}", "l1_ratio");
}
