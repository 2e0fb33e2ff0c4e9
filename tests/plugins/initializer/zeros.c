/* zeros.c - w = 0, whatever was there. */
#include "support/drawing.h"

Test(zeros, P5_F10_sets_every_element)
{
    for (int32_t real = 0; real < 2; real++) {
        for (int i = 0; i < MANY; i++) drawn[i] = NAN, drawn_float[i] = NAN;
        cr_assert_eq(draw("zeros", NULL, &wide, real), TN_OK);
        is_everywhere(0, real);
    }
}
