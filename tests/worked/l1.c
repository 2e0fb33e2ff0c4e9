/* l1.c - worked examples of L1 beside L2, part 3 of TECHNIQUES.md: a neuron with w = [2, 0.3, 5],
 * x = [2, 1.5, 3], b = 0.5, lambda 0.1, rate 0.1. */
#include "tests/support/neuron.h"

#define DOUBLE "precision: double\n"
#define CROSS "loss: binary_cross_entropy\n"
#define SGD "optimizer: {sgd: {lr: 0.1}}\n"

static const double w[] = {2, 0.3, 5};
static const float x[] = {2, 1.5F, 3}, mirror[] = {-2, -1.5F, -3}, nothing[] = {0, 0, 0};

static neuron *start(const char *rest)
{
    char text[300];
    snprintf(text, sizeof text, DOUBLE CROSS SGD "regularizer: %s", rest);
    return neuron_new(3, w, 0.5, NULL, text);
}

/* P3-N4: 19.95. P3-N5, 0-6: 1 - sigmoid is 2.16683e-9, its square 4.695e-18 (by the mirror image). */
Test(worked_l1, P3_N4_P3_N5_how_sure_it_is)
{
    double g[3];
    neuron *n = neuron_new(3, w, -0.5, NULL, DOUBLE CROSS SGD);
    cr_assert_float_eq(neuron_says(n, mirror), -19.95, 1e-6);
    neuron_gradient(n, mirror, 0, g);
    cr_assert_float_eq(g[0], -2 * 2.16683e-9, 1e-14);
    n = neuron_new(3, w, -0.5, "sigmoid", DOUBLE "loss: mse\n" SGD);
    cr_assert_float_eq(neuron_gradient(n, mirror, 0, g), 4.695e-18, 5e-22);
}

Test(worked_l1, P3_N8_P3_N12_one_step)
{
    neuron *l2 = start("{l2: 0.1}"), *l1 = start("{l1: 0.1}"),
           *sub = start("{l1: {lambda: 0.1, prox: false}}");
    neuron_steps(l2, x, 1, 1), neuron_steps(l1, x, 1, 1), neuron_steps(sub, x, 1, 1);
    neuron_is(l2, (double[]){1.98, 0.297, 4.95}, 1e-8);
    neuron_is(l1, (double[]){1.99, 0.29, 4.99}, 1e-8);
    neuron_is(sub, (double[]){1.99, 0.29, 4.99}, 1e-8);
}

/* P3-N9, 0-3: after 100 steps of L2 [.73312, .11060, 1.83174], of decay alone [.73206, .10981, 1.83016];
 * what the seed has, [1.23, .19, 3.08], is near step 49. */
Test(worked_l1, P3_N9_a_hundred_steps_of_l2)
{
    neuron *n = start("{l2: 0.1}");
    neuron_steps(n, x, 1, 100);
    neuron_is(n, (double[]){0.73312, 0.11060, 1.83174}, 5e-6);
    n = start("{l2: 0.1}");
    neuron_steps(n, nothing, 1, 49);
    neuron_is(n, (double[]){1.2222, 0.1833, 3.0556}, 5e-5);
    neuron_steps(n, nothing, 1, 51);
    neuron_is(n, (double[]){0.73206, 0.10981, 1.83016}, 5e-6);
}

/* P3-N13, P3-N14, P3-N15, 0-4: the second weight under both, and its gradient under L2. The input is 0,
 * so that there is no other. */
Test(worked_l1, P3_N13_P3_N14_P3_N15_step_by_step)
{
    static const struct {
        int step;
        double l2, slope, l1;
    } row[] = {{1, 0.2970, 0.0297, 0.29},  {5, 0.2853, 0.0285, 0.25},
               {10, 0.2713, 0.0271, 0.20}, {15, 0.2580, 0.0258, 0.15},
               {20, 0.2454, 0.0245, 0.10}, {25, 0.2333, 0.0233, 0.05},
               {30, 0.2219, 0.0222, 0},    {50, 0.1815, 0.0182, 0},
               {100, 0.1098, 0.0110, 0}};
    neuron *l2 = start("{l2: 0.1}"), *l1 = start("{l1: 0.1}");
    int step = 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        neuron_steps(l2, nothing, 1, row[i].step - step);
        neuron_steps(l1, nothing, 1, row[i].step - step);
        step = row[i].step;
        cr_assert_float_eq(neuron_w(l2, 1), row[i].l2, 5e-5, "step %d", step);
        cr_assert_float_eq(neuron_w(l1, 1), row[i].l1, row[i].l1 > 0 ? 1e-14 : 0,
                           "step %d", step);
        if (step == 30) neuron_is(l1, (double[]){1.70, 0, 4.70}, 1e-13);
        neuron *next = start("{l2: 0.1}"); /* what one step more takes, per rate */
        neuron_set(&next->w, 1, neuron_w(l2, 1));
        neuron_steps(next, nothing, 1, 1);
        cr_assert_float_eq((neuron_w(l2, 1) - neuron_w(next, 1)) / 0.1, row[i].slope,
                           5.1e-5, "step %d", step);
    }
}

/* The step at which the second weight is exactly zero, in float; 0 if never in 100. */
static int first_zero(const char *rest, double *at30, double *at31, int *flips)
{
    int first = 0;
    double before = w[1];
    neuron *n = neuron_new(3, w, 0.5, NULL, rest);
    for (int step = 1; step <= 100; step++) {
        neuron_steps(n, nothing, 1, 1);
        const double now = neuron_w(n, 1);
        if (now == 0 && !first) first = step;
        if (step == 30) *at30 = now;
        if (step == 31) *at31 = now;
        *flips += (now > 0) != (before > 0);
        before = now;
    }
    return first;
}

/* 0-8: the subgradient is at -1.9e-9 after 30 steps of float, at .01 after 31, and goes on changing its
 * sign, 71 times in 100 steps; the prox is at zero after 30 steps if the threshold is 0.1 times 0.1 in
 * float, after 31 if it is 0.01. */
Test(worked_l1, only_the_prox_has_zeros)
{
    double at30 = 0, at31 = 0;
    int flips = 0, none = 0;
    cr_assert_eq(first_zero(CROSS SGD "regularizer: {l1: {lambda: 0.1, prox: false}}",
                            &at30, &at31, &flips),
                 0);
    cr_assert_float_eq(at30, -1.9e-9, 5e-11, "%g", at30);
    cr_assert_float_eq(at31, 0.01, 1e-8, "%g", at31);
    cr_assert_eq(flips, 71, "%d", flips);
    cr_assert_eq(first_zero(CROSS SGD "regularizer: {l1: 0.1}", &at30, &at31, &none), 30);
    cr_assert_eq(first_zero(CROSS "optimizer: {sgd: {lr: 1}}\nregularizer: {l1: 0.01}",
                            &at30, &at31, &none),
                 31);
}

/* 0-9: a weight of zero stays there while the gradient of the data is at most lambda, no longer. */
Test(worked_l1, zero_is_not_dead)
{
    static const double zero[] = {0};
    static const struct {
        float slope;
        double weight;
    } data[] = {
        {0.0625F, 0}, {0.125F, 0}, {-0.125F, 0}, {0.25F, -0.0125}, {-0.25F, 0.0125}};
    for (int i = 0; i < 5; i++) {
        neuron *n = neuron_new(1, zero, 0, NULL,
                               DOUBLE "loss: linear\n" SGD "regularizer: {l1: 0.125}");
        neuron_steps(n, (float[]){1}, data[i].slope, 1);
        cr_assert_float_eq(neuron_w(n, 0), data[i].weight,
                           data[i].weight != 0 ? 1e-16 : 0, "%g", neuron_w(n, 0));
    }
}

/* ---- which of many inputs count ------------------------------------------------------- */

enum { GENES = 1000, KEPT = 20, PATIENTS = 400 };

/* P3-N38: of 1000 genes 20 make the outcome; L1 leaves the weights of these, and 980 exact zeros. */
Test(worked_l1, P3_N38_twenty_of_a_thousand_genes)
{
    static float gene[PATIENTS * GENES], outcome[PATIENTS];
    static const double nothing_yet[GENES];
    neuron *n = neuron_new(GENES, nothing_yet, 0, NULL,
                           "loss: mse\noptimizer: {sgd: {lr: 0.02, momentum: 0.9}}\n"
                           "regularizer: {l1: 0.1}");
    tn_error e = {0};
    for (int i = 0; i < PATIENTS * GENES; i++)
        gene[i] = (float)tn_random_normal((tn_key){{1, 38}}, (uint64_t)i);
    for (int i = 0; i < PATIENTS; i++)
        for (int k = 0; k < KEPT; k++)
            outcome[i] += (k % 2 ? 1.0F : -1.0F) * gene[i * GENES + 50 * k];
    for (int i = 0; i < 600; i++)
        NEURON_DO(tn_trainer_step(n->trainer, gene, outcome, NULL, PATIENTS, NULL, &e));
    int zeros = 0;
    for (int i = 0; i < GENES; i++) {
        const double weight = neuron_w(n, i), truth = i % 50 ? 0 : i % 100 ? 1 : -1;
        zeros += weight == 0;
        cr_assert_float_eq(weight, truth, truth != 0 ? 0.2 : 0, "gene %d: %g", i, weight);
    }
    cr_assert_eq(zeros, GENES - KEPT);
}
