/* transpose.c - layer/transpose: against a plain implementation, gradients, what it refuses. */
#include <criterion/criterion.h>

#include "tests/support/check.h"

typedef struct permutation {
    int32_t rank, axis[4];
    char text[40];
} permutation;

static permutation permute(uint32_t seed, int32_t rank)
{
    permutation p = {.rank = rank};
    for (int32_t i = 0; i < rank; i++) p.axis[i] = i;
    for (int32_t i = rank - 1; i > 0; i--) {
        const int32_t k = (int32_t)check_draw(seed, 50 + i, 0, i), held = p.axis[i];
        p.axis[i] = p.axis[k], p.axis[k] = held;
    }
    size_t used = (size_t)snprintf(p.text, sizeof p.text, "[");
    for (int32_t i = 0; i < rank; i++)
        used += (size_t)snprintf(p.text + used, sizeof p.text - used, i ? ", %d" : "%d",
                                 p.axis[i]);
    snprintf(p.text + used, sizeof p.text - used, "]");
    return p;
}

/* Where element `at` of the output lies in the input. */
static int64_t origin(const permutation *p, const tn_shape *in, int64_t at)
{
    int64_t index[4] = {0}, place = 0;
    for (int32_t k = p->rank - 1; k >= 0; k--) {
        const int64_t size = in->dim[p->axis[k]];
        index[p->axis[k]] = at % size, at /= size;
    }
    for (int32_t i = 0; i < p->rank; i++) place = place * in->dim[i] + index[i];
    return place;
}

Test(transpose, every_element_goes_where_numpy_puts_it)
{
    for (uint32_t seed = 1; seed <= 100; seed++) {
        const tn_shape shape = check_draw_shape(seed, 1, 4, 5);
        const permutation p = permute(seed, shape.rank);
        char model[100];
        snprintf(model, sizeof model, "[{transpose: %s}]", p.text);
        check_net *net = check_net_new(model, NULL, 0, shape, 2, 1, 1);
        const double *y = check_net_output(net), *x = net->x;
        for (int64_t i = 0; i < 2 * net->inputs; i++)
            cr_assert_eq(
                y[i],
                x[i / net->inputs * net->inputs + origin(&p, &shape, i % net->inputs)],
                "%s, element %d", model, (int)i);
    }
}

Test(transpose, as_in_pytorch)
{
    check_torch("layers", "transpose");
}

Test(transpose, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        const tn_shape shape = check_draw_shape(seed, 1, 4, 3);
        const permutation p = permute(seed, shape.rank);
        char model[200];
        snprintf(model, sizeof model, "[{dense: %d}, {transpose: %s}, {dense: 2}]",
                 (int)check_draw(seed, 0, 1, 4), p.text);
        check_gradients(model, NULL, 0, shape, check_draw(seed, 1, 1, 3), true);
    }
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    const tn_shape shape = check_draw_shape(seed, 1, 4, 8);
    snprintf(layers, CHECK_LAYERS, "{transpose: %s}", permute(seed, shape.rank).text);
    return shape;
}

Test(transpose, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(transpose, independence)
{
    check_independence("[{dense: 16}, {transpose: [2, 0, 1]}, {dense: 3}]",
                       check_shape(3, 20, 10, 2), 20);
}

static void refuses(const char *model, const char *why)
{
    check_refuses(model, check_shape(2, 4, 6, 0), why);
}

Test(transpose, what_it_refuses)
{
    refuses("[{transpose: [0, 0]}]", "axes must name each axis from 0 to 1 once");
    refuses("[{transpose: [0, 2]}]", "axes must name each axis from 0 to 1 once");
    refuses("[{transpose: [-1, 0]}]", "axes must name each axis from 0 to 1 once");
    refuses("[{transpose: [2, 1, 0]}]",
            "axes has 3 numbers, the input (4, 6) has 2 axes");
}
