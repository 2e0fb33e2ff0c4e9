/* conv1d.c - layer/conv1d: by the definition, by differences, shapes, refusals. */
#include "tests/support/convolving.h"

Test(conv1d, is_its_definition_at_random_shapes)
{
    check_random_layers(1, (uint32_t)test_rounds(test_sanitized() ? 100 : 500, 3000), 4,
                        30, 12);
}

Test(conv1d, is_its_definition_where_products_are_cut)
{
    check_random_layers(1, (uint32_t)test_rounds(test_sanitized() ? 5 : 15, 200), 3, 200,
                        90);
}

Test(conv1d, further_axes_are_more_images)
{
    check_further_axes(1, (uint32_t)test_rounds(60, 500));
}

Test(conv1d, gradients)
{
    check_random_gradients(1, (uint32_t)test_rounds(36, 100));
}

Test(conv1d, as_in_pytorch)
{
    check_torch("layers", "conv1d");
}

Test(conv1d, independence)
{
    check_independence("[{dense: 6}, {conv1d: {filters: 9, kernel: 3, dilation: 2, "
                       "padding: same}}, tanh, {conv1d: {filters: 12, kernel: 4, stride: "
                       "2, groups: 3}}, {conv1d: {filters: 12, kernel: 2, groups: 12}}]",
                       check_shape(2, 21, 3, 0), 7);
}

Test(conv1d, shapes)
{
    const check_net *net = check_net_new("[{conv1d: {filters: 6, kernel: 4, stride: 2, "
                                         "padding: explicit, pad: [3, 0], groups: 2}}]",
                                         NULL, 0, check_shape(2, 9, 4, 0), 1, 1, 1);
    const tn_shape *out = tn_graph_output(net->graph);
    const tn_tensor *weight = &net->graph->param[0].value;
    cr_assert(out->rank == 2 && out->dim[0] == 5 && out->dim[1] == 6);
    cr_assert_eq(weight->rank, 3);
    cr_assert(weight->dim[0] == 6 && weight->dim[1] == 2 && weight->dim[2] == 4);
}

Test(conv1d, what_cannot_be_is_refused)
{
    const tn_shape sequence = check_shape(2, 9, 4, 0);
    check_refuses("[{conv1d: {filters: 4, kernel: [3, 3]}}]", sequence,
                  "option 'kernel': expected a whole number from 1");
    check_refuses("[{conv1d: {filters: 4, padding: explicit, pad: [1, 2, 3]}}]", sequence,
                  "option 'pad'");
    check_refuses("[{conv1d: {filters: 4, kernel: 10}}]", sequence,
                  "covers 10 positions of the length, which has 9");
    check_refuses("[{conv1d: 4}]", check_shape(1, 9, 0, 0),
                  "needs an input of shape (length, channels), or several of them behind "
                  "further axes, got one of rank 1");
}
