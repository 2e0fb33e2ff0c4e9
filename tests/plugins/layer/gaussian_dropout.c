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

/* Of a tile that begins at an odd number of the stream, too. */
Test(gaussian_dropout, multiplies_forward_and_backward_by_box_and_muller)
{
    check_layer *l = check_layer_new("gaussian_dropout", "0.4", check_shape(1, 100, 0, 0),
                                     10, 1);
    double *y = check_room(l->n, sizeof *y), *gx = check_room(l->n, sizeof *gx);
    check_forward(l, true, 77);
    check_backward(l, true, 77);
    for (int64_t i = 0; i < l->n; i++) {
        const double m = 1 + sqrt(0.4 / 0.6) * mask_normal((tn_key){{5, 6}}, i);
        y[i] = m * l->x[0][i], gx[i] = m * l->gy[i];
    }
    check_near(l->y, y, l->n, 1e-14, "y");
    check_near(l->gx[0], gx, l->n, 1e-14, "gx");
}

Test(gaussian_dropout, p_0_is_the_identity_bit_for_bit)
{
    mask_of_0_is_the_identity("{gaussian_dropout: 0}", check_shape(1, 100, 0, 0));
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

Test(gaussian_dropout, refuses)
{
    check_refuses("[{gaussian_dropout: 1}]", check_shape(1, 3, 0, 0), "outside [0, 1)");
}
