/* ones.c - every value is one. */
#include "support/drawing.h"

Test(ones, fills)
{
    for (int32_t real = 0; real < 2; real++) {
        cr_assert_eq(draw("ones", NULL, &wide, real), TN_OK);
        is_everywhere(1, real);
    }
}

Test(ones, has_no_options)
{
    refuse("initializer", "ones", "2", "ones");
}
