/* lars.c - against the paper's algorithm, written plainly. */
#include "support/tensors.h"

/* You, Gitman, Ginsburg, algorithm 1, line by line. */
static void plain(const tensor_rule *r, int64_t step, bool adapts, int64_t n, double *w,
                  const double *g, double (*v)[64])
{
    const double decay = adapts ? r->decay : 0, of_w = norm_of(w, n),
                 of_g = norm_of(g, n);
    const double local = adapts && of_w > 0 && of_g > 0
                             ? r->trust * of_w / (of_g + decay * of_w)
                             : 1;
    for (int64_t i = 0; i < n; i++) {
        v[0][i] = r->beta1 * v[0][i] + local * (g[i] + decay * w[i]);
        w[i] -= r->rate * v[0][i];
    }
}

Test(lars, follows_the_algorithm_of_the_paper)
{
    follows_in_lab("{lars: {lr: 0.5}}",
                   &(tensor_rule){.rate = 0.5, .beta1 = 0.9, .trust = 1e-3}, plain);
    follows_in_lab("{lars: {lr: 0.5, momentum: 0.5, trust: 0.1, weight_decay: 0.3}}",
                   &(tensor_rule){.rate = 0.5, .beta1 = 0.5, .trust = 0.1, .decay = 0.3},
                   plain);
}

Test(lars, follows_it_in_float)
{
    follows_in_float(
        "lars", "{trust: 0.1, weight_decay: 0.3}",
        &(tensor_rule){.rate = 0.5, .beta1 = 0.9, .trust = 0.1, .decay = 0.3}, plain);
}

/* Whatever the size of the gradient, the first step is `trust` of the weight long. */
Test(lars, steps_are_as_long_as_the_weight_says)
{
    for (int scale = 0; scale < 2; scale++) {
        lab l = open_lab("data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                         "model: [{dense: 4}, {dense: 2}]\nloss: mse\n"
                         "optimizer: {lars: {lr: 1, trust: 0.01}}");
        const double *before = kept(&l, weights(&l, 0), 0);
        double moved[64];
        for (int i = 0; scale && i < SAMPLES * 2; i++) targets[i] *= 1000;
        step(&l);
        for (int64_t i = 0; i < size_of(&l, 0); i++)
            moved[i] = weights(&l, 0)[i] - before[i];
        cr_assert_float_eq(norm_of(moved, size_of(&l, 0)),
                           0.01 * norm_of(before, size_of(&l, 0)), 1e-12);
        close_lab(&l);
    }
}

/* A weight of zeros has no length; it takes plain steps, and no NaN comes of it. */
Test(lars, a_weight_of_zeros_begins_to_move)
{
    lab l = open_lab("data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                     "model: [{dense: {units: 2, init: zeros}}]\nloss: mse\n"
                     "optimizer: {lars: {lr: 0.1}}");
    look(&l);
    const double *g = kept(&l, gradient(&l, 0), 0);
    step(&l);
    for (int64_t i = 0; i < size_of(&l, 0); i++)
        cr_assert_float_eq(weights(&l, 0)[i], -0.1 * g[i], 1e-15);
    close_lab(&l);
}

Test(lars, P3_F8_lasso_with_exact_zeros)
{
    finds_lasso_in_lab("{lars: {lr: 0.5, trust: 0.1, momentum: 0}}", 4000);
    finds_lasso_in_lab("{lars: {lr: 0.1, trust: 0.1}}", 4000);
}

Test(lars, refuses_impossible_options)
{
    refuse("optimizer", "lars", "{trust: 0}", "trust");
    refuse("optimizer", "lars", "{momentum: 1}", "momentum");
}
