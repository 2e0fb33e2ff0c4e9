/* sparse.c - a few connections for each unit. */
#include "support/drawing.h"

enum { UNITS = ROWS, WIDTH = COLUMNS };

static int64_t connections_of(int64_t unit)
{
    int64_t n = 0;
    for (int64_t j = 0; j < WIDTH; j++) n += drawn[unit * WIDTH + j] != 0;
    return n;
}

Test(sparse, every_unit_has_as_many_connections)
{
    cr_assert_eq(draw("sparse", NULL, &wide, 1), TN_OK);
    for (int64_t i = 0; i < UNITS; i++) cr_assert_eq(connections_of(i), 15);
    cr_assert_eq(draw("sparse", "{connections: 1}", &wide, 1), TN_OK);
    for (int64_t i = 0; i < UNITS; i++) cr_assert_eq(connections_of(i), 1);
    cr_assert_eq(draw("sparse", "{connections: 9999}", &wide, 1), TN_OK);
    for (int64_t i = 0; i < UNITS; i++) cr_assert_eq(connections_of(i), WIDTH);
}

Test(sparse, all_inputs_are_as_likely)
{
    cr_assert_eq(draw("sparse", "{connections: 2622}", &wide, 1), TN_OK);
    double worst = 0;
    for (int64_t j = 0; j < WIDTH; j++) {
        double n = 0;
        for (int64_t i = 0; i < UNITS; i++) n += drawn[i * WIDTH + j] != 0;
        worst = fmax(worst, fabs(n - 100)); /* of 200, a half */
    }
    cr_assert_lt(worst, 5 * sqrt(200 * 0.5 * 0.5));
}

Test(sparse, connections_are_normal)
{
    double sum = 0, square = 0;
    cr_assert_eq(draw("sparse", "{connections: 9999, std: 0.5}", &wide, 1), TN_OK);
    for (int i = 0; i < MANY; i++) sum += drawn[i], square += drawn[i] * drawn[i];
    cr_assert_float_eq(sum / MANY, 0, 5 * 0.5 / sqrt((double)MANY));
    cr_assert_float_eq(square / MANY, 0.25, 5 * 0.25 * sqrt(2.0 / MANY));
}

Test(sparse, depends_on_the_key)
{
    static double first[MANY];
    tn_param_info other = wide;
    other.key.word[1]++;
    draw("sparse", NULL, &wide, 1);
    memcpy(first, drawn, sizeof first);
    draw("sparse", NULL, &wide, 1);
    cr_assert_arr_eq(first, drawn, sizeof first);
    draw("sparse", NULL, &other, 1);
    cr_assert(memcmp(first, drawn, sizeof first));
}

Test(sparse, refuses_what_cannot_be)
{
    refuse("initializer", "sparse", "0", "connections");
    refuse("initializer", "sparse", "{std: -1}", "std");
}
