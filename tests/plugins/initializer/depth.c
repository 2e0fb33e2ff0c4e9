/* depth.c - what initializers are for: signals and gradients through ten layers of 1,000 keep their
 * size where theory says so, and vanish or explode where it says that (TECHNIQUES P5-E, measured with
 * PyTorch, on inputs of another size). */
#include "support/depth.h"

/* He: second moments behind relu stay, E y^2 = E z^2 / 2 = 1; mean sqrt(1 / pi), as of half a normal
 * with E z^2 = 2. Gradients of the hidden weights stay as well. */
Test(depth, P5_E3_he_keeps_signals_behind_relu)
{
    const depth d = dive("he", "relu");
    for (int i = 0; i + 1 < DEPTH; i++) {
        cr_assert(d.square[i] > 0.8 && d.square[i] < 1.25, "%d: %g", i + 1, d.square[i]);
        cr_assert(d.mean[i] > 0.49 && d.mean[i] < 0.64, "%d: %g", i + 1, d.mean[i]);
        cr_assert(d.gradient[i] > d.gradient[8] / 2 && d.gradient[i] < 2 * d.gradient[8],
                  "%d: %g", i + 1, d.gradient[i]);
    }
}

/* tanh shrinks a little more in each layer, as z (1 - z^2 / 3) does: to some 0.25 of 1 at the ninth. */
Test(depth, P5_E8_xavier_keeps_signals_and_gradients_behind_tanh)
{
    const depth d = dive("xavier", "tanh");
    for (int i = 1; i + 1 < DEPTH; i++)
        cr_assert(d.square[i] < d.square[i - 1] && grown(&d, i) > 0.3);
    cr_assert_float_eq(sqrt(d.square[8]), 0.25, 0.04);
    for (int i = 1; i + 1 < DEPTH; i++)
        cr_assert(d.gradient[i] / d.gradient[8] > 0.2 &&
                      d.gradient[i] / d.gradient[8] < 5,
                  "%d: %g", i + 1, d.gradient[i] / d.gradient[8]);
}

/* Mean 0 and variance 1 are selu's fixed point. */
Test(depth, lecun_keeps_mean_and_variance_behind_selu)
{
    const depth d = dive("lecun", "selu");
    for (int i = 0; i + 1 < DEPTH; i++) {
        cr_assert_float_eq(d.mean[i], 0, 0.08, "%d: %g", i + 1, d.mean[i]);
        cr_assert_float_eq(d.square[i], 1, 0.15, "%d: %g", i + 1, d.square[i]);
        cr_assert(d.gradient[i] > d.gradient[8] / 2 && d.gradient[i] < 2 * d.gradient[8]);
    }
}

Test(depth, orthogonal_weights_keep_lengths_exactly)
{
    const depth d = dive("orthogonal", "{leaky_relu: {slope: 1}}");
    for (int i = 1; i + 1 < DEPTH; i++) cr_assert_float_eq(grown(&d, i), 1, 1e-5);
}

/* Each sigmoid costs a quarter: what tells samples apart is gone, and the gradient with it. */
Test(depth, P5_E2_xavier_and_sigmoid_vanish)
{
    const depth d = dive("xavier", "sigmoid");
    for (int i = 1; i + 1 < DEPTH; i++) {
        const double kept = d.spread[i] / d.spread[i - 1];
        cr_assert(kept > 0.2 && kept < 0.27, "%d: %g", i + 1, kept);
    }
    const double ratio = d.gradient[0] / d.gradient[9];
    cr_assert(ratio > 1e-6 && ratio < 2e-5, "%g; PyTorch, 12,288 inputs: 6.4e-6", ratio);
}

/* sqrt(1000 2^2 / 2) = 44.7 a layer, give or take its sqrt(5 / 1000) / 2 where samples point the same
 * way, as they do behind many relus. */
Test(depth, P5_E7_deviation_2_and_relu_explode)
{
    const depth d = dive("{normal: 2}", "relu");
    for (int i = 1; i + 1 < DEPTH; i++) {
        const double growth = sqrt(d.square[i] / d.square[i - 1]);
        cr_assert_float_eq(growth, 44.72, 6, "%d: %g", i + 1, growth);
    }
    cr_assert_float_eq(pow(grown(&d, 8), 1.0 / 8), 44.72, 2);
    cr_assert(d.loss > 1e14 && isfinite(d.loss), "%g", d.loss);
}

/* Gradients grow backwards, and the loss begins far from log 2. */
Test(depth, P5_E4_deviation_1_and_sigmoid_explode)
{
    const depth d = dive("{normal: 1}", "sigmoid");
    cr_assert(d.gradient[0] > 10 * d.gradient[9], "%g %g", d.gradient[0], d.gradient[9]);
    cr_assert_gt(d.loss, 3);
}

/* Deviation 0.01: signals vanish by sqrt(1000 0.01^2 / 2) = 0.224 a layer. */
Test(depth, P5_E9_small_weights_and_relu_vanish)
{
    const depth d = dive("{normal: 0.01}", "relu");
    for (int i = 1; i + 1 < DEPTH; i++)
        cr_assert_float_eq(sqrt(d.square[i] / d.square[i - 1]), 0.2236, 0.02);
}
