/* layer_norm.c - layer/layer_norm: against PyTorch, far means, gradients, any split. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/norms.h"

Test(layer_norm, as_in_pytorch)
{
    check_torch("layers", "layer_norm");
}

Test(layer_norm, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[200];
        snprintf(model, sizeof model,
                 "[{dense: %d}, {layer_norm: {eps: %g, affine: %s}}, tanh, {dense: 2}]",
                 (int)check_draw(seed, 0, 2, 35), seed % 3 ? 1e-5 : 0.1,
                 seed % 2 ? "true" : "false");
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 4),
                        check_draw(seed, 1, 1, 3), true);
    }
    check_gradients("[layer_norm, {dense: 2}]", NULL, 0, check_shape(1, 5, 0, 0), 3,
                    false);
}

/* The spread of 1e9 + {0, 1, 2, 3}: sums of squares would leave nothing of it. */
Test(layer_norm, a_far_mean_costs_no_digits)
{
    check_layer *l = check_layer_new("layer_norm", "{affine: false}",
                                     check_shape(1, 4, 0, 0), 1, 1);
    for (int32_t i = 0; i < 4; i++) l->x[0][i] = 1e9 + i;
    check_forward(l, true, 0);
    for (int32_t i = 0; i < 4; i++)
        cr_assert_float_eq(l->y[i], (i - 1.5) / sqrt(1.25 + 1e-5), 1e-12);
}

Test(layer_norm, splits_give_the_same_bits)
{
    check_runs("layer_norm", NULL, 1, true);
    check_runs("layer_norm", "{affine: false}", 1, false);
}

Test(layer_norm, its_parameters_are_norms)
{
    const check_layer *l = check_layer_new("layer_norm", NULL, check_shape(2, 3, 4, 0), 2,
                                           1);
    cr_assert_eq(l->params, 2);
    cr_assert(l->param[0].role == TN_NORM && l->param[1].role == TN_NORM);
    cr_assert(l->param[0].size == 4 && l->param[1].size == 4);
}

Test(layer_norm, float_and_double_agree)
{
    check_precisions("[{dense: 37}, layer_norm, {dense: 3}]", NULL, 0,
                     check_shape(2, 6, 5, 0), 9, 1e-4);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    return norm_draw("layer_norm", 1, seed, layers);
}

Test(layer_norm, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(layer_norm, independence)
{
    check_independence("[{dense: 40}, layer_norm, {dense: 3}]", check_shape(2, 30, 5, 0),
                       40);
}
