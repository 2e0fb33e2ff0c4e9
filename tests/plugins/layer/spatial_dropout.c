/* spatial_dropout.c - layer/spatial_dropout: one mask for all positions of a sample, others for other samples and
 * channels, its law, both ends of p, gradients, threads. */
#include "tests/support/masking.h"

/* Number s width + c of the stream is that of sample s, channel c, wherever the tile begins. */
Test(spatial_dropout, one_mask_for_all_positions)
{
    check_layer *l = check_layer_new("spatial_dropout", "0.3", check_shape(3, 2, 3, 64),
                                     50, 1);
    const int64_t per = l->rows / 50;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t sample = i / l->width / per, c = i % l->width;
        const bool out = tn_random_bits((tn_key){{5, 6}},
                                        (uint64_t)(sample * l->width + c)) < 0x4ccccccc;
        cr_assert_float_eq(l->y[i], out ? 0 : l->x[0][i] / 0.7, 1e-15);
        cr_assert_float_eq(l->gx[0][i], out ? 0 : l->gy[i] / 0.7, 1e-15);
    }
}

/* Rows that are longer than what is drawn at a time, in tiles of any size. */
Test(spatial_dropout, long_rows)
{
    check_layer *l = check_layer_new("spatial_dropout", "0.5", check_shape(2, 3, 700, 0),
                                     4, 1);
    check_forward(l, true, 0);
    double *y = check_room(l->n, sizeof *y);
    memcpy(y, l->y, sizeof *y * (size_t)l->n);
    for (int64_t i = 0; i < l->n; i++)
        cr_assert_eq(y[i] == 0, y[i / 2100 * 2100 + i % 700] == 0);
    for (int64_t run = 1; run < 1000; run = 3 * run + 7) {
        check_forward(l, true, run);
        cr_assert_arr_eq(y, l->y, sizeof *y * (size_t)l->n);
    }
}

Test(spatial_dropout, obeys_its_law)
{
    const tn_shape in = check_shape(3, 2, 3, 64);
    const double *y = mask_of_ones("[{spatial_dropout: 0.3}]", in, 16384, 2);
    mask_has_two_points(mask_first_rows(y, 16384, 384, 64), MASK_MANY, 0.3, 1 / 0.7, 0);
    mask_is_independent("{spatial_dropout: 0.3}", in, 4096);
}

Test(spatial_dropout, both_ends)
{
    check_layer *l = check_layer_new("spatial_dropout", "0", check_shape(3, 3, 5, 4), 9,
                                     1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    cr_assert_arr_eq(l->y, l->x[0], sizeof(double) * (size_t)l->n);
    cr_assert_arr_eq(l->gx[0], l->gy, sizeof(double) * (size_t)l->n);
    l = check_layer_new("spatial_dropout", "1", check_shape(3, 3, 5, 4), 9, 1);
    l->x[0][3] = INFINITY, l->x[0][4] = NAN;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    for (int64_t i = 0; i < l->n; i++) cr_assert(l->y[i] == 0 && l->gx[0][i] == 0);
}

Test(spatial_dropout, gradients)
{
    mask_check_gradients("{spatial_dropout: %g}", 0.8, 2, 3);
}

Test(spatial_dropout, is_the_same_on_any_threads_and_in_parts)
{
    mask_is_the_same("{spatial_dropout: 0.4}", check_shape(3, 3, 5, 4), 9);
    mask_is_idle("[spatial_dropout]", check_shape(3, 3, 5, 4), 3);
}

Test(spatial_dropout, refuses)
{
    check_refuses("[spatial_dropout]", check_shape(1, 3, 0, 0), "there is dropout");
    check_refuses("[{spatial_dropout: 1.5}]", check_shape(3, 2, 2, 3), "outside [0, 1]");
}
