/* lamb.c - against the paper's algorithm, written plainly, and adam. */
#include "support/tensors.h"

/* You et al., algorithm 2, line by line. */
static void plain(const tensor_rule *r, int64_t step, bool adapts, int64_t n, double *w,
                  const double *g, double (*kept)[64])
{
    const double t = (double)step, decay = adapts ? r->decay : 0;
    double *m = kept[0], *v = kept[1], d[64];
    for (int64_t i = 0; i < n; i++) {
        m[i] = r->beta1 * m[i] + (1 - r->beta1) * g[i];
        v[i] = r->beta2 * v[i] + (1 - r->beta2) * g[i] * g[i];
        const double unbiased = m[i] / (1 - pow(r->beta1, t));
        const double scale = sqrt(v[i] / (1 - pow(r->beta2, t)));
        d[i] = unbiased / (scale + r->epsilon) + decay * w[i];
    }
    const double of_w = norm_of(w, n), of_d = norm_of(d, n);
    const double ratio = adapts && of_w > 0 && of_d > 0 ? of_w / of_d : 1;
    for (int64_t i = 0; i < n; i++) w[i] -= r->rate * ratio * d[i];
}

Test(lamb, follows_the_algorithm_of_the_paper)
{
    follows_in_lab("{lamb: {lr: 0.02}}", &(tensor_rule){0.02, 0.9, 0.999, 1e-6, 0.01, 0},
                   plain);
    follows_in_lab(
        "{lamb: {lr: 0.1, beta1: 0.7, beta2: 0.9, epsilon: 1e-3, weight_decay: 0.5}}",
        &(tensor_rule){0.1, 0.7, 0.9, 1e-3, 0.5, 0}, plain);
}

Test(lamb, follows_it_in_float)
{
    follows_in_float("lamb", "{weight_decay: 0.5}",
                     &(tensor_rule){0.02, 0.9, 0.999, 1e-6, 0.5, 0}, plain);
}

/* Each step of a weight is `rate` of it long. */
Test(lamb, steps_are_as_long_as_the_weight_says)
{
    lab l = open_lab("data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                     "model: [{dense: 4}, {dense: 2}]\nloss: mse\n"
                     "optimizer: {lamb: {lr: 0.01}}");
    for (int s = 0; s < 5; s++) {
        const double *before = kept(&l, weights(&l, 0), 0);
        double moved[64];
        step(&l);
        for (int64_t i = 0; i < size_of(&l, 0); i++)
            moved[i] = weights(&l, 0)[i] - before[i];
        cr_assert_float_eq(norm_of(moved, size_of(&l, 0)),
                           0.01 * norm_of(before, size_of(&l, 0)), 1e-12);
    }
    close_lab(&l);
}

/* A weight of zeros has no length; it takes a step of adam, and no NaN comes of it. */
Test(lamb, a_weight_of_zeros_begins_to_move)
{
    lab l = open_lab("data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                     "model: [{dense: {units: 2, init: zeros}}]\nloss: mse\n"
                     "optimizer: {lamb: {lr: 0.1}}");
    step(&l);
    for (int64_t i = 0; i < size_of(&l, 0); i++)
        cr_assert_float_eq(fabs(weights(&l, 0)[i]), 0.1, 1e-4);
    close_lab(&l);
}

Test(lamb, P3_F8_lasso_with_exact_zeros)
{
    finds_lasso_in_lab("{lamb: {lr: 0.01, weight_decay: 0}}", 4000);
    finds_lasso_in_lab("{lamb: {lr: 0.01, beta1: 0.5, beta2: 0.9, weight_decay: 0}}",
                       4000);
}

Test(lamb, refuses_impossible_options)
{
    refuse("optimizer", "lamb", "{beta2: 1}", "beta2");
    refuse("optimizer", "lamb", "{epsilon: 0}", "epsilon");
}
