/* rms_norm.c - layer/rms_norm: against PyTorch, gradients, any split. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/norms.h"

Test(rms_norm, as_in_pytorch)
{
    check_torch("layers", "rms_norm");
}

Test(rms_norm, the_mean_square_is_one)
{
    check_layer *l = check_layer_new("rms_norm", "{affine: false}",
                                     check_shape(2, 3, 50, 0), 2, 1);
    check_forward(l, false, 0);
    for (int32_t i = 0; i < 6; i++) {
        double square = 0;
        for (int32_t j = 0; j < 50; j++)
            square += l->y[50 * i + j] * l->y[50 * i + j] / 50;
        cr_assert_float_eq(square, 1, 1e-5);
    }
}

Test(rms_norm, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[200];
        snprintf(model, sizeof model,
                 "[{dense: %d}, {rms_norm: {eps: %g, affine: %s}}, tanh, {dense: 2}]",
                 (int)check_draw(seed, 0, 1, 35), seed % 3 ? 1e-3 : 0.1,
                 seed % 2 ? "true" : "false");
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 4),
                        check_draw(seed, 1, 1, 3), true);
    }
    check_gradients("[rms_norm, {dense: 2}]", NULL, 0, check_shape(1, 5, 0, 0), 3, false);
}

Test(rms_norm, zeros_stay_zeros)
{
    check_layer *l = check_layer_new("rms_norm", NULL, check_shape(1, 3, 0, 0), 1, 1);
    for (int32_t i = 0; i < 3; i++) l->x[0][i] = 0;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    for (int32_t i = 0; i < 3; i++) cr_assert(l->y[i] == 0 && isfinite(l->gx[0][i]));
}

Test(rms_norm, splits_give_the_same_bits)
{
    check_runs("rms_norm", NULL, 1, true);
    check_runs("rms_norm", "{affine: false}", 1, false);
}

Test(rms_norm, float_and_double_agree)
{
    check_precisions("[{dense: 37}, rms_norm, {dense: 3}]", NULL, 0,
                     check_shape(2, 6, 5, 0), 9, 1e-4);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    return norm_draw("rms_norm", 1, seed, layers);
}

Test(rms_norm, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(rms_norm, independence)
{
    check_independence("[{dense: 40}, rms_norm, {dense: 3}]", check_shape(2, 30, 5, 0),
                       40);
}
