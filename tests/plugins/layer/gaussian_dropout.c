/* gaussian_dropout.c - layer/gaussian_dropout: its law, the same noise forward and backward, gradients,
 * threads. */
#include "tests/support/masking.h"

Test(gaussian_dropout, obeys_its_law)
{
    const tn_shape in = check_shape(1, 1024, 0, 0);
    static const double ps[] = {0.1, 0.5, 0.8};
    char model[60];
    for (int i = 0; i < 3; i++) {
        const double variance = ps[i] / (1 - ps[i]);
        snprintf(model, sizeof model, "[{gaussian_dropout: %g}]", ps[i]);
        mask_has_moments(mask_of_ones(model, in, 1024, 2), MASK_MANY, 1, variance,
                         3 * variance * variance);
    }
    mask_is_independent("{gaussian_dropout: 0.3}", in, 1024);
}

Test(gaussian_dropout, multiplies_forward_and_backward_alike)
{
    check_layer *l = check_layer_new("gaussian_dropout", "0.4", check_shape(1, 100, 0, 0),
                                     10, 1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    for (int64_t i = 0; i < l->n; i++)
        cr_assert_float_eq(l->y[i] * l->gy[i], l->gx[0][i] * l->x[0][i], 1e-14);
}

Test(gaussian_dropout, p_0_is_the_identity_bit_for_bit)
{
    check_layer *l = check_layer_new("gaussian_dropout", "0", check_shape(1, 100, 0, 0),
                                     9, 1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    cr_assert_arr_eq(l->y, l->x[0], sizeof(double) * 900);
    cr_assert_arr_eq(l->gx[0], l->gy, sizeof(double) * 900);
}

Test(gaussian_dropout, gradients)
{
    mask_check_gradients("{gaussian_dropout: %g}", 0.9, 1, 3);
}

Test(gaussian_dropout, is_the_same_on_any_threads_and_in_parts)
{
    check_runs("gaussian_dropout", "0.5", 1, true);
    mask_is_the_same("{gaussian_dropout: 0.4}", check_shape(1, 21, 0, 0), 33);
    mask_is_idle("[gaussian_dropout]", check_shape(1, 200, 0, 0), 4);
}

/* Below 0 there is no noise; at 1 and above that of 1 - 2^-32, of deviation 65536. */
Test(gaussian_dropout, schedules_beyond_the_ends)
{
    static const double beyond[] = {1, 1.5};
    check_layer *l = check_layer_new("gaussian_dropout", "0.5", check_shape(1, 100, 0, 0),
                                     90, 1);
    l->instance->now[0] = -0.5;
    check_forward(l, true, 0);
    cr_assert_arr_eq(l->y, l->x[0], sizeof(double) * 9000);
    for (int k = 0; k < 2; k++) {
        double sum = 0;
        l->instance->now[0] = beyond[k];
        check_forward(l, true, 0);
        check_backward(l, true, 0);
        for (int64_t i = 0; i < l->n; i++) {
            const double m = l->y[i] / l->x[0][i];
            cr_assert(isfinite(l->y[i]) && isfinite(l->gx[0][i]));
            sum += m * m / (double)l->n;
        }
        cr_assert_float_eq(sum / 0x1p32, 1, 5 * sqrt(2 / 9000.));
    }
}

Test(gaussian_dropout, refuses)
{
    check_refuses("[{gaussian_dropout: 1}]", check_shape(1, 3, 0, 0), "outside [0, 1)");
}
