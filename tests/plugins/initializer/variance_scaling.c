/* variance_scaling.c - variance scale / fan. */
#include "support/drawing.h"

Test(variance_scaling, obeys_its_law)
{
    obeys("variance_scaling", NULL, &wide, 0, sqrt(1.0 / 300), false);
    obeys("variance_scaling", "{scale: 3, mode: fan_out}", &wide, 0, sqrt(3.0 / 200),
          false);
    obeys("variance_scaling", "{mode: fan_avg, distribution: uniform}", &wide, 0,
          sqrt(1.0 / 250), true);
    obeys_truncated("variance_scaling", "{scale: 2, distribution: truncated}", &wide,
                    sqrt(2.0 / 300));
}

static void same(const char *options, const char *other, const char *others_options)
{
    static double first[MANY];
    draw("variance_scaling", options, &wide, 1);
    memcpy(first, drawn, sizeof first);
    draw(other, others_options, &wide, 1);
    near(first, drawn, MANY, 1e-15);
}

Test(variance_scaling, has_he_xavier_and_lecun_as_cases)
{
    same("2", "he", NULL);
    same("{mode: fan_avg, distribution: uniform}", "xavier", "uniform");
    same("{distribution: truncated}", "lecun", "truncated");
}

Test(variance_scaling, refuses_what_cannot_be)
{
    tn_param_info info = wide;
    info.fan_in = 0;
    cr_assert_eq(draw("variance_scaling", NULL, &info, 1), TN_EINVAL);
    refuse("initializer", "variance_scaling", "0", "scale");
    refuse("initializer", "variance_scaling", "{mode: fan}", "fan_avg");
}
