/* sequential.c - block/sequential: is its layers, with options for all of them. */
#include "tests/support/blocks.h"

Test(sequential, as_in_pytorch)
{
    check_torch("layers", "sequential");
}

Test(sequential, is_its_layers)
{
    const tn_shape in = check_shape(2, 3, 4, 0);
    blocks_same("[{sequential: [{dense: 5}, tanh, {dense: 2}]}, sigmoid]",
                "[{dense: 5}, tanh, {dense: 2}, sigmoid]", in);
    blocks_same("[{sequential: [{sequential: tanh}, {dense: 2}]}]", "[tanh, {dense: 2}]",
                in);
    blocks_same("[{sequential: []}, {dense: 2}]", "[{dense: 2}]", in);
}

Test(sequential, gradients)
{
    for (uint32_t seed = 1; seed <= 30; seed++) {
        char model[200];
        snprintf(model, sizeof model,
                 "[{dense: %d}, {sequential: [{dense: %d}, tanh, {sequential: [{dense: "
                 "%d}, sigmoid]}]}, {dense: 2}]",
                 (int)check_draw(seed, 0, 1, 4), (int)check_draw(seed, 1, 1, 4),
                 (int)check_draw(seed, 2, 1, 4));
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 3),
                        check_draw(seed, 3, 1, 3), seed % 4 != 0);
    }
}

Test(sequential, options_for_all_its_layers)
{
    check_net *net = check_net_new("[{sequential: {name: stem, init: {constant: 0.5}, "
                                   "body: [{dense: 2}, {dense: 3}]}}]",
                                   NULL, 0, check_shape(1, 4, 0, 0), 1, 1, 1);
    check_net_param(net, "stem.dense.weight");
    check_net_param(net, "stem.dense_2.weight");
}

Test(sequential, what_it_refuses)
{
    const tn_shape in = check_shape(1, 4, 0, 0);
    check_refuses("[{sequential: [{dens: 6}]}]", in, "dens");
    check_refuses("[tanh, {sequential: {body: [tanh], inputs: [input, tanh]}}]", in,
                  "has one input, got 2");
    check_refuses("[sequential]", in, "option 'body' is required");
}
