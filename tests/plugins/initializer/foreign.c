/* foreign.c - initializer/foreign: what a function is given, and the law of what comes out. */
#include "support/foreign.h"
#include "support/drawing.h"

static const char *of(const char *function, const char *more)
{
    return foreign(LIBM, function, more);
}

/* sqrt of a uniform number has density 2 w, -log of one is exponential. */
Test(foreign, draws_from_the_law_of_a_quantile_function)
{
    obeys_moments("foreign", of("double sqrt(double u)", ""), &wide, 2.0 / 3,
                  sqrt(1.0 / 18));
    obeys_moments("foreign", of("double log(double u)", ", scale: -2"), &wide, 2, 2);
    obeys("foreign", of("double fmin(double 9, double z)", ", scale: 3"), &wide, 0, 3,
          false);
}

Test(foreign, knows_where_a_weight_is_and_the_layer)
{
    cr_assert_eq(
        draw("foreign", of("double hypot(double row, double column)", ""), &wide, 1),
        TN_OK);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(drawn[i], hypot((double)(i / COLUMNS), (double)(i % COLUMNS)));
    cr_assert_eq(
        draw("foreign", of("double pow(double fan_in, double -0.5)", ""), &wide, 1),
        TN_OK);
    cr_assert_eq(drawn[7], pow(300, -0.5));
    cr_assert_eq(
        draw("foreign", of("double hypot(double fan_out, double gain)", ""), &wide, 1),
        TN_OK);
    cr_assert_eq(drawn[7], hypot(200, 1));
}

Test(foreign, depends_on_the_key_alone)
{
    depends_on_the_key_alone("foreign", of("double sqrt(double u)", ""));
}

Test(foreign, what_it_refuses)
{
    refuse("initializer", "foreign", of("double erf(double x)", ""),
           "unknown 'x)'; an argument is u, z, row, column, fan_in, fan_out, gain");
    cr_assert_neq(draw("foreign", of("double log(double z)", ""), &wide, 1), TN_OK);
    cr_assert_neq(draw("foreign", of("double none(double u)", ""), &wide, 1), TN_OK);
}
