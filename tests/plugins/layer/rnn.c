/* rnn.c - layer/rnn: against PyTorch 1.13, gradients, threads and backends, masks of recurrent
 * dropout, what is refused. */
#include "tests/support/recurrent_options.h"
#include "tests/support/recurrent_torch.h"

static const recurrent_kind kind = {"rnn", 0, ""};

Test(rnn, matches_torch)
{
    recurrent_matches_torch("rnn", "rnn", "");
    recurrent_matches_torch("rnn", "rnn_relu", ", nonlinearity: relu");
}

Test(rnn, matches_torch_with_options)
{
    recurrent_matches_torch_with_options("rnn", 0);
}

Test(rnn, gradients)
{
    recurrent_gradients("rnn", "", 1);
    recurrent_gradients("rnn", ", nonlinearity: relu", 4);
}

Test(rnn, gradients_through_many_steps)
{
    recurrent_long_gradients("rnn");
}

Test(rnn, option_gradients)
{
    recurrent_option_gradients(&kind, 1);
}

Test(rnn, padding_changes_nothing)
{
    recurrent_padding_changes_nothing(&kind);
}

Test(rnn, ends_where_samples_do)
{
    recurrent_ends_where_samples_do(&kind);
}

Test(rnn, samples_are_apart)
{
    recurrent_samples_are_apart(&kind);
}

Test(rnn, options_are_reproducible)
{
    recurrent_options_are_reproducible(&kind);
}

Test(rnn, carries_states)
{
    recurrent_carries_states(&kind);
}

Test(rnn, options_refuse)
{
    recurrent_options_refuse(&kind);
    recurrent_refuses_numbers(&kind);
}

Test(rnn, is_reproducible)
{
    recurrent_is_reproducible("rnn");
}

Test(rnn, refuses)
{
    recurrent_refuses("rnn");
    recurrent_refused("rnn", "{units: 3, nonlinearity: sine}", check_shape(2, 4, 3, 0),
                      "tanh");
}

/* With W = 0, b = 1 and R the identity a unit that is kept grows, h_t = 1 + h_(t-1) / (1 - p), and
 * one that is hidden stays at 1. */
static check_net *counting(void)
{
    check_net *net = check_net_new(
        "[{rnn: {units: 64, nonlinearity: relu, recurrent_dropout: 0.5, "
        "return_sequences: true}}]",
        NULL, 0, check_shape(2, 4, 1, 0), 6, 1, 1);
    double *w = net->graph->param[0].value.data, *r = net->graph->param[1].value.data,
           *b = net->graph->param[2].value.data;
    for (int i = 0; i < 64; i++) {
        w[i] = 0, b[i] = 1;
        for (int j = 0; j < 64; j++) r[i * 64 + j] = i == j;
    }
    return net;
}

Test(rnn, recurrent_dropout_hides_the_same_units_at_all_steps)
{
    int hidden = 0;
    check_net *net = counting();
    const double *y = check_net_output(net);
    for (int s = 0; s < 6; s++)
        for (int j = 0; j < 64; j++) {
            const double *h = y + s * 4 * 64 + j;
            const int grows = h[64] > 1;
            hidden += !grows;
            for (int t = 0; t < 4; t++)
                cr_assert_eq(h[t * 64], grows ? (double)((2 << t) - 1) : 1);
        }
    cr_assert(hidden > 150 && hidden < 234, "%d of 384", hidden);
}

Test(rnn, recurrent_dropout_counts_samples_of_the_logical_batch)
{
    double all[6 * 4 * 64];
    check_net *net = counting();
    memcpy(all, check_net_output(net), sizeof all);
    net->pass.row = 2, net->pass.samples = 4;
    cr_assert(!memcmp(all + 2 * 4 * 64, check_net_output(net), sizeof all / 6 * 4));
}

Test(rnn, recurrent_dropout_is_for_training)
{
    check_net *net = counting();
    net->pass.training = false;
    const double *y = check_net_output(net);
    for (int j = 0; j < 4 * 64; j++) cr_assert_eq(y[j], 1 + j / 64);
}
