/* max_pool.c - layer/max_pool: against PyTorch and a plain implementation, gradients, equal
 * values, NaN, what it refuses. */
#include "tests/support/pooling.h"

#include <math.h>

Test(max_pool, as_in_pytorch)
{
    check_torch("layers", "max_pool");
}

static void keep_larger(void *data, double x)
{
    double *most = data;
    *most = x > *most ? x : *most;
}

static double largest(const pool_case *p, const double *x, int64_t row, int64_t col,
                      int64_t c)
{
    double most = -INFINITY;
    pool_window(p, x, row, col, c, keep_larger, &most);
    return most;
}

Test(max_pool, windows_of_all_kinds)
{
    const uint32_t rounds = (uint32_t)test_rounds(100, 1000);
    check_env();
    const void *before = check_kept();
    for (uint32_t seed = 1; seed <= rounds; seed++, check_release(before)) {
        const pool_case p = pool_random(seed, "");
        pool_compare("max_pool", &p, 1 + seed % 3, largest);
    }
}

Test(max_pool, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        const pool_case p = pool_random(seed, "");
        pool_gradients("max_pool", &p, 1 + seed % 3);
    }
}

/* More channels than are worked on at a time, in both ways of walking. */
Test(max_pool, many_channels)
{
    const tn_shape shape = check_shape(3, 4, 5, 2);
    check_precisions("[{dense: 600}, max_pool]", NULL, 0, shape, 2, 1e-5);
    check_precisions("[{dense: 600}, {max_pool: 3}]", NULL, 0, shape, 2, 1e-5);
}

Test(max_pool, a_nan_shows)
{
    check_net *net = check_net_new("[max_pool]", NULL, 0, check_shape(3, 2, 8, 1), 1, 1,
                                   1);
    double *x = net->x;
    for (int32_t i = 0; i < 4; i++) x[(i / 2) * 8 + 2 * i + i % 2] = NAN;
    const double *y = check_net_output(net);
    for (int32_t i = 0; i < 4; i++) cr_assert(isnan(y[i]), "window %d", i);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    return pool_draw("max_pool", seed, "", layers);
}

Test(max_pool, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(max_pool, takes_steps_one_by_one)
{
    pool_steps("max_pool");
}

Test(max_pool, independence)
{
    check_independence("[{dense: 5}, max_pool, {dense: 2}]", check_shape(3, 9, 8, 3), 13);
    check_independence("[{dense: 5}, {max_pool: {kernel: 3, stride: 2, padding: same}}]",
                       check_shape(3, 9, 8, 3), 13);
}

static void refuses(const char *options, const char *why)
{
    const char *text = pool_refused("max_pool", options);
    cr_assert_not_null(strstr(text, why), "%s: %s", options, text);
}

Test(max_pool, what_it_refuses)
{
    refuses("{kernel: 7}", "kernel = 7 is larger than the 6 positions there are");
    refuses("{kernel: 0}", "kernel = 0 is outside [1, 2147483647]");
    refuses("{stride: -1}", "stride = -1 is outside [1, 2147483647]");
    refuses("{kernel: [2, 2, 2]}", "kernel has 3 numbers; give one, or one for each of");
    refuses("{pad: 1}", "pad goes with padding: explicit");
    refuses("{padding: explicit}", "padding: explicit needs pad, e.g. pad: 1");
    refuses("{padding: explicit, pad: 2}", "pad = 2 must be smaller than kernel = 2");
    check_refuses("[max_pool]", check_shape(1, 6, 0, 0),
                  "needs (length, channels) or (height, width, channels), got (6)");
}
