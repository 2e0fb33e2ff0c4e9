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

Test(global_avg_pool, independence)
{
    global_pool_independence("global_avg_pool");
}

Test(global_avg_pool, what_it_refuses)
{
    global_pool_refuses("global_avg_pool");
}
