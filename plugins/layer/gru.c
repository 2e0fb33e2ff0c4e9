/* gru - gated recurrent unit: a gate that resets, and one that mixes the state before with a
 * candidate.
 *
 *     r = sigmoid(zr + ur), k = sigmoid(zz + uz), m = tanh(zn + r q), q = un + bn
 *     h_t = m + k (h_(t-1) - m),  z = W x_t + b,  u = R h_(t-1)
 *
 *     dzn = dh (1 - k) (1 - m^2),  dq = dzn r,  dzr = dzn q r (1 - r),
 *     dzz = dh (h_(t-1) - m) k (1 - k),  dh_(t-1) = dh k + R^T (dzr, dzz, dq)
 *
 * Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014, eqs. 5 to 8,
 * with the reset gate behind the product (its preprint's version 1, cuDNN, PyTorch, and
 * `reset_after` of Keras). Weights are PyTorch's: gates in the order r z n; of its two biases only
 * the candidate's stay apart, as `recurrent_bias` (bn). A step keeps r, k, m, q; back their place
 * holds dzr, dzz, dzn, dq. */
#include <tenon/plugin.h>

#define OPTIONS(P) RECURRENT_OPTIONS(P)
#ifndef GATES
#define GATES 3
#define SLOTS 4
#define CELLS 0
#define RECURRENT_BIAS 1
#define GRADIENTS_APART 1
#define JOINT_NORM 0
#define MORE_BIAS \
    {             \
        0         \
    }
#endif

#include "recurrent.h"

TN_KERNEL void TN(cell_forward)(const TN(self) * self, const TN(row) * row)
{
    const int64_t n = row->n;
    tn_real *r = row->z, *k = r + n, *m = k + n, *q = m + n, *h = row->h;
    const tn_real *u = row->u, *before = row->h_before, *bias = row->bias;
    /* Loops apart, so that what must wait for what is short. */
    EACH_APART for (int64_t j = 0; j < row->units; j++) r[j] = tn_sigmoid(r[j] + u[j]);
    EACH_APART for (int64_t j = 0; j < row->units; j++)
        k[j] = tn_sigmoid(k[j] + u[n + j]);
    EACH_APART for (int64_t j = 0; j < row->units; j++)
    {
        q[j] = u[2 * n + j] + bias[j];
        m[j] = tn_tanh(m[j] + r[j] * q[j]);
        h[j] = m[j] + k[j] * (before[j] - m[j]);
    }
}

TN_KERNEL void TN(cell_backward)(const TN(self) * self, const TN(row) * row)
{
    const int64_t n = row->n;
    tn_real *zr = row->z, *zz = zr + n, *zn = zz + n, *zq = zn + n, *carry = row->carry,
            *u = row->u;
    const tn_real *before = row->h_before, *gh = row->gh;
    EACH_APART for (int64_t j = 0; j < row->units; j++)
    {
        const tn_real r = zr[j], k = zz[j], m = zn[j], q = zq[j], g = gh[j] + carry[j];
        const tn_real gm = g * (1 - k) * (1 - m * m);
        zn[j] = gm;
        zr[j] = u[j] = gm * q * r * (1 - r);
        zz[j] = u[n + j] = g * (before[j] - m) * k * (1 - k);
        zq[j] = u[2 * n + j] = gm * r;
        carry[j] = g * k;
    }
}

#include "recurrent_steps.h"

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X | TN_CARRIES, .max_inputs = 3,
          .check = TN(check), .infer = TN(infer), .run = TN(run),
          .run_back = TN(run_back), .commit = TN(commit))
TN_PLUGIN_WITH(OPTIONS, layer, gru,
               .summary = "Gated recurrent unit over the steps of a sequence",
               .formula = "r, k = sigmoid(W x_t + R h_(t-1) + b);  "
                          "m = tanh(W x_t + b + r (R h_(t-1) + bn));  "
                          "h_t = (1 - k) m + k h_(t-1)",
               .reference = "Cho et al., Learning phrase representations using RNN "
                            "encoder-decoder, EMNLP 2014, eqs. 5 to 8",
               .initializer = "xavier")
