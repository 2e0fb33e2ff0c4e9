/* slice.c - layer/slice: against a plain implementation and PyTorch, gradients, what it refuses. */
#include <criterion/criterion.h>

#include "tests/support/check.h"

typedef struct part {
    tn_shape shape;
    int64_t axis, from, count;
    char options[100];
} part;

static part draw(uint32_t seed)
{
    part p = {.shape = check_draw_shape(seed, 1, 3, 5)};
    p.axis = check_draw(seed, 0, 0, p.shape.rank - 1);
    const int64_t size = p.shape.dim[p.axis];
    p.from = check_draw(seed, 1, 0, size - 1);
    p.count = seed % 3 ? check_draw(seed, 2, 1, size - p.from) : size - p.from;
    size_t used = (size_t)snprintf(p.options, sizeof p.options, "{axis: %d, from: %d",
                                   (int)(seed % 2 ? p.axis : p.axis - p.shape.rank),
                                   (int)(seed % 4 > 1 ? p.from : p.from - size));
    snprintf(p.options + used, sizeof p.options - used, seed % 3 ? ", count: %d}" : "}",
             (int)p.count);
    return p;
}

/* Element `at` of a sample's output. */
static double taken(const part *p, const double *x, int64_t at)
{
    int64_t place = 0, behind = 1;
    for (int32_t k = p->shape.rank - 1; k >= 0; k--) {
        const int64_t size = k == p->axis ? p->count : p->shape.dim[k],
                      i = at % size + (k == p->axis ? p->from : 0);
        place += i * behind, behind *= p->shape.dim[k], at /= size;
    }
    return x[place];
}

Test(slice, values)
{
    for (uint32_t seed = 1; seed <= 100; seed++) {
        const part p = draw(seed);
        char model[200];
        snprintf(model, sizeof model, "[{slice: %s}]", p.options);
        check_net *net = check_net_new(model, NULL, 0, p.shape, 2, 1, 1);
        const double *y = check_net_output(net), *x = net->x;
        cr_assert_eq(net->outputs, net->inputs / p.shape.dim[p.axis] * p.count);
        for (int64_t i = 0; i < 2 * net->outputs; i++)
            cr_assert_eq(y[i],
                         taken(&p, x + i / net->outputs * net->inputs, i % net->outputs),
                         "%s, element %d", model, (int)i);
    }
}

Test(slice, as_in_pytorch)
{
    check_torch("layers", "slice");
}

Test(slice, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        const part p = draw(seed);
        char model[200];
        snprintf(model, sizeof model, "[{dense: %d}, tanh, {slice: %s}, {dense: 2}]",
                 (int)p.shape.dim[p.shape.rank - 1], p.options);
        check_gradients(model, NULL, 0, p.shape, check_draw(seed, 20, 1, 3), true);
    }
}

Test(slice, independence)
{
    check_independence("[{dense: 16}, {slice: {axis: 0, from: 2, count: 11}}, {slice: "
                       "{from: 3}}, {dense: 3}]",
                       check_shape(3, 20, 10, 2), 20);
}

static void refuses(const char *model, const char *why)
{
    check_refuses(model, check_shape(2, 4, 6, 0), why);
}

/* P3-N23: an image of 64 x 64 has no pixel (67, 89). */
Test(slice, P3_N23_a_pixel_outside_of_the_image)
{
    const tn_shape image = check_shape(3, 64, 64, 3);
    check_refuses("[{slice: {axis: 0, from: 67, count: 1}}]", image,
                  "from = 67 is outside axis 0 of the input (64, 64, 3)");
    check_refuses("[{slice: {axis: 1, from: 89, count: 1}}]", image,
                  "from = 89 is outside axis 1 of the input (64, 64, 3)");
}

Test(slice, what_it_refuses)
{
    refuses("[{slice: {axis: 2}}]", "axis = 2, the input (4, 6) has 2 axes");
    refuses("[{slice: {axis: -3}}]", "axis = -3, the input (4, 6) has 2 axes");
    refuses("[{slice: {from: 6}}]",
            "from = 6 is outside axis 1 of the input (4, 6), which has 6 positions");
    refuses("[{slice: {axis: 0, from: -5}}]",
            "from = -5 is outside axis 0 of the input (4, 6), which has 4");
    refuses("[{slice: {from: 2, count: 5}}]",
            "takes 5 positions from 2 on, axis 1 of the input (4, 6) has 6");
    refuses("[{slice: {count: 0}}]", "option 'count' = 0 is outside [1, 2147483647]");
}
