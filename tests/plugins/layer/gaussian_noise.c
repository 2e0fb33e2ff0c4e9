/* gaussian_noise.c - layer/gaussian_noise: its law, noise against Box and Muller with the C library's
 * functions, gradients, threads. */
#include "tests/support/masking.h"

Test(gaussian_noise, obeys_its_law)
{
    const tn_shape in = check_shape(1, 1024, 0, 0);
    const double *y = mask_of_ones("[{gaussian_noise: 0.3}]", in, 1024, 2);
    mask_has_moments(y, MASK_MANY, 1, 0.09, 3 * 0.09 * 0.09);
    mask_is_independent("{gaussian_noise: 0.3}", in, 1024);
    /* shares of a normal beyond 1, 2, 3 and 4 deviations */
    static const double beyond[] = {0.31731050786, 0.0455002638964, 0.00269979606326,
                                    6.33424836662e-5};
    for (int k = 0; k < 4; k++) {
        int64_t count = 0;
        for (int64_t i = 0; i < MASK_MANY; i++) count += fabs(y[i] - 1) > 0.3 * (k + 1);
        cr_assert_float_eq((double)count, MASK_MANY * beyond[k],
                           5 * sqrt(MASK_MANY * beyond[k]));
    }
}

/* Of a tile that begins at an odd number of the stream, too. */
Test(gaussian_noise, is_box_and_muller)
{
    check_layer *l = check_layer_new("gaussian_noise", "2", check_shape(1, 100, 0, 0), 33,
                                     1);
    double *want = check_room(l->n, sizeof *want);
    check_forward(l, true, 77);
    for (int64_t i = 0; i < l->n; i++)
        want[i] = l->x[0][i] + 2 * mask_normal((tn_key){{5, 6}}, i);
    check_near(l->y, want, l->n, 1e-14, "y");
}

Test(gaussian_noise, p_0_is_the_identity_bit_for_bit)
{
    mask_of_0_is_the_identity("gaussian_noise");
}

Test(gaussian_noise, gradients)
{
    mask_check_gradients("{gaussian_noise: %g}", 0.9, 1, 3);
}

Test(gaussian_noise, is_the_same_on_any_threads_and_in_parts)
{
    check_runs("gaussian_noise", "0.5", 1, true);
    mask_is_the_same("{gaussian_noise: 0.4}", check_shape(1, 21, 0, 0), 33);
    mask_is_idle("[gaussian_noise]", check_shape(1, 200, 0, 0), 4);
}

Test(gaussian_noise, refuses)
{
    check_refuses("[{gaussian_noise: -1}]", check_shape(1, 3, 0, 0), "outside [0, inf)");
}
