/* xavier.c - variance 2 gain^2 / (fan_in + fan_out). */
#include "support/drawing.h"

Test(xavier, P5_F7_obeys_its_law)
{
    const double deviation = sqrt(2.0 / 500);
    obeys("xavier", NULL, &wide, 0, deviation, false);
    obeys("xavier", "uniform", &wide, 0, deviation, true);
    obeys("xavier", "{gain: 1.5, distribution: uniform}", &wide, 0, 1.5 * deviation,
          true);
    obeys_truncated("xavier", "truncated", &wide, deviation);
    obeys("xavier", "{mode: fan_in}", &wide, 0, sqrt(1.0 / 300), false);
    obeys("xavier", "{mode: fan_out, distribution: uniform}", &wide, 0, sqrt(1.0 / 200),
          true);
}

Test(xavier, P5_N36_deviations)
{
    tn_param_info info = wide;
    info.fan_in = 12288, info.fan_out = 1000;
    obeys("xavier", NULL, &info, 0, 0.012268, false);
    info.fan_in = 1000;
    obeys("xavier", NULL, &info, 0, 0.031623, false);
}

Test(xavier, draws_the_stream_of_its_key)
{
    draws_the_stream("xavier", NULL, 0, sqrt(2.0 / 500), false);
    draws_the_stream("xavier", "uniform", 0, sqrt(2.0 / 500), true);
}

Test(xavier, depends_on_the_key_alone)
{
    depends_on_the_key_alone("xavier", "normal");
    depends_on_the_key_alone("xavier", "uniform");
}

Test(xavier, refuses_what_has_no_fans)
{
    tn_param_info info = wide;
    info.fan_in = info.fan_out = 0;
    cr_assert_eq(draw("xavier", NULL, &info, 1), TN_EINVAL);
}
