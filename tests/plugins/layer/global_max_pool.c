/* global_max_pool.c - layer/global_max_pool: against PyTorch, gradients, what it refuses. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/global_pool.h"

Test(global_max_pool, as_in_pytorch)
{
    check_torch("layers", "global_max_pool");
}

Test(global_max_pool, gradients)
{
    global_pool_gradients("global_max_pool");
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

Test(global_max_pool, many_channels)
{
    global_pool_many_channels("global_max_pool");
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    return global_pool_draw("global_max_pool", seed, layers);
}

Test(global_max_pool, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(global_max_pool, independence)
{
    global_pool_independence("global_max_pool");
}

Test(global_max_pool, what_it_refuses)
{
    global_pool_refuses("global_max_pool");
}
