/* parallel.c - block/parallel: is its branches and what joins them. */
#include "tests/support/blocks.h"

Test(parallel, is_its_branches_joined)
{
    const tn_shape in = check_shape(2, 3, 4, 0);
    blocks_same(
        "[{parallel: [[{dense: 5}, tanh], [{dense: 2}], []]}, {dense: 2}]",
        "[{dense: 5}, tanh, {dense: {units: 2, name: b, inputs: input}}, {concat: "
        "{inputs: [tanh, b, input]}}, {dense: 2}]",
        in);
    blocks_same(
        "[{parallel: {branches: [[{dense: 4}, tanh], []], join: add}}, {dense: 2}]",
        "[{residual: [{dense: 4}, tanh]}, {dense: 2}]", in);
    blocks_same(
        "[{parallel: {branches: [{dense: 3}, {dense: 3}], join: mean}}]",
        "[{dense: {units: 3, name: a}}, {dense: {units: 3, inputs: input}}, {add: "
        "{mean: true, inputs: [a, dense]}}]",
        in);
}

Test(parallel, each_branch_reads_its_own_input)
{
    blocks_same(
        "[{dense: 5}, {parallel: {inputs: [input, dense], branches: [[tanh], [relu, "
        "{dense: 2}]]}}, {dense: 2}]",
        "[{dense: 5}, {tanh: {inputs: input}}, {relu: {inputs: dense}}, {dense: 2}, "
        "{concat: {inputs: [tanh, dense_2]}}, {dense: 2}]",
        check_shape(2, 3, 4, 0));
}

Test(parallel, as_in_pytorch)
{
    check_torch("layers", "parallel");
}

/* For `units` features. */
static void write_block(uint32_t seed, int units, char block[CHECK_LAYERS])
{
    static const char *const join[] = {"concat", "add", "mean"};
    const int64_t how = check_draw(seed, 1, 0, 2);
    snprintf(block, CHECK_LAYERS,
             "{parallel: {branches: [[{dense: %d}, tanh], [{dense: 3}, {dense: %d}]%s], "
             "join: %s}}",
             units, how ? units : (int)check_draw(seed, 2, 1, 4), seed % 2 ? ", []" : "",
             join[how]);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    const int units = (int)check_draw(seed, 0, 1, 20);
    write_block(seed, units, layers);
    return check_draw_rows(seed, 1, 4, 5, units);
}

Test(parallel, is_the_same_with_both_backends)
{
    check_backends(draw);
}

Test(parallel, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char block[CHECK_LAYERS], model[CHECK_LAYERS + 60];
        const int units = (int)check_draw(seed, 0, 1, 4);
        write_block(seed, units, block);
        snprintf(model, sizeof model, "[{dense: %d}, %s, {dense: 2}]", units, block);
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 3),
                        check_draw(seed, 3, 1, 3), true);
    }
}

Test(parallel, independence)
{
    check_independence(
        "[{dense: 16}, {parallel: [[{dense: 8}, relu], [{avg_pool: {kernel: 3, "
        "stride: 1, padding: same}}, {dense: 8}]]}, {dense: 3}]",
        check_shape(3, 12, 10, 2), 20);
}

Test(parallel, what_it_refuses)
{
    const tn_shape in = check_shape(1, 4, 0, 0);
    check_refuses("[{parallel: [[tanh]]}]", in, "has 1 branches; 2 to 64 are possible");
    check_refuses("[{parallel: [[tanh], [{dens: 2}]]}]", in, "dens");
    check_refuses("[{parallel: {branches: [[{dense: 2}], []], join: add}}]", in,
                  "input 1 has shape (2) and input 2 has shape (4)");
    check_refuses("[{parallel: tanh}]", in, "expected a list of lists of layers");
    check_refuses("[tanh, {parallel: {branches: [[], [], []], inputs: [input, tanh]}}]",
                  in, "has one input for all branches or one for each of the 3, got 2");
}
