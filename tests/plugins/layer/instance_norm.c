/* instance_norm.c - layer/instance_norm: against PyTorch, gradients, what it refuses. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/support/norms.h"

Test(instance_norm, as_in_pytorch)
{
    check_torch("layers", "instance_norm");
}

Test(instance_norm, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[200];
        tn_shape shape = check_draw_shape(seed, 2, 3, 4);
        shape.dim[0]++; /* two positions at least */
        snprintf(
            model, sizeof model,
            "[{dense: %d}, {instance_norm: {eps: %g, affine: %s}}, tanh, {dense: 2}]",
            (int)check_draw(seed, 0, 1, 5), seed % 3 ? 1e-3 : 0.1,
            seed % 2 ? "true" : "false");
        check_gradients(model, NULL, 0, shape, check_draw(seed, 1, 1, 3), true);
    }
}

Test(instance_norm, is_group_norm_with_a_group_for_each_channel)
{
    const tn_shape shape = check_shape(3, 3, 5, 4);
    check_net *a = check_net_new("[instance_norm]", NULL, 0, shape, 3, 1, 2);
    check_net *b = check_net_new("[{group_norm: 4}]", NULL, 0, shape, 3, 1, 2);
    cr_assert_eq(memcmp(check_net_output(a), check_net_output(b), 180 * sizeof(double)),
                 0);
}

Test(instance_norm, float_and_double_agree)
{
    check_precisions("[{dense: 19}, instance_norm, {dense: 3}]", NULL, 0,
                     check_shape(3, 6, 5, 2), 9, 1e-4);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    tn_shape shape = norm_draw("instance_norm", 2, seed, layers);
    shape.dim[0]++; /* two positions at least */
    return shape;
}

Test(instance_norm, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(instance_norm, independence)
{
    check_independence("[{dense: 16}, instance_norm, {dense: 3}]",
                       check_shape(3, 20, 10, 2), 20);
}

Test(instance_norm, what_it_refuses)
{
    check_refuses("[instance_norm]", check_shape(1, 6, 0, 0), "needs several positions");
}
