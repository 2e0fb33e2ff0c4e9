/* ones.c - every value is one. */
#include "support/drawing.h"

Test(ones, fills)
{
    cr_assert_eq(draw("ones", NULL, &wide, 1), TN_OK);
    cr_assert_eq(draw("ones", NULL, &wide, 0), TN_OK);
    for (int i = 0; i < MANY; i++) cr_assert(drawn[i] == 1 && drawn_float[i] == 1);
}

Test(ones, has_no_options)
{
    refuse("initializer", "ones", "2", "ones");
}
