/* uniform.c - U(mean - bound, mean + bound). */
#include "support/drawing.h"

Test(uniform, obeys_its_law)
{
    obeys("uniform", NULL, &wide, 0, 0.05 / sqrt(3), true);
    obeys("uniform", "2", &wide, 0, 2 / sqrt(3), true);
    obeys_within("uniform", "{bound: 0.5, mean: 3}", &wide, 3, 0.5 / sqrt(3), 3.5);
}

Test(uniform, draws_the_stream_of_its_key)
{
    draws_the_stream("uniform", "{bound: 0.5, mean: 3}", 3, 0.5 / sqrt(3), true);
}

Test(uniform, depends_on_the_key_alone)
{
    depends_on_the_key_alone("uniform", NULL);
}

Test(uniform, refuses_a_negative_bound)
{
    refuse("initializer", "uniform", "-1", "bound");
}
