/* normal.c - w ~ N(mean, std^2). */
#include "support/drawing.h"

Test(normal, P5_F10_obeys_its_law)
{
    obeys("normal", NULL, &wide, 0, 0.01, false);
    obeys("normal", "{std: 2, mean: -3}", &wide, -3, 2, false);
}

Test(normal, std_0_is_the_mean)
{
    cr_assert_eq(draw("normal", "{std: 0, mean: 1.5}", &wide, 1), TN_OK);
    for (int i = 0; i < MANY; i++) cr_assert_eq(drawn[i], 1.5);
}

Test(normal, draws_the_stream_of_its_key)
{
    draws_the_stream("normal", "0.5", 0, 0.5, false);
    draws_the_stream("normal", "{std: 2, mean: -3}", -3, 2, false);
}

Test(normal, depends_on_the_key_alone)
{
    depends_on_the_key_alone("normal", "1");
}

Test(normal, refuses_a_negative_std)
{
    refuse("initializer", "normal", "-1", "std");
}
