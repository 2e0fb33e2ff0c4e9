/* variational_dropout - drops features of a sequence, the same ones at all time steps: between
 * recurrent layers another mask at each step would be noise that the states add up. Inverted, as
 * dropout is.
 *
 *     y_stf = x_stf m_sf / (1 - p),  dL/dx_stf = dL/dy_stf m_sf / (1 - p),  m_sf ~ Bernoulli(1 - p)
 *
 * for sample s, step t, feature f. Gal, Ghahramani, "A theoretically grounded application of dropout
 * in recurrent neural networks", NIPS 2016, section 4.1. Inside recurrent layers, on their inputs and
 * on their states, the options input_dropout and recurrent_dropout of lstm, gru and rnn do the same. */
#include <tenon/plugin.h>
#include "mask.h"

#define OPTIONS(P) \
    P(SCHEDULABLE, p, TN_POSITIONAL, 0.5, 0, 1, "probability that a feature is dropped")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    if (node->in[0].rank == 2) return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "needs a sequence (steps, features); for features alone there is "
                   "dropout, for images spatial_dropout");
}

TN_KERNEL void TN(multiply)(const TN(self) * self, const tn_tile *t, const tn_real *x,
                            tn_real *y)
{
    const TN(mask) m = TN(mask_inverted)(t, tn_now(t, self->p));
    TN(mask_columns)(&m, t, x, y);
}

#include "multiplier.h"

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_IDLE | TN_RANDOM | TN_INPLACE,
          .infer = TN(infer), .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(
    OPTIONS, layer, variational_dropout,
    .summary = "Drops features of sequences, the same at all steps, while training",
    .formula = "y = x m / (1 - p), m ~ Bernoulli(1 - p) for each sample and "
               "feature; y = x outside training",
    .reference = "Gal, Ghahramani, A theoretically grounded application of "
                 "dropout in recurrent neural networks, NIPS 2016, section 4.1")
