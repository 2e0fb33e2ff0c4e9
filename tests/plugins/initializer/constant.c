/* constant.c - w = value. */
#include "support/drawing.h"

Test(constant, P5_F10_sets_every_element)
{
    cr_assert_eq(draw("constant", "0.5", &wide, 1), TN_OK);
    is_everywhere(0.5, 1);
    cr_assert_eq(draw("constant", "{value: 0.1}", &wide, 0), TN_OK);
    is_everywhere(0.1, 0);
}

Test(constant, is_zero_by_default)
{
    cr_assert_eq(draw("constant", NULL, &wide, 1), TN_OK);
    is_everywhere(0, 1);
}
