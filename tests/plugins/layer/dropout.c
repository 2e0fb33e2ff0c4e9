/* dropout.c - layer/dropout: both ends of p, share and scale of what is kept, masks
 * that depend on the logical element alone, gradients under a fixed mask. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/support/check.h"

static check_layer *dropped(const char *options, int64_t samples)
{
    check_layer *l = check_layer_new("dropout", options, check_shape(1, 100, 0, 0),
                                     samples, 1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    return l;
}

Test(dropout, p_0_is_the_identity_bit_for_bit)
{
    const check_layer *l = dropped("0", 10);
    cr_assert_eq(memcmp(l->y, l->x[0], sizeof(double) * 1000), 0);
    cr_assert_eq(memcmp(l->gx[0], l->gy, sizeof(double) * 1000), 0);
}

Test(dropout, p_1_is_zero)
{
    check_layer *l = dropped("1", 10);
    l->x[0][3] = INFINITY, l->x[0][4] = NAN;
    check_forward(l, true, 0);
    for (int32_t i = 0; i < 1000; i++) cr_assert(l->y[i] == 0 && l->gx[0][i] == 0);
}

/* 100,000 draws: five standard deviations are 0.0069 at p = 0.3. */
Test(dropout, drops_a_share_of_p_and_scales_up_the_rest)
{
    const check_layer *l = dropped("{p: 0.3}", 1000);
    int64_t zeros = 0;
    for (int64_t i = 0; i < l->n; i++) {
        zeros += l->y[i] == 0;
        cr_assert(l->y[i] == 0 || fabs(l->y[i] - l->x[0][i] / 0.7) <= 1e-15);
        cr_assert_eq(l->y[i] == 0, l->gx[0][i] == 0, "another mask in the backward pass");
    }
    cr_assert_float_eq((double)zeros / (double)l->n, 0.3, 0.0073);
}

Test(dropout, the_mask_belongs_to_the_element)
{
    check_runs("dropout", "0.5", 1, true);
}

Test(dropout, its_mask_is_philox_below_p)
{
    const check_layer *l = dropped("0.25", 10);
    for (uint64_t i = 0; i < 1000; i++)
        cr_assert_eq(l->y[i] == 0, tn_random_bits((tn_key){{5, 6}}, i) < 0x40000000u);
}

Test(dropout, gradients_under_a_fixed_mask)
{
    check_gradients("[{dense: 8}, {dropout: 0.4}, {dense: 3}]", NULL, 0,
                    check_shape(1, 4, 0, 0), 3, true);
    check_gradients("[{dropout: 0.4}, {dense: 3}]", NULL, 0, check_shape(1, 4, 0, 0), 3,
                    true);
    check_precisions("[{dense: 8}, {dropout: 0.4}]", NULL, 0, check_shape(1, 4, 0, 0), 3,
                     1e-5);
}

Test(dropout, another_step_another_mask)
{
    check_net *net = check_net_new("[dropout]", NULL, 0, check_shape(1, 200, 0, 0), 4, 1,
                                   1);
    double before[800];
    int32_t differ = 0;
    memcpy(before, check_net_output(net), sizeof before);
    cr_assert_eq(memcmp(check_net_output(net), before, sizeof before), 0);
    net->pass.step++;
    const double *after = check_net_output(net);
    for (int32_t i = 0; i < 800; i++) differ += (after[i] == 0) != (before[i] == 0);
    cr_assert_gt(differ, 200);
}

Test(dropout, outside_training_it_is_the_identity)
{
    check_net *net = check_net_new("[dropout]", NULL, 0, check_shape(1, 200, 0, 0), 4, 1,
                                   1);
    tn_error e = {0};
    tn_plan *plan;
    const void *y;
    cr_assert_eq(tn_plan_new(net->graph, 4, false, false, &plan, &e), TN_OK, "%s",
                 e.text);
    net->pass.training = false;
    cr_assert_eq(tn_plan_forward(plan, &net->pass, net->x, &y, &e), TN_OK, "%s", e.text);
    cr_assert_eq(memcmp(y, net->x, 800 * sizeof(double)), 0);
    tn_plan_free(plan);
}
