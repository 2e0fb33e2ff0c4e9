/* he.c - variance gain^2 / fan. */
#include "support/drawing.h"

Test(he, P5_F8_obeys_its_law)
{
    obeys("he", NULL, &wide, 0, sqrt(2.0 / 300), false);
    obeys("he", "uniform", &wide, 0, sqrt(2.0 / 300), true);
    obeys("he", "{mode: fan_out}", &wide, 0, sqrt(2.0 / 200), false);
    obeys("he", "{gain: 1, mode: fan_out, distribution: uniform}", &wide, 0,
          sqrt(1.0 / 200), true);
    obeys("he", "{mode: fan_avg}", &wide, 0, sqrt(2.0 / 250), false);
    obeys_truncated("he", "truncated", &wide, sqrt(2.0 / 300));
}

/* .012758 for 12288 inputs, which is .0128 rounded, and .0447 for 1000 (P5-N34). */
Test(he, P5_N37_deviations)
{
    tn_param_info info = wide;
    info.fan_in = 12288;
    obeys("he", NULL, &info, 0, 0.012758, false);
    info.fan_in = 1000;
    obeys("he", NULL, &info, 0, 0.044721, false);
}

/* P5-N35, 0-17: PyTorch's default, uniform in +-1 / sqrt(n), has .01826 for 1000 inputs and .00521 for
 * 12288: less than xavier's .0316 and he's .0447, not too much. */
Test(he, P5_N35_the_default_of_pytorch)
{
    static const char uniform[] = "{distribution: uniform, gain: 0.57735026918962576}";
    tn_param_info info = wide;
    info.fan_in = 1000, info.fan_out = 1000;
    obeys("he", uniform, &info, 0, 0.01826, true);
    cr_assert_lt(measure("he", uniform, &info).deviation,
                 measure("xavier", NULL, &info).deviation);
    cr_assert_lt(measure("xavier", NULL, &info).deviation,
                 measure("he", NULL, &info).deviation);
    info.fan_in = 12288;
    obeys("he", uniform, &info, 0, 0.00521, true);
}

/* P5-G1: behind another rectifier, if that asks for it; what is set stays. */
Test(he, takes_the_gain_of_an_activation_that_prefers_it)
{
    tn_param_info info = wide;
    info.gain = sqrt(2 / 1.04);
    obeys("he", NULL, &info, 0, sqrt(2.0 / 300), false);
    info.preferred = 1;
    obeys("he", NULL, &info, 0, sqrt(2 / 1.04 / 300), false);
    obeys("he", "{gain: 1}", &info, 0, sqrt(1.0 / 300), false);
}

/* P5-G1: the gains of PyTorch's calculate_gain. */
Test(he, takes_the_gain_of_a_nonlinearity_that_is_named)
{
    tn_param_info info = wide;
    info.preferred = 1, info.gain = 2;
    obeys("he", "{nonlinearity: linear}", &info, 0, sqrt(1.0 / 300), false);
    obeys("he", "{nonlinearity: sigmoid}", &info, 0, sqrt(1.0 / 300), false);
    obeys("he", "{nonlinearity: tanh}", &info, 0, 5.0 / 3 / sqrt(300), false);
    obeys("he", "{nonlinearity: relu}", &info, 0, sqrt(2.0 / 300), false);
    obeys("he", "{nonlinearity: selu, mode: fan_out}", &info, 0, 0.75 / sqrt(200), false);
    refuse("initializer", "he", "{nonlinearity: tanh, gain: 1}", "leave one of them out");
    refuse("initializer", "he", "{nonlinearity: sine}", "tanh");
}

Test(he, draws_the_stream_of_its_key)
{
    draws_the_stream("he", NULL, 0, sqrt(2.0 / 300), false);
    draws_the_stream("he", "uniform", 0, sqrt(2.0 / 300), true);
}

Test(he, depends_on_the_key_alone)
{
    depends_on_the_key_alone("he", "normal");
    depends_on_the_key_alone("he", "uniform");
    depends_on_the_key_alone("he", "truncated");
}

Test(he, refuses_what_has_no_fan)
{
    tn_param_info info = wide;
    info.fan_in = 0;
    cr_assert_eq(draw("he", NULL, &info, 1), TN_EINVAL);
    cr_assert_eq(draw("he", "{mode: fan_out}", &info, 1), TN_OK);
}

Test(he, refuses_an_unknown_distribution)
{
    refuse("initializer", "he", "{distribution: gaussian}", "normal");
}
