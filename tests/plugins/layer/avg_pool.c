/* avg_pool.c - layer/avg_pool: against PyTorch and a plain implementation, whether padding
 * counts, gradients, what it refuses. */
#include "tests/support/pooling.h"

Test(avg_pool, as_in_pytorch)
{
    check_torch("layers", "avg_pool");
}

typedef struct total {
    double sum, count;
} total;

static void add(void *data, double x)
{
    total *t = data;
    t->sum += x, t->count++;
}

static double of_what_is_there(const pool_case *p, const double *x, int64_t row,
                               int64_t col, int64_t c)
{
    total t = {0};
    pool_window(p, x, row, col, c, add, &t);
    return t.sum / t.count;
}

static double of_the_window(const pool_case *p, const double *x, int64_t row, int64_t col,
                            int64_t c)
{
    total t = {0};
    pool_window(p, x, row, col, c, add, &t);
    return t.sum / (double)(p->kernel[0] * (p->axes == 2 ? p->kernel[1] : 1));
}

Test(avg_pool, windows_of_all_kinds)
{
    const uint32_t rounds = (uint32_t)test_rounds(100, 1000);
    check_env();
    const void *before = check_kept();
    for (uint32_t seed = 1; seed <= rounds; seed++, check_release(before)) {
        const pool_case there = pool_random(seed, ""),
                        all = pool_random(seed, ", count_padding: true");
        pool_compare("avg_pool", &there, 1 + seed % 3, of_what_is_there);
        pool_compare("avg_pool", &all, 1 + seed % 3, of_the_window);
    }
}

Test(avg_pool, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        const pool_case p = pool_random(seed, seed % 2 ? ", count_padding: true" : "");
        pool_gradients("avg_pool", &p, 1 + seed % 3);
    }
}

Test(avg_pool, float_and_double_agree)
{
    check_precisions("[{dense: 33}, {avg_pool: 3}, {dense: 2}]", NULL, 0,
                     check_shape(3, 7, 8, 2), 5, 1e-5);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    return pool_draw("avg_pool", seed, seed % 2 ? ", count_padding: true" : "", layers);
}

Test(avg_pool, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(avg_pool, takes_steps_one_by_one)
{
    pool_steps("avg_pool");
}

Test(avg_pool, independence)
{
    check_independence("[{dense: 5}, {avg_pool: {kernel: 3, stride: 2, padding: same}}, "
                       "{dense: 2}]",
                       check_shape(3, 9, 8, 3), 13);
}

Test(avg_pool, what_it_refuses)
{
    const char *text = pool_refused("avg_pool", "{kernel: [2, 6]}");
    cr_assert_not_null(
        strstr(text, "kernel = 6 is larger than the 5 positions there are"), "%s", text);
    text = check_refused("[avg_pool]", (tn_shape){.rank = 4, .dim = {4, 4, 4, 2}});
    cr_assert_not_null(strstr(text, "got (4, 4, 4, 2)"), "%s", text);
}
