/* centralize.c - the gradients of a unit's weights have no mean; biases' stay. */
#include "support/transforming.h"

static void expect(const change *c, int32_t p, int64_t width)
{
    for (int64_t first = 0; first < size_of(&c->l, p); first += width) {
        double mean = 0, left = 0, want[64];
        for (int64_t i = 0; i < width; i++)
            mean += c->before[p][first + i] / (double)width;
        cr_assert(fabs(mean) > 1e-3, "there is something to take");
        for (int64_t i = 0; i < width; i++) {
            want[i] = c->before[p][first + i] - mean;
            left += c->after[p][first + i];
        }
        note_near(c->after[p] + first, want, width, 1e-15, "gradient");
        cr_assert_float_eq(left, 0, 1e-15);
    }
}

Test(centralize, takes_the_mean_of_each_units_weights)
{
    const change *c = change_by("gradient: [centralize]");
    expect(c, 0, 3);
    expect(c, 2, 4);
}

Test(centralize, leaves_biases)
{
    const change *c = change_by("gradient: [centralize]");
    cr_assert_arr_eq(c->after[1], c->before[1], 4 * sizeof(double));
    cr_assert_arr_eq(c->after[3], c->before[3], 2 * sizeof(double));
}

/* The sum of a unit's weights then stays what it is. */
Test(centralize, keeps_the_sum_of_a_units_weights)
{
    const change *c = change_by("gradient: [centralize]");
    for (int64_t row = 0; row < 4; row++) {
        double moved = 0;
        for (int64_t i = 0; i < 3; i++)
            moved += weights(&c->l, 0)[3 * row + i] - c->was[0][3 * row + i];
        cr_assert_float_eq(moved, 0, 1e-15);
    }
}
