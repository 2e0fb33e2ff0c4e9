/* global_avg_pool.c - layer/global_avg_pool: against PyTorch, gradients, what it refuses. */
#include <criterion/criterion.h>

#include "tests/support/global_pool.h"

Test(global_avg_pool, as_in_pytorch)
{
    check_torch("layers", "global_avg_pool");
}

Test(global_avg_pool, gradients)
{
    global_pool_gradients("global_avg_pool");
}

Test(global_avg_pool, many_channels)
{
    global_pool_many_channels("global_avg_pool");
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    return global_pool_draw("global_avg_pool", seed, layers);
}

Test(global_avg_pool, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(global_avg_pool, independence)
{
    global_pool_independence("global_avg_pool");
}

Test(global_avg_pool, what_it_refuses)
{
    global_pool_refuses("global_avg_pool");
}
