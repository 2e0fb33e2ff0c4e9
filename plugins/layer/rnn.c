/* rnn - the simple recurrent network: each state an activation of the input and the state before.
 *
 *     h_t = act(W x_t + R h_(t-1) + b),  dz = dh act'(z),  dh_(t-1) = R^T dz
 *
 * Elman, "Finding structure in time", Cognitive Science 14(2), 1990. With relu and an identity as
 * R at first: Le, Jaitly, Hinton, arXiv:1504.00941. A step keeps h in z's place. Weights are PyTorch's; its two biases are one
 * here, their sum. */
#include <tenon/plugin.h>

#define OPTIONS(P)       \
    RECURRENT_OPTIONS(P) \
    P(ENUM, nonlinearity, 0, 0, "tanh|relu", , "activation of the state")
#ifndef GATES
#define GATES 1
#define SLOTS 1
#define CELLS 0
#define RECURRENT_BIAS 0
#define GRADIENTS_APART 0
#define JOINT_NORM 1
#define MORE_BIAS \
    {             \
        0         \
    }
#define RELU 1
#endif

#include "recurrent.h"

TN_KERNEL void TN(cell_forward)(const TN(self) * self, const TN(row) * r)
{
    tn_real *z = r->z, *h = r->h;
    if (self->nonlinearity == RELU) EACH_APART for (int64_t j = 0; j < r->units; j++)
        {
            h[j] = z[j] = z[j] < 0 ? 0 : z[j]; /* a NaN stays one */
        }
    else
        EACH_APART for (int64_t j = 0; j < r->units; j++) h[j] = z[j] = tn_tanh(z[j]);
}

TN_KERNEL void TN(cell_backward)(const TN(self) * self, const TN(row) * r)
{
    const tn_real *gh = r->gh;
    tn_real *z = r->z;
    if (self->nonlinearity == RELU)
        EACH_APART for (int64_t j = 0; j < r->units; j++) z[j] = z[j] > 0 ? gh[j] : 0;
    else
        EACH_APART for (int64_t j = 0; j < r->units; j++)
            z[j] = gh[j] * (1 - z[j] * z[j]);
}

#include "recurrent_steps.h"

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X | TN_CARRIES, .max_inputs = 3,
          .check = TN(check), .infer = TN(infer), .run = TN(run),
          .run_back = TN(run_back), .commit = TN(commit))
TN_PLUGIN_WITH(
    OPTIONS, layer, rnn, .summary = "Simple (Elman) recurrent network",
    .formula = "h_t = act(W x_t + R h_(t-1) + b)",
    .reference = "Elman, Finding structure in time, Cognitive Science 14(2), 1990",
    .initializer = "xavier")
