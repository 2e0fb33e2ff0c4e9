/* flatten.c - layer/flatten: the shape, the order of the elements, gradients through
 * it. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

Test(flatten, one_axis_in_the_order_of_memory)
{
    check_net *net = check_net_new("[flatten]", NULL, 0, check_shape(3, 2, 3, 4), 5, 1,
                                   1);
    const tn_shape *out = tn_graph_output(net->graph);
    cr_assert_eq(out->rank, 1);
    cr_assert_eq(out->dim[0], 24);
    cr_assert_eq(memcmp(check_net_output(net), net->x, 120 * sizeof(double)), 0);
}

Test(flatten, a_number_becomes_one_feature)
{
    check_net *net = check_net_new("[flatten]", NULL, 0, check_shape(0, 0, 0, 0), 5, 1,
                                   1);
    cr_assert_eq(tn_graph_output(net->graph)->rank, 1);
    cr_assert_eq(tn_graph_output(net->graph)->dim[0], 1);
}

Test(flatten, as_in_pytorch)
{
    check_torch("layers", "flatten");
}

Test(flatten, independence)
{
    check_independence("[{dense: 3}, flatten, {dense: 2}]", check_shape(3, 4, 5, 2), 9);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    snprintf(layers, CHECK_LAYERS, "flatten");
    return check_draw_shape(seed, 1, 4, 5);
}

Test(flatten, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(flatten, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[100];
        snprintf(model, sizeof model, "[{dense: %d}, %s{dense: %d}%s]",
                 (int)check_draw(seed, 0, 1, 4), seed % 4 ? "flatten, " : "",
                 (int)check_draw(seed, 1, 1, 3), seed % 4 > 1 ? "" : ", flatten, tanh");
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 4),
                        check_draw(seed, 2, 1, 3), true);
    }
}
