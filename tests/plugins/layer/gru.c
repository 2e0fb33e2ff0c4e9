/* gru.c - layer/gru: against PyTorch 1.13, gradients, threads and backends, first values, what is
 * refused. */
#include "tests/support/recurrent_options.h"
#include "tests/support/recurrent_torch.h"

static const recurrent_kind kind = {"gru", 0, ""};

Test(gru, as_in_pytorch)
{
    check_torch("layers", "gru");
}

Test(gru, matches_torch_with_options)
{
    recurrent_matches_torch_with_options("gru", 0);
}

Test(gru, gradients)
{
    recurrent_gradients("gru", "", 1);
}

Test(gru, gradients_through_many_steps)
{
    recurrent_long_gradients("gru");
}

Test(gru, option_gradients)
{
    recurrent_option_gradients(&kind, 1);
}

Test(gru, padding_changes_nothing)
{
    recurrent_padding_changes_nothing(&kind);
}

Test(gru, more_padding_changes_nothing)
{
    recurrent_more_padding_changes_nothing(&kind);
}

Test(gru, ends_where_samples_do)
{
    recurrent_ends_where_samples_do(&kind);
}

Test(gru, samples_are_apart)
{
    recurrent_samples_are_apart(&kind);
}

Test(gru, is_the_same_without_gradients)
{
    recurrent_is_the_same_without_gradients(&kind);
}

Test(gru, options_are_reproducible)
{
    recurrent_options_are_reproducible(&kind);
}

Test(gru, dropout_hides_as_zeros_of_weights_would)
{
    recurrent_dropout_hides(&kind);
}

Test(gru, carries_states)
{
    recurrent_carries_states(&kind);
}

Test(gru, options_of_1_let_nothing_through)
{
    recurrent_has_an_end(&kind);
}

Test(gru, options_refuse)
{
    recurrent_options_refuse(&kind);
    recurrent_refuses_numbers(&kind);
}

Test(gru, is_reproducible)
{
    recurrent_is_reproducible("gru");
}

Test(gru, is_reproducible_when_wide)
{
    recurrent_is_reproducible_when_wide("gru", "");
}

Test(gru, refuses)
{
    recurrent_refuses("gru");
}

Test(gru, has_a_second_bias_for_the_candidate)
{
    const check_net *net = check_net_new("[{gru: 4}]", NULL, 0, check_shape(2, 3, 5, 0),
                                         2, 1, 1);
    cr_assert_eq(net->graph->params, 4);
    cr_assert_eq(net->graph->param[2].value.dim[0], 12);
    cr_assert_str_eq(net->graph->param[3].name, "gru.recurrent_bias");
    cr_assert_eq(net->graph->param[3].value.dim[0], 4);
}
