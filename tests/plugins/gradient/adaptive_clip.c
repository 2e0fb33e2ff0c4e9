/* adaptive_clip.c - each unit's gradient is at most a share of its weights. Against a plain loop over
 * units, as in section 4.1 of the paper. */
#include "support/slots.h"

#include "support/transforming.h"

/* Elements that were cut. */
static int64_t expect(change *c, double max, double floor)
{
    static const int64_t width[PARAMS] = {3, 4, 4, 2};
    int64_t cut = 0;
    for (int32_t p = 0; p < PARAMS; p++)
        for (int64_t first = 0; first < size_of(&c->l, p); first += width[p]) {
            double *g = c->before[p] + first;
            const double norm = norm_of(g, width[p]),
                         most = max * fmax(floor, norm_of(c->was[p] + first, width[p]));
            if (norm > most) cut += width[p];
            for (int64_t i = 0; i < width[p]; i++) g[i] *= norm > most ? most / norm : 1;
            near(c->after[p] + first, g, width[p], 1e-15);
        }
    return cut;
}

Test(adaptive_clip, each_unit_by_its_own_weights)
{
    change *c = change_by("gradient: [{adaptive_clip: {max: 0.6, floor: 0.5}}]");
    const int64_t cut = expect(c, 0.6, 0.5);
    cr_assert(cut > 0 && cut < 26, "%d elements cut", (int)cut);
    cr_assert_float_eq(tn_updater_cut(c->l.updater, 0), (double)cut / 26, 1e-15);
}

Test(adaptive_clip, biases_at_zero_may_move)
{
    change *c = change_by("gradient: [adaptive_clip]");
    cr_assert(expect(c, 0.01, 1e-3) > 0);
    cr_assert_float_eq(norm_of(c->after[1], 4), 1e-5, 1e-15);
}

Test(adaptive_clip, penalties_count_where_it_says_so)
{
    change *c = change_by("gradient: [{adaptive_clip: {max: 0.1, penalized: true}}]\n"
                          "regularizer: {l2: 5}");
    for (int32_t p = 0; p < PARAMS; p += 2)
        for (int64_t i = 0; i < size_of(&c->l, p); i++)
            c->before[p][i] += 5 * c->was[p][i];
    expect(c, 0.1, 1e-3);
}

Test(adaptive_clip, does_not_hide_bad_gradients)
{
    const tn_instance *clip = make("gradient", "adaptive_clip", NULL, 1);
    const tn_gradient_f64 *c = clip->vtable;
    const double w[] = {1, 1, 1}, g[] = {NAN, INFINITY, 1};
    double stat[3], *const to[] = {stat};
    const double *const acc[] = {w, g};
    const tn_tile t = tile_of(clip, 3);
    c->reduce.finish(clip->self, &t, 3, 1, acc, to);
    near(stat, (double[]){1, 1, 0.01}, 3, 1e-17);
}

Test(adaptive_clip, refuses_what_cannot_be)
{
    refuse("gradient", "adaptive_clip", "0", "max");
    refuse("gradient", "adaptive_clip", "{floor: 0}", "floor");
}
