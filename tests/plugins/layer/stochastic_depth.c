/* stochastic_depth.c - layer/stochastic_depth: whole samples are dropped, the share and scale of
 * those that stay, masks that depend on the logical sample alone, gradients under a fixed mask. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/support/check.h"

enum { SAMPLES = 4000, SIZE = 12 };

static check_layer *dropped(const char *options)
{
    check_layer *l = check_layer_new("stochastic_depth", options, check_shape(2, 3, 4, 0),
                                     SAMPLES, 1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    return l;
}

/* 4000 draws: five standard deviations are 0.036 at p = 0.3. */
Test(stochastic_depth, drops_samples_and_scales_up_the_rest)
{
    const check_layer *l = dropped("0.3");
    double *y = check_room(l->n, sizeof *y), *gx = check_room(l->n, sizeof *gx);
    int32_t zeros = 0;
    for (int32_t s = 0; s < SAMPLES; s++) {
        const bool out = tn_random_bits((tn_key){{5, 6}}, (uint64_t)s) < 0x4ccccccc;
        zeros += out;
        for (int32_t i = s * SIZE; i < (s + 1) * SIZE; i++) {
            const double factor = out ? 0 : 1 / 0.7;
            y[i] = factor * l->x[0][i], gx[i] = factor * l->gy[i];
        }
    }
    check_near(l->y, y, l->n, 1e-15, "y");
    check_near(l->gx[0], gx, l->n, 1e-15, "gx");
    cr_assert_float_eq((double)zeros / SAMPLES, 0.3, 0.036);
}

/* The mean over many masks is the input: what evaluation gives. */
Test(stochastic_depth, keeps_the_expectation)
{
    const check_layer *l = dropped("0.5");
    double sum = 0, all = 0;
    for (int32_t i = 0; i < SAMPLES * SIZE; i++)
        sum += l->y[i] * l->x[0][i], all += l->x[0][i] * l->x[0][i];
    cr_assert_float_eq(sum / all, 1, 5 / sqrt(SAMPLES));
}

Test(stochastic_depth, p_0_is_the_identity_bit_for_bit)
{
    const check_layer *l = dropped("0");
    cr_assert_eq(memcmp(l->y, l->x[0], sizeof(double) * SAMPLES * SIZE), 0);
    cr_assert_eq(memcmp(l->gx[0], l->gy, sizeof(double) * SAMPLES * SIZE), 0);
}

Test(stochastic_depth, a_dropped_sample_is_not_looked_at)
{
    check_layer *l = dropped("0.5");
    for (int32_t i = 0; i < SAMPLES * SIZE; i++)
        if (l->y[i] == 0) l->x[0][i] = NAN;
    check_forward(l, true, 0);
    for (int32_t i = 0; i < SAMPLES * SIZE; i++) cr_assert(isfinite(l->y[i]));
}

Test(stochastic_depth, the_mask_belongs_to_the_sample)
{
    check_runs("stochastic_depth", "0.5", 1, true);
    check_threads("[{dense: 7}, {stochastic_depth: 0.4}, {dense: 3}]",
                  check_shape(2, 5, 6, 0), 40);
}

/* On random shapes of one to three axes, alone and riding on a product. */
Test(stochastic_depth, gradients_under_a_fixed_mask)
{
    char model[100];
    for (uint32_t i = 0; i < 15; i++) {
        const double p = 0.05 + 0.03 * (double)i;
        const tn_shape in = check_draw_shape(i, 1, 3, 5);
        const int64_t samples = i ? check_draw(i, 9, 4, 9) : 1;
        snprintf(model, sizeof model, "[{dense: 5}, {stochastic_depth: %g}, {dense: 3}]",
                 p);
        check_gradients(model, NULL, 0, in, samples, true);
        snprintf(model, sizeof model, "[{dense: 4}, tanh, {stochastic_depth: %g}]", p);
        check_gradients(model, NULL, 0, in, samples, true);
    }
    check_precisions("[{dense: 8}, {stochastic_depth: 0.4}]", NULL, 0,
                     check_shape(1, 4, 0, 0), 9, 1e-5);
}

Test(stochastic_depth, refuses_what_is_no_probability_below_1)
{
    check_refuses("[{stochastic_depth: 1}]", check_shape(1, 3, 0, 0), "outside [0, 1)");
    check_refuses("[{stochastic_depth: -0.1}]", check_shape(1, 3, 0, 0),
                  "outside [0, 1)");
}
