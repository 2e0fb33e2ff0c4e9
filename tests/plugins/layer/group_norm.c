/* group_norm.c - layer/group_norm: against PyTorch, far means, gradients, what it refuses. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/support/check.h"

Test(group_norm, as_in_pytorch)
{
    check_torch("layers", "group_norm");
}

Test(group_norm, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[200];
        const int groups = (int)check_draw(seed, 0, 1, 4);
        snprintf(model, sizeof model,
                 "[{dense: %d}, {group_norm: {groups: %d, eps: %g, affine: %s}}, tanh, "
                 "{dense: 2}]",
                 groups * (int)check_draw(seed, 2, 2, 4), groups, seed % 3 ? 1e-3 : 0.1,
                 seed % 2 ? "true" : "false");
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 4),
                        check_draw(seed, 1, 1, 3), true);
    }
    check_gradients("[{group_norm: 2}, {dense: 2}]", NULL, 0, check_shape(2, 3, 4, 0), 3,
                    false);
}

/* Four values of a group lie at 2^20 + {0, 1, 2, 3}, in float. */
Test(group_norm, a_far_mean_costs_no_digits)
{
    check_net *net = check_net_new("[{group_norm: {groups: 2, affine: false}}]", NULL, 0,
                                   check_shape(2, 2, 4, 0), 1, 0, 1);
    float *x = net->x;
    for (int32_t i = 0; i < 8; i++)
        x[i] = (float)(1 << 20) + (float)(i / 4 * 2 + i % 2) + (float)(i % 4 / 2 * 100);
    const float *y = check_net_output(net);
    for (int32_t i = 0; i < 8; i++)
        cr_assert_float_eq((double)y[i], (i / 4 * 2 + i % 2 - 1.5) / sqrt(1.25 + 1e-5),
                           1e-6);
}

Test(group_norm, groups_and_samples_do_not_meet)
{
    check_net *net = check_net_new("[{group_norm: {groups: 2, affine: false}}]", NULL, 0,
                                   check_shape(2, 3, 4, 0), 2, 1, 1);
    double before[24];
    memcpy(before, check_net_output(net), sizeof before);
    ((double *)net->x)[13] += 1; /* sample 1, position 0, group 0 */
    const double *y = check_net_output(net);
    for (int32_t i = 0; i < 24; i++)
        cr_assert_eq(y[i] == before[i], !(i >= 12 && i % 4 < 2), "element %d", i);
}

Test(group_norm, float_and_double_agree)
{
    check_precisions("[{dense: 36}, {group_norm: 4}, {dense: 3}]", NULL, 0,
                     check_shape(3, 6, 5, 2), 9, 1e-4);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    const int64_t groups = check_draw(seed, 0, 1, 5);
    snprintf(layers, CHECK_LAYERS, "{group_norm: {groups: %d, eps: %g, affine: %s}}",
             (int)groups, seed % 3 ? 1e-5 : 0.1, seed % 2 ? "true" : "false");
    return check_draw_rows(seed, 1, 4, 6, groups * check_draw(seed, 1, 2, 8));
}

Test(group_norm, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(group_norm, independence)
{
    check_independence("[{dense: 16}, {group_norm: 4}, {dense: 3}]",
                       check_shape(3, 20, 10, 2), 20);
}

Test(group_norm, what_it_refuses)
{
    check_refuses("[{group_norm: 4}]", check_shape(2, 3, 6, 0),
                  "4 groups do not divide 6 channels");
    check_refuses("[{group_norm: 6}]", check_shape(1, 6, 0, 0),
                  "a group of one value has no variance");
}
