/* global_max_pool.c - layer/global_max_pool: against PyTorch, gradients, what it refuses. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

Test(global_max_pool, as_in_pytorch)
{
    check_torch("global_max_pool", "[{dense: 3}, global_max_pool]");
}

Test(global_max_pool, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[100];
        snprintf(model, sizeof model, "[{dense: %d}, global_max_pool, {dense: 2}]",
                 (int)check_draw(seed, 0, 1, 5));
        check_gradients(model, NULL, 0, check_draw_shape(seed, 2, 4, 4),
                        check_draw(seed, 1, 1, 3), true);
    }
}

/* Of equal values the first one gets the gradient: with weights of 0 all are. */
Test(global_max_pool, of_equal_values_the_first_one_gets_the_gradient)
{
    check_net *net = check_net_new("[{dense: {units: 1, bias: false}}, global_max_pool]",
                                   NULL, 0, check_shape(2, 5, 1, 0), 1, 1, 1);
    memset(net->graph->param[0].value.data, 0, sizeof(double));
    check_net_loss(net, true);
    const tn_tensor g = tn_plan_gradient(net->plan, 0);
    const double *x = net->x, *gy = net->target.real;
    const double expected = *gy * *x;
    check_near(g.data, &expected, 1, 0, "gradient of the weight");
}

/* More channels than are worked on at a time. */
Test(global_max_pool, many_channels)
{
    check_precisions("[{dense: 700}, global_max_pool, {dense: 2}]", NULL, 0,
                     check_shape(3, 3, 4, 2), 3, 1e-4);
}

Test(global_max_pool, the_same_bits_on_any_number_of_threads)
{
    check_threads("[{dense: 16}, global_max_pool, {dense: 3}]", check_shape(3, 20, 10, 2),
                  20);
}

Test(global_max_pool, what_it_refuses)
{
    const char *text = check_refused("[global_max_pool]", check_shape(1, 6, 0, 0));
    cr_assert_not_null(strstr(text, "needs axes before the channels"), "%s", text);
    cr_assert_not_null(strstr(text, "got (6)"), "%s", text);
}
