/* stochastic_depth.c - layer/stochastic_depth: whole samples are dropped, the share and scale of
 * those that stay, masks that depend on the logical sample alone, gradients under a fixed mask. */
#include "tests/support/masking.h"

enum { SAMPLES = 4000, SIZE = 12 };

static check_layer *dropped(const char *options)
{
    check_layer *l = check_layer_new("stochastic_depth", options, check_shape(2, 3, 4, 0),
                                     SAMPLES, 1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    return l;
}

Test(stochastic_depth, drops_samples_and_scales_up_the_rest)
{
    const check_layer *l = dropped("0.3");
    double *y = check_room(l->n, sizeof *y), *gx = check_room(l->n, sizeof *gx);
    for (int32_t s = 0; s < SAMPLES; s++) {
        const bool out = tn_random_bits((tn_key){{5, 6}}, (uint64_t)s) < 0x4ccccccc;
        for (int32_t i = s * SIZE; i < (s + 1) * SIZE; i++) {
            const double factor = out ? 0 : 1 / 0.7;
            y[i] = factor * l->x[0][i], gx[i] = factor * l->gy[i];
        }
    }
    check_near(l->y, y, l->n, 1e-15, "y");
    check_near(l->gx[0], gx, l->n, 1e-15, "gx");
}

/* The mean over many masks is the input: what evaluation gives. */
Test(stochastic_depth, obeys_its_law)
{
    const tn_shape in = check_shape(1, 1, 0, 0);
    mask_has_two_points(mask_of_ones("[{stochastic_depth: 0.3}]", in, MASK_MANY, 2),
                        MASK_MANY, 0.3, 1 / 0.7, 0);
    mask_is_independent("{stochastic_depth: 0.5}", in, MASK_MANY);
}

Test(stochastic_depth, both_ends)
{
    mask_has_both_ends("stochastic_depth", check_shape(2, 3, 4, 0));
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

Test(stochastic_depth, refuses_what_is_no_probability)
{
    check_refuses("[{stochastic_depth: 1.1}]", check_shape(1, 3, 0, 0), "outside [0, 1]");
    check_refuses("[{stochastic_depth: -0.1}]", check_shape(1, 3, 0, 0),
                  "outside [0, 1]");
}
