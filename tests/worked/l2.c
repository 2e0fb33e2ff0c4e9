/* l2.c - worked examples of L2, part 2 of TECHNIQUES.md: a neuron that is sure of itself, w = [5, 8],
 * x = [2, 3], b = 0.5. */
#include "tests/support/neuron.h"

#define DOUBLE "precision: double\n"
#define CROSS "loss: binary_cross_entropy\n"
#define SGD "optimizer: {sgd: {lr: 0.1}}\n"

static const double sure[] = {5, 8};
static const float x[] = {2, 3}, mirror[] = {-2, -3}, nothing[] = {0, 0};

Test(worked_l2, P2_N2_what_it_adds_up)
{
    const neuron *n = neuron_new(2, sure, 0.5, NULL, CROSS SGD);
    cr_assert_eq(neuron_says(n, x), 34.5);
}

/* P2-N3, P2-N4, P2-N5, 0-5: 1 - sigmoid is 1.0395e-15, its square 1.08e-30; gradients are -2.079e-15 and
 * -3.119e-15, of the square -4.3e-30. By its mirror image, whose output near 0 has all digits. */
Test(worked_l2, P2_N3_P2_N4_P2_N5_how_sure_it_is)
{
    double g[2];
    neuron *n = neuron_new(2, sure, -0.5, NULL, DOUBLE CROSS SGD);
    cr_assert_float_eq(neuron_gradient(n, mirror, 0, g), 1.0395e-15, 1e-19);
    cr_assert_float_eq(g[0], -2.079e-15, 5e-19);
    cr_assert_float_eq(g[1], -3.119e-15, 1e-18);
    n = neuron_new(2, sure, -0.5, "sigmoid", DOUBLE "loss: mse\n" SGD);
    cr_assert_float_eq(neuron_gradient(n, mirror, 0, g), 1.08e-30, 1e-32);
    cr_assert_float_eq(g[0], -4.3e-30, 5e-32);
    /* as the seed rounds it: the square is 1e-16 */
    const double seed[] = {0.99999999};
    n = neuron_new(1, seed, 0, NULL, DOUBLE "loss: mse\n" SGD);
    cr_assert_float_eq(neuron_gradient(n, (float[]){1}, 1, g), 1e-16, 1e-23);
}

/* P2-N6, 0-5: -2e-8 and -3e-8 lead to 5.000000002 and 8.000000003; the true gradients nowhere in float,
 * where the sigmoid is 1. */
Test(worked_l2, P2_N6_one_step_without)
{
    neuron *n = neuron_new(2, sure, 0.5, NULL, DOUBLE "loss: linear\n" SGD);
    neuron_steps(n, x, -1e-8F, 1);
    neuron_is(n, (double[]){5.000000002, 8.000000003}, 1e-15);
    n = neuron_new(2, sure, 0.5, "sigmoid", "loss: mse\n" SGD);
    cr_assert_eq(neuron_says(n, x), 1);
    n = neuron_new(2, sure, 0.5, NULL, CROSS SGD);
    neuron_steps(n, x, 1, 1);
    neuron_is(n, sure, 0);
}

/* P2-N8: .04999998 and .07999997 with the seed's gradients of the data. */
Test(worked_l2, P2_N8_P2_N9_one_step_with)
{
    neuron *n = neuron_new(2, sure, 0.5, NULL,
                           DOUBLE CROSS SGD "regularizer: {l2: 0.01}");
    neuron_steps(n, x, 1, 1);
    neuron_is(n, (double[]){4.995, 7.992}, 2e-15);
    n = neuron_new(2, sure, 0.5, NULL,
                   DOUBLE "loss: linear\n" SGD "regularizer: {l2: 0.01}");
    neuron_steps(n, x, -1e-8F, 1);
    neuron_is(n, (double[]){5 - 0.1 * 0.04999998, 8 - 0.1 * 0.07999997}, 2e-15);
}

/* P2-N10, 0-1: after 100 steps [4.52396, 7.23834], not [1.23, 1.98], by penalty and by decay with the
 * same bits; without, [5, 8]. */
Test(worked_l2, P2_N10_a_hundred_steps)
{
    neuron *plain = neuron_new(2, sure, 0.5, NULL, DOUBLE CROSS SGD),
           *penalty = neuron_new(2, sure, 0.5, NULL,
                                 DOUBLE CROSS SGD "regularizer: {l2: 0.01}"),
           *decay = neuron_new(2, sure, 0.5, NULL,
                               DOUBLE CROSS
                               "optimizer: {sgd: {lr: 0.1, weight_decay: 0.01}}");
    neuron_steps(plain, x, 1, 100);
    neuron_is(plain, sure, 1e-12);
    for (int i = 0; i < 100; i++) {
        neuron_steps(penalty, x, 1, 1);
        neuron_steps(decay, x, 1, 1);
        for (int k = 0; k < 2; k++)
            cr_assert_eq(neuron_w(penalty, k), neuron_w(decay, k));
    }
    neuron_is(penalty, (double[]){4.52396, 7.23834}, 5e-6);
}

/* Steps until weight i is at most `to`, under decay alone. */
static int steps_to(int i, double to)
{
    int steps = 0;
    neuron *n = neuron_new(2, sure, 0.5, NULL,
                           DOUBLE CROSS SGD "regularizer: {l2: 0.01}");
    for (; neuron_w(n, i) > to; steps++) neuron_steps(n, nothing, 1, 1);
    return steps;
}

/* 0-1: what the seed has after 100 steps takes 1402 and 1396. */
Test(worked_l2, how_long_it_takes)
{
    cr_assert_eq(steps_to(0, 1.23), 1402);
    cr_assert_eq(steps_to(1, 1.98), 1396);
}

/* An input that moves by .01 moves the output by 1 under a weight of 100, by .01 under 1. */
Test(worked_l2, P2_N19_how_much_an_input_moves)
{
    static const double weight[] = {100, 1}, moves[] = {1, 0.01};
    for (int i = 0; i < 2; i++) {
        const neuron *n = neuron_new(1, weight + i, 0, NULL, "loss: mse\n" SGD);
        for (int sign = -1; sign <= 1; sign += 2) {
            const float by[] = {0.01F * (float)sign};
            cr_assert_float_eq(neuron_says(n, by), sign * moves[i], 1e-7);
        }
    }
}
