/* clip_norm.c - g min(1, max / (||g|| + 1e-6)). */
#include "support/slots.h"

#include "support/transforming.h"

/* Clips g as two tiles of one group. */
static void clip(const char *options, double *g, int64_t n)
{
    const tn_instance *clip_norm = make("gradient", "clip_norm", options, 1);
    const tn_gradient_f64 *c = clip_norm->vtable;
    const tn_reduction_f64 *r = c->choose(clip_norm->self);
    const tn_tile one = tile_of(clip_norm, n / 2), two = tile_of(clip_norm, n - n / 2);
    double sum = 0, scale = NAN, *const acc[] = {&sum}, *const stat[] = {&scale};
    const double *const sums[] = {&sum};
    const void *const stats[] = {&scale};
    cr_assert_eq(r->over, TN_OVER_ALL);
    r->add(clip_norm->self, &one, g, g, acc);
    r->add(clip_norm->self, &two, g + n / 2, g + n / 2, acc);
    r->finish(clip_norm->self, &one, 1, n, sums, stat);
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

/* ---- in a network -------------------------------------------------------------------- */

/* With gradients in the middle between the norms of two parameters, one is cut and one is not. */
Test(clip_norm, each_parameter_by_its_own_norm)
{
    const change *c = change_by("gradient: [{clip_norm: {max: 1.0, over: each}}]");
    int cut = 0;
    for (int32_t p = 0; p < PARAMS; p++) {
        const int64_t n = size_of(&c->l, p);
        const double norm = norm_of(c->before[p], n);
        const double scale = norm + 1e-6 > 1 ? 1 / (norm + 1e-6) : 1;
        cut += scale < 1;
        double want[64];
        for (int64_t i = 0; i < n; i++) want[i] = scale * c->before[p][i];
        near(c->after[p], want, n, 1e-15);
    }
    cr_assert(cut > 0 && cut < PARAMS, "%d cut", cut);
}

static void penalize(change *c, double (*g)[64], double lambda)
{
    for (int32_t p = 0; p < PARAMS; p += 2) /* biases have no penalty */
        for (int64_t i = 0; i < size_of(&c->l, p); i++) g[p][i] += lambda * c->was[p][i];
}

static void scale_all(double (*g)[64], double scale)
{
    for (int32_t p = 0; p < PARAMS; p++)
        for (int i = 0; i < 64; i++) g[p][i] *= scale;
}

Test(clip_norm, penalties_come_after_it_by_default)
{
    change *c = change_by("gradient: [{clip_norm: 0.25}]\nregularizer: {l2: 0.5}");
    scale_all(c->before, 0.25 / (norm_of_all(c, c->before) + 1e-6));
    penalize(c, c->before, 0.5);
    stepped(c, c->before);
}

Test(clip_norm, penalties_count_where_it_says_so)
{
    change *c = change_by("gradient: [{clip_norm: {max: 0.25, penalized: true}}]\n"
                          "regularizer: {l2: 0.5}");
    penalize(c, c->before, 0.5);
    scale_all(c->before, 0.25 / (norm_of_all(c, c->before) + 1e-6));
    stepped(c, c->before);
}

/* What stands before it in the list sees the data's gradient alone. */
Test(clip_norm, penalties_come_in_where_the_first_asks_for_them)
{
    change *c = change_by("gradient: [{clip_value: 0.05}, {clip_norm: {max: 0.25, "
                          "penalized: true, over: each}}]\nregularizer: {l2: 0.5}");
    for (int32_t p = 0; p < PARAMS; p++)
        for (int64_t i = 0; i < size_of(&c->l, p); i++)
            c->before[p][i] = fmin(0.05, fmax(-0.05, c->before[p][i]));
    penalize(c, c->before, 0.5);
    for (int32_t p = 0; p < PARAMS; p++) {
        const double norm = norm_of(c->before[p], size_of(&c->l, p)) + 1e-6;
        for (int i = 0; i < 64; i++) c->before[p][i] *= norm > 0.25 ? 0.25 / norm : 1;
    }
    stepped(c, c->before);
}

Test(clip_norm, tells_how_much_it_cuts)
{
    change *c = change_by("gradient: [{clip_norm: {max: 1e6}}, {clip_norm: {max: 0.1}}]");
    cr_assert_eq(tn_updater_counting(c->l.updater), 2);
    cr_assert_str_eq(tn_updater_cutter(c->l.updater, 1), "clip_norm");
    cr_assert_eq(tn_updater_cut(c->l.updater, 0), 0);
    cr_assert_eq(tn_updater_cut(c->l.updater, 1), 1, "all elements, in every update");
    tn_updater_clear_counts(c->l.updater);
    cr_assert_eq(tn_updater_cut(c->l.updater, 1), 0);
}

Test(clip_norm, refuses_max_0)
{
    refuse("gradient", "clip_norm", "0", "max");
    refuse("gradient", "clip_norm", "{over: rows}", "all");
}
