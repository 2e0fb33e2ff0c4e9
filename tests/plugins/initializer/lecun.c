/* lecun.c - variance 1 / fan_in. */
#include "support/drawing.h"

Test(lecun, P5_F9_obeys_its_law)
{
    obeys("lecun", NULL, &wide, 0, sqrt(1.0 / 300), false);
    obeys("lecun", "uniform", &wide, 0, sqrt(1.0 / 300), true);
    obeys_truncated("lecun", "truncated", &wide, sqrt(1.0 / 300));
    obeys("lecun", "{mode: fan_out}", &wide, 0, sqrt(1.0 / 200), false);
    obeys("lecun", "{mode: fan_avg, distribution: uniform}", &wide, 0, sqrt(1.0 / 250),
          true);
}

Test(lecun, draws_the_stream_of_its_key)
{
    draws_the_stream("lecun", NULL, 0, sqrt(1.0 / 300), false);
}

Test(lecun, depends_on_the_key_alone)
{
    depends_on_the_key_alone("lecun", "normal");
    depends_on_the_key_alone("lecun", "uniform");
}

Test(lecun, refuses_what_has_no_fan)
{
    tn_param_info info = wide;
    info.fan_in = 0;
    cr_assert_eq(draw("lecun", NULL, &info, 1), TN_EINVAL);
}

Test(lecun, refuses_a_gain)
{
    refuse("initializer", "lecun", "{gain: 2}", "gain");
}
