/* upsample.c - layer/upsample: against PyTorch and a plain implementation, gradients, what it
 * refuses. */
#include <criterion/criterion.h>

#include "tests/support/check.h"

Test(upsample, as_in_pytorch)
{
    check_torch("layers", "upsample");
}

Test(upsample, values)
{
    for (int f = 1; f <= 3; f++) {
        char model[100];
        snprintf(model, sizeof model, "[{upsample: %d}]", f);
        check_net *net = check_net_new(model, NULL, 0, check_shape(3, 3, 4, 2), 2, 1, 1);
        const double *y = check_net_output(net), *x = net->x;
        for (int s = 0; s < 2; s++)
            for (int i = 0; i < 3 * f; i++)
                for (int j = 0; j < 4 * f; j++)
                    for (int c = 0; c < 2; c++)
                        cr_assert_eq(*y++, x[((s * 3 + i / f) * 4 + j / f) * 2 + c]);
    }
}

Test(upsample, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[200];
        snprintf(model, sizeof model, "[{dense: %d}, {upsample: %d}, tanh, {dense: 2}]",
                 (int)check_draw(seed, 0, 1, 4), (int)check_draw(seed, 1, 1, 3));
        check_gradients(model, NULL, 0, check_draw_shape(seed, 2, 3, 4),
                        check_draw(seed, 2, 1, 3), true);
    }
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    snprintf(layers, CHECK_LAYERS, "{upsample: %d}", (int)check_draw(seed, 0, 1, 4));
    return check_draw_rows(seed, 2, 3, 6, check_draw(seed, 1, 1, 40));
}

Test(upsample, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(upsample, independence)
{
    check_independence("[{dense: 16}, upsample, {dense: 3}]", check_shape(3, 20, 10, 2),
                       20);
}

Test(upsample, what_it_refuses)
{
    check_refuses("[upsample]", check_shape(1, 6, 0, 0),
                  "or (height, width, channels), got (6)");
    check_refuses("[{upsample: 0}]", check_shape(2, 6, 2, 0),
                  "option 'factor' = 0 is outside [1, 1024]");
}
