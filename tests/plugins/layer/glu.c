/* glu.c - layer/glu: against PyTorch, gradients, shapes, ends, what it refuses. */
#include "tests/support/activation.h"

static const activation glu = {"glu", {"{}"}};

Test(glu, as_in_pytorch)
{
    check_torch("layers", "glu");
}

Test(glu, gradients)
{
    activation_in_nets(&glu, true);
    check_gradients("[glu, {dense: 2}]", NULL, 0, check_shape(3, 2, 3, 4), 3, true);
}

static double of_two(double a, double b)
{
    check_net *net = check_net_new("[glu]", NULL, 0, check_shape(1, 2, 0, 0), 1, 1, 1);
    ((double *)net->x)[0] = a, ((double *)net->x)[1] = b;
    return *(const double *)check_net_output(net);
}

/* P5-N22: the logistic function at 0 to 5 is what lets 1 through. */
Test(glu, P5_N22_its_gate)
{
    const double gate[] = {0.5, 0.7311, 0.8808, 0.9526, 0.9820, 0.9933};
    for (int32_t i = 0; i < 6; i++) cr_assert_float_eq(of_two(1, i), gate[i], 5e-5);
}

Test(glu, the_ends)
{
    cr_assert_eq(of_two(3, INFINITY), 3);
    cr_assert_eq(of_two(3, -INFINITY), 0);
    cr_assert_eq(of_two(1e300, -1e4), 0);
    cr_assert_eq(of_two(INFINITY, 40), INFINITY);
    cr_assert(isnan(of_two(NAN, 1)) && isnan(of_two(1, NAN)));
}

Test(glu, halves_the_features_of_each_row)
{
    check_net *net = check_net_new("[glu]", NULL, 0, check_shape(2, 3, 4, 0), 2, 1, 1);
    const tn_shape *out = tn_graph_output(net->graph);
    cr_assert(out->rank == 2 && out->dim[0] == 3 && out->dim[1] == 2);
    const double *x = net->x, *y = check_net_output(net);
    for (int32_t row = 0; row < 6; row++)
        for (int32_t j = 0; j < 2; j++)
            cr_assert_float_eq(y[2 * row + j],
                               x[4 * row + j] / (1 + exp(-x[4 * row + 2 + j])), 1e-15);
}

Test(glu, threads)
{
    activation_threads(&glu);
}

Test(glu, xavier)
{
    activation_states("glu", 1.84622854533860541, "xavier", 0);
    activation_chooses("[{dense: 4}, glu]", "xavier (auto: glu)");
}

Test(glu, what_it_refuses)
{
    check_refuses("[glu]", check_shape(1, 5, 0, 0),
                  "halves the features, but 5 are not even");
    check_refuses("[{glu: 1}]", check_shape(1, 2, 0, 0), "glu");
}
