/* clip_value.c - each element clamped to [-max, max]. */
#include "support/slots.h"

#include "support/transforming.h"

static void clip(const char *options, double *g, int64_t n)
{
    const tn_instance *clip_value = make("gradient", "clip_value", options, 1);
    const tn_gradient_f64 *c = clip_value->vtable;
    const tn_tile t = tile_of(clip_value, n);
    c->map(clip_value->self, &t, g, g);
}

Test(clip_value, clamps_each_element)
{
    double g[] = {100, -50, 0.25, -0.25, 1, -1, 0};
    clip(NULL, g, 7);
    near(g, (double[]){1, -1, 0.25, -0.25, 1, -1, 0}, 7, 0);
    clip("{max: 0.5}", g, 7);
    near(g, (double[]){0.5, -0.5, 0.25, -0.25, 0.5, -0.5, 0}, 7, 0);
}

Test(clip_value, does_not_hide_nan)
{
    double g[] = {NAN, INFINITY, -INFINITY};
    clip("2", g, 3);
    cr_assert(isnan(g[0]) && g[1] == 2 && g[2] == -2);
}

Test(clip_value, tells_how_many_elements_it_cuts)
{
    const change *c = change_by("gradient: [{clip_value: 0.05}]");
    int64_t cut = 0, all = 0;
    for (int32_t p = 0; p < PARAMS; p++)
        for (int64_t i = 0; i < size_of(&c->l, p); i++, all++)
            cut += fabs(c->before[p][i]) > 0.05;
    cr_assert(cut > 0 && cut < all, "%d of %d", (int)cut, (int)all);
    cr_assert_float_eq(tn_updater_cut(c->l.updater, 0), (double)cut / (double)all, 1e-15);
}

Test(clip_value, refuses_max_0)
{
    refuse("gradient", "clip_value", "0", "max");
}
