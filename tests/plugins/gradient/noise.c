/* noise.c - the law of what is added, and how it fades. */
#include "support/slots.h"

#include "support/masking.h"
#include "support/transforming.h"

enum { MANY = 1 << 20 };
static double added[MANY];

/* Mean and variance of what update number `step` (1 for the first) adds. */
static void law(const char *options, int64_t update, double variance)
{
    const tn_instance *noise = make("gradient", "noise", options, 1);
    const tn_gradient_f64 *c = noise->vtable;
    tn_tile t = tile_of(noise, MANY);
    double mean = 0, square = 0;
    t.step = update, t.key = (tn_key){{3, (uint32_t)update}};
    for (int i = 0; i < MANY; i++) added[i] = 1;
    c->map(noise->self, &t, added, added);
    for (int i = 0; i < MANY; i++) mean += (added[i] - 1) / MANY;
    for (int i = 0; i < MANY; i++) square += (added[i] - 1) * (added[i] - 1) / MANY;
    cr_assert_float_eq(mean, 0, 5 * sqrt(variance / MANY));
    cr_assert_float_eq(square, variance, 5 * variance * sqrt(2.0 / MANY), "%g", square);
}

Test(noise, has_the_variance_of_the_paper)
{
    law(NULL, 1, 0.01);
    law("0.3", 1, 0.3);
    law("1", 1000, 1 / pow(1000, 0.55));
    law("{eta: 0.25, gamma: 0}", 1000, 0.25);
}

/* Number i of the update's stream, times the deviation. */
Test(noise, adds_the_normal_numbers_of_the_update)
{
    const tn_instance *noise = make("gradient", "noise", "{eta: 0.3, gamma: 0.7}", 1);
    tn_tile t = tile_of(noise, 50);
    double g[50], want[50];
    t.step = 7, t.key = (tn_key){{3, 4}};
    for (int i = 0; i < 50; i++) {
        g[i] = i - 20;
        want[i] = g[i] + sqrt(0.3 / pow(7, 0.7)) * tn_random_normal(t.key, (uint64_t)i);
    }
    ((const tn_gradient_f64 *)noise->vtable)->map(noise->self, &t, g, g);
    near(g, want, 50, 1e-14);
}

/* In pieces or at once, an element gets the same. */
Test(noise, does_not_depend_on_how_it_is_cut)
{
    const tn_instance *noise = make("gradient", "noise", NULL, 1);
    const tn_gradient_f64 *c = noise->vtable;
    double once[40] = {0}, twice[40] = {0};
    tn_tile t = tile_of(noise, 40);
    t.step = 1;
    c->map(noise->self, &t, once, once);
    t.n = 17;
    c->map(noise->self, &t, twice, twice);
    t.n = 23, t.col = 17;
    c->map(noise->self, &t, twice + 17, twice + 17);
    cr_assert_arr_eq(once, twice, sizeof once);
}

Test(noise, every_parameter_and_update_gets_its_own)
{
    change *c = change_by("gradient: [noise]");
    double first[64];
    for (int32_t p = 0; p < PARAMS; p++)
        for (int64_t i = 0; i < size_of(&c->l, p); i++) c->after[p][i] -= c->before[p][i];
    cr_assert(c->after[0][0] != c->after[1][0] && c->after[0][0] != 0);
    memcpy(first, c->after[0], sizeof first);
    look(&c->l);
    copy_all(&c->l, gradient_of, c->before);
    step(&c->l);
    cr_assert(fabs(gradient(&c->l, 0)[0] - c->before[0][0] - first[0]) > 1e-6);
}

/* Numbers of 2000 updates of all 26 elements. */
Test(noise, has_nothing_to_do_with_that_of_other_updates_and_parameters)
{
    enum { UPDATES = 2000, ELEMENTS = 26, ALL = UPDATES * ELEMENTS };
    static double z[ALL], first[8 * UPDATES], second[8 * UPDATES], before[PARAMS][64];
    lab l = open_lab(
        "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
        "model: [{dense: 4}, tanh, {dense: 2}]\nloss: mse\n"
        "optimizer: {sgd: {lr: 0}}\ngradient: [{noise: {eta: 1, gamma: 0}}]");
    for (int s = 0, n = 0; s < UPDATES; s++) {
        look(&l);
        copy_all(&l, gradient_of, before);
        step(&l);
        for (int32_t p = 0; p < PARAMS; p++)
            for (int64_t i = 0; i < size_of(&l, p); i++)
                z[n++] = gradient(&l, p)[i] - before[p][i];
        memcpy(first + 8 * s, z + ELEMENTS * s, 8 * sizeof *z);
        memcpy(second + 8 * s, z + ELEMENTS * s + 16, 8 * sizeof *z); /* weight 2 x 4 */
    }
    mask_has_moments(z, ALL, 0, 1, 3);
    mask_is_apart(z, z + ELEMENTS, ALL - ELEMENTS, "two updates");
    mask_is_apart(z, z + 1, ALL - 1, "neighbours");
    mask_is_apart(first, second, 8 * UPDATES, "two parameters");
    close_lab(&l);
}

Test(noise, refuses_a_negative_variance)
{
    refuse("gradient", "noise", "-1", "eta");
}
