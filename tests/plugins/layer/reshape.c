/* reshape.c - layer/reshape: shapes, the order of the elements, gradients, what it refuses. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

static void becomes(const char *model, tn_shape in, tn_shape out)
{
    check_net *net = check_net_new(model, NULL, 0, in, 3, 1, 1);
    const tn_shape *got = tn_graph_output(net->graph);
    cr_assert_eq(got->rank, out.rank, "%s", model);
    for (int32_t i = 0; i < out.rank; i++)
        cr_assert_eq(got->dim[i], out.dim[i], "%s", model);
    const size_t size = (size_t)(3 * net->inputs) * sizeof(double);
    cr_assert_eq(memcmp(check_net_output(net), net->x, size), 0, "%s", model);
}

Test(reshape, elements_keep_their_order)
{
    becomes("[{reshape: [4, 3, 2]}]", check_shape(1, 24, 0, 0), check_shape(3, 4, 3, 2));
    becomes("[{reshape: [4, -1, 2]}]", check_shape(1, 24, 0, 0), check_shape(3, 4, 3, 2));
    becomes("[{reshape: -1}]", check_shape(3, 2, 3, 4), check_shape(1, 24, 0, 0));
    becomes("[{reshape: [-1, 8]}]", check_shape(3, 2, 3, 4), check_shape(2, 3, 8, 0));
    becomes("[{reshape: [1, 1, 1]}]", check_shape(0, 0, 0, 0), check_shape(3, 1, 1, 1));
}

Test(reshape, as_in_pytorch)
{
    check_torch("layers", "reshape");
}

Test(reshape, independence)
{
    check_independence("[{dense: 6}, {reshape: [4, -1]}, {dense: 2}]",
                       check_shape(2, 4, 5, 0), 9);
}

/* To the sizes of the axes in another order, or to fewer axes. */
static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    const tn_shape shape = check_draw_shape(seed, 2, 4, 7);
    if (check_draw(seed, 0, 0, 1))
        snprintf(layers, CHECK_LAYERS, "{reshape: [%d, -1, %d]}", (int)shape.dim[1],
                 (int)shape.dim[0]);
    else
        snprintf(layers, CHECK_LAYERS, "{reshape: [-1, %d]}",
                 (int)shape.dim[check_draw(seed, 1, 0, shape.rank - 1)]);
    return shape;
}

Test(reshape, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(reshape, gradients)
{
    for (uint32_t seed = 1; seed <= 30; seed++) {
        char model[200];
        const int a = (int)check_draw(seed, 0, 1, 4), b = (int)check_draw(seed, 1, 1, 4);
        snprintf(model, sizeof model,
                 "[{dense: %d}, {reshape: [%d, -1]}, {dense: 2}, tanh]", a * b, a);
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 3),
                        check_draw(seed, 2, 1, 3), true);
    }
}

static void refuses(const char *model, const char *why)
{
    check_refuses(model, check_shape(2, 4, 6, 0), why);
}

Test(reshape, what_it_refuses)
{
    refuses("[{reshape: [5, 5]}]", "the input (4, 6) has 24 elements, which do not fit a "
                                   "shape of 25");
    refuses("[{reshape: [5, -1]}]", "which do not fit a shape of a multiple of 5");
    refuses("[{reshape: [-1, -1]}]",
            "shape has a size of -1; sizes are 1 or more, and one");
    refuses("[{reshape: [0, 24]}]", "shape has a size of 0");
    refuses("[{reshape: [4611686018427387904, 4611686018427387904]}]",
            "shape has a size of");
    refuses("[{reshape: []}]", "shape has 0 axes; 1 to 7 are possible");
    refuses("[{reshape: [1, 1, 1, 1, 1, 1, 1, 24]}]", "shape has 8 axes");
    refuses("[reshape]", "option 'shape' is required");
}
