/* global_avg_pool.c - layer/global_avg_pool: against PyTorch, gradients, what it refuses. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

Test(global_avg_pool, as_in_pytorch)
{
    check_torch("global_avg_pool", "[{dense: 3}, global_avg_pool]");
}

Test(global_avg_pool, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[100];
        snprintf(model, sizeof model, "[{dense: %d}, global_avg_pool, {dense: 2}]",
                 (int)check_draw(seed, 0, 1, 5));
        check_gradients(model, NULL, 0, check_draw_shape(seed, 2, 4, 4),
                        check_draw(seed, 1, 1, 3), true);
    }
}

/* More channels than are worked on at a time. */
Test(global_avg_pool, many_channels)
{
    check_precisions("[{dense: 700}, global_avg_pool, {dense: 2}]", NULL, 0,
                     check_shape(3, 3, 4, 2), 3, 1e-4);
}

Test(global_avg_pool, the_same_bits_on_any_number_of_threads)
{
    check_threads("[{dense: 16}, global_avg_pool, {dense: 3}]", check_shape(3, 20, 10, 2),
                  20);
}

Test(global_avg_pool, what_it_refuses)
{
    const char *text = check_refused("[global_avg_pool]", check_shape(1, 6, 0, 0));
    cr_assert_not_null(strstr(text, "needs axes before the channels"), "%s", text);
    cr_assert_not_null(strstr(text, "got (6)"), "%s", text);
}
