/* clip_norm.c - g min(1, max / (||g|| + 1e-6)). */
#include "support/slots.h"

/* Clips g as two tiles of one group. */
static void clip(const char *options, double *g, int64_t n)
{
    const tn_instance *clip_norm = make("gradient", "clip_norm", options, 1);
    const tn_gradient_f64 *c = clip_norm->vtable;
    const tn_tile one = tile_of(clip_norm, n / 2), two = tile_of(clip_norm, n - n / 2);
    double sum = 0, scale = NAN, *const acc[] = {&sum}, *const stat[] = {&scale};
    const double *const sums[] = {&sum};
    const void *const stats[] = {&scale};
    cr_assert_eq(c->reduce.over, TN_OVER_ALL);
    c->reduce.add(clip_norm->self, &one, g, g, acc);
    c->reduce.add(clip_norm->self, &two, g + n / 2, g + n / 2, acc);
    c->reduce.finish(clip_norm->self, &one, 1, n, sums, stat);
    tn_tile t = tile_of(clip_norm, n);
    t.stat = stats;
    c->map(clip_norm->self, &t, g, g);
}

Test(clip_norm, P5_N40_norm_229_becomes_1)
{
    double g[] = {100, -50, 200};
    clip(NULL, g, 3);
    near(g, (double[]){0.43644, -0.21822, 0.87287}, 3, 5e-6);
    cr_assert_float_eq(sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]), 1, 1e-8);
}

Test(clip_norm, leaves_short_gradients_bit_for_bit)
{
    double g[] = {0.1, -0.2, 0.3}, same[] = {0.1, -0.2, 0.3}, zero[] = {0, 0, 0};
    clip("{max: 2.5}", g, 3);
    near(g, same, 3, 0);
    clip("2.5", zero, 3);
    near(zero, (double[]){0, 0, 0}, 3, 0);
}

/* torch.nn.utils.clip_grad_norm_([3, 4], 2.5) of torch 1.13 */
Test(clip_norm, follows_pytorch)
{
    double g[] = {3, 4};
    clip("2.5", g, 2);
    near(g, (double[]){1.4999997000000600, 1.9999996000000799}, 2, 1e-14);
}

Test(clip_norm, does_not_hide_bad_gradients)
{
    double g[] = {1, NAN, 300}, h[] = {1, INFINITY, -300};
    clip(NULL, g, 3);
    cr_assert(g[0] == 1 && isnan(g[1]) && g[2] == 300);
    clip(NULL, h, 3);
    cr_assert(h[0] == 1 && isinf(h[1]) && h[2] == -300);
}

Test(clip_norm, refuses_max_0)
{
    refuse("gradient", "clip_norm", "0", "max");
}
