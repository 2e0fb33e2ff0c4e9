/* zero_pad.c - layer/zero_pad: against a plain implementation, gradients, what it refuses. */
#include <criterion/criterion.h>

#include "tests/support/check.h"

/* Padding of up to 3 axes. */
typedef struct padding {
    tn_shape shape;
    int64_t before[3], after[3];
    char options[100];
} padding;

static void write_list(int32_t n, const int64_t *number, char text[40])
{
    size_t used = (size_t)snprintf(text, 40, "[");
    for (int32_t i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, 40 - used, i ? ", %d" : "%d",
                                 (int)number[i]);
    snprintf(text + used, 40 - used, "]");
}

static padding draw_padding(uint32_t seed)
{
    padding p = {.shape = check_draw_shape(seed, 1, 3, 4)};
    for (int32_t i = 0; i < p.shape.rank; i++) {
        p.before[i] = check_draw(seed, 2 * i, 0, 2);
        p.after[i] = check_draw(seed, 2 * i + 1, 0, 2);
    }
    char before[40], after[40];
    write_list(p.shape.rank, p.before, before), write_list(p.shape.rank, p.after, after);
    snprintf(p.options, sizeof p.options, "{before: %s, after: %s}", before, after);
    return p;
}

/* Element `at` of a padded sample. */
static double padded(const padding *p, const double *x, int64_t at)
{
    int64_t index[3];
    bool inside = true;
    for (int32_t k = p->shape.rank - 1; k >= 0; k--) {
        const int64_t size = p->shape.dim[k] + p->before[k] + p->after[k];
        index[k] = at % size - p->before[k], at /= size;
        inside = inside && index[k] >= 0 && index[k] < p->shape.dim[k];
    }
    int64_t place = 0;
    for (int32_t k = 0; inside && k < p->shape.rank; k++)
        place = place * p->shape.dim[k] + index[k];
    return inside ? x[place] : 0;
}

Test(zero_pad, values_and_zeros)
{
    for (uint32_t seed = 1; seed <= 100; seed++) {
        const padding p = draw_padding(seed);
        char model[200];
        snprintf(model, sizeof model, "[{zero_pad: %s}]", p.options);
        check_net *net = check_net_new(model, NULL, 0, p.shape, 2, 1, 1);
        const double *y = check_net_output(net), *x = net->x;
        for (int64_t i = 0; i < 2 * net->outputs; i++)
            cr_assert_eq(y[i],
                         padded(&p, x + i / net->outputs * net->inputs, i % net->outputs),
                         "%s, element %d", model, (int)i);
    }
}

Test(zero_pad, both_sides_alike_by_default)
{
    check_net *net = check_net_new("[{zero_pad: [1, 2]}]", NULL, 0,
                                   check_shape(3, 4, 5, 3), 1, 1, 1);
    const tn_shape *out = tn_graph_output(net->graph);
    cr_assert(out->dim[0] == 6 && out->dim[1] == 9 && out->dim[2] == 3);
}

Test(zero_pad, as_in_pytorch)
{
    check_torch("layers", "zero_pad");
}

Test(zero_pad, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        const padding p = draw_padding(seed);
        char model[200];
        snprintf(model, sizeof model, "[{dense: 3}, {zero_pad: %s}, {dense: 2}]",
                 p.options);
        check_gradients(model, NULL, 0, p.shape, check_draw(seed, 20, 1, 3), true);
    }
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    const padding p = draw_padding(seed);
    snprintf(layers, CHECK_LAYERS, "{zero_pad: %s}", p.options);
    return p.shape;
}

Test(zero_pad, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(zero_pad, independence)
{
    check_independence("[{dense: 16}, {zero_pad: [1, 1]}, {dense: 3}]",
                       check_shape(3, 20, 10, 2), 20);
}

static void refuses(const char *model, const char *why)
{
    check_refuses(model, check_shape(2, 4, 6, 0), why);
}

Test(zero_pad, what_it_refuses)
{
    refuses("[{zero_pad: [1, -1]}]", "padding of -1 is outside [0, 2147483647]");
    refuses("[{zero_pad: [1, 1, 1]}]", "pads 3 axes, the input (4, 6) has 2");
    refuses("[{zero_pad: {after: [0, 0, 2]}}]", "pads 3 axes, the input (4, 6) has 2");
}
