/* repeat.c - block/repeat: is its body several times, each with parameters of its own. */
#include "tests/support/blocks.h"

Test(repeat, is_its_body_several_times)
{
    const tn_shape in = check_shape(2, 3, 4, 0);
    blocks_same("[{repeat: {times: 3, body: [{dense: 4}, tanh]}}, {dense: 2}]",
                "[{dense: 4}, tanh, {dense: 4}, tanh, {dense: 4}, tanh, {dense: 2}]", in);
    blocks_same("[{repeat: {times: 1, body: {dense: 3}}}]", "[{dense: 3}]", in);
    blocks_same("[{repeat: {times: 2, body: [{residual: [{dense: 4}]}, tanh]}}]",
                "[{residual: [{dense: 4}]}, tanh, {residual: [{dense: 4}]}, tanh]", in);
}

Test(repeat, as_in_pytorch)
{
    check_torch("layers", "repeat");
}

Test(repeat, independence)
{
    check_independence("[{repeat: {times: 3, body: [{dense: 20}, tanh]}}]",
                       check_shape(2, 7, 5, 0), 9);
}

Test(repeat, gradients)
{
    for (uint32_t seed = 1; seed <= 30; seed++) {
        char model[200];
        snprintf(model, sizeof model,
                 "[{dense: %d}, {repeat: {times: %d, body: [{dense: %d}, tanh]}}]",
                 (int)check_draw(seed, 0, 1, 3), (int)check_draw(seed, 1, 1, 4),
                 (int)check_draw(seed, 2, 1, 4));
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 2, 3),
                        check_draw(seed, 3, 1, 3), true);
    }
}

Test(repeat, what_it_refuses)
{
    const tn_shape in = check_shape(1, 4, 0, 0);
    check_refuses("[{repeat: {times: 0, body: [tanh]}}]", in,
                  "option 'times' = 0 is outside [1, 1000]");
    check_refuses("[{repeat: {body: [tanh]}}]", in, "option 'times' is required");
    check_refuses("[{repeat: {times: 2, body: [{dense: {units: 4, name: a}}]}}]", in,
                  "two layers are called 'repeat.a'");
    check_refuses("[tanh, {repeat: {times: 2, body: [tanh], inputs: [input, tanh]}}]", in,
                  "has one input, got 2");
}
