/* lstm - long short-term memory: a cell state c that gates let in, keep and let out.
 *
 *     i = sigmoid(zi), f = sigmoid(zf), g = tanh(zg), o = sigmoid(zo)
 *     c_t = f c_(t-1) + i g,  h_t = o tanh(c_t),  z = W x_t + R h_(t-1) + b
 *
 *     dc += dh o (1 - tanh^2 c),  dzi = dc g i (1 - i),  dzf = dc c_(t-1) f (1 - f),
 *     dzg = dc i (1 - g^2),  dzo = dh tanh(c) o (1 - o),  dc_(t-1) = dc f
 *
 * Hochreiter, Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997; with forget
 * gates Gers, Schmidhuber, Cummins, Neural Computation 12(10), 2000. Weights are PyTorch's: gates in
 * the order i f g o; its two biases are one here, their sum. The forget gates' bias begins with
 * `forget_bias`, so that states are kept at first (Jozefowicz, Zaremba, Sutskever, "An empirical
 * exploration of recurrent network architectures", ICML 2015, section 2.2). */
#include <tenon/plugin.h>

#define OPTIONS(P)                                  \
    RECURRENT_OPTIONS(P)                            \
    RECURRENT_CELL_OPTIONS(P)                       \
    P(REAL, forget_bias, 0, 1, -INFINITY, INFINITY, \
      "what the bias of the forget gates begins with")
#ifndef GATES
#define GATES 4
#define SLOTS 4
#define CELLS 1
#define RECURRENT_BIAS 0
#define GRADIENTS_APART 0
#define JOINT_NORM 0
#define MORE_BIAS                  \
    {                              \
        0, self->forget_bias, 0, 0 \
    }
#endif

#include "recurrent.h"

TN_INLINE void TN(open_gate)(int64_t units, tn_real *z)
{
    for (int64_t j = 0; j < units; j++) z[j] = tn_sigmoid(z[j]);
}

TN_KERNEL void TN(cell_forward)(const TN(self) * self, const TN(row) * r)
{
    const int64_t n = r->n, units = r->units;
    tn_real *i = r->z, *f = i + n, *g = f + n, *o = g + n, *c = r->c, *h = r->h;
    const tn_real *before = r->c_before, *seen = r->seen;
    /* Loops apart: together they would need more registers than there are. */
    TN(open_gate)(units, i);
    TN(open_gate)(units, f);
    TN(open_gate)(units, o);
    EACH_APART for (int64_t j = 0; j < units; j++)
    {
        g[j] = tn_tanh(g[j]);
        c[j] = f[j] * before[j] + i[j] * g[j];
    }
    EACH_APART for (int64_t j = 0; j < units; j++) h[j] = o[j] * tn_tanh(c[j]);
    if (!seen) return;
    TN(see_cell)(r);
    EACH_APART for (int64_t j = 0; j < units; j++) h[j] = o[j] * tn_tanh(seen[j]);
}

/* What comes to c through a normalized cell, to the carry. */
TN_INLINE void TN(through_norm)(const TN(row) * r)
{
    const int64_t n = r->n;
    const tn_real *o = r->z + 3 * n, *gh = r->gh, *seen = r->seen;
    tn_real *g = r->u;
    EACH_APART for (int64_t j = 0; j < n; j++)
    {
        const tn_real t = tn_tanh(seen[j]);
        g[j] = gh[j] * o[j] * (1 - t * t);
    }
    TN(see_cell_back)(r, g);
}

TN_INLINE void TN(through_gates)(const TN(row) * r, const tn_real *seen, int normed)
{
    const int64_t n = r->n;
    tn_real *zi = r->z, *zf = zi + n, *zg = zf + n, *zo = zg + n, *carry = r->carry;
    const tn_real *before = r->c_before, *gh = r->gh;
    EACH_APART for (int64_t j = 0; j < r->units; j++)
    {
        const tn_real i = zi[j], f = zf[j], g = zg[j], o = zo[j], t = tn_tanh(seen[j]);
        const tn_real gc = normed ? carry[j] : carry[j] + gh[j] * o * (1 - t * t);
        zi[j] = gc * g * i * (1 - i);
        zf[j] = gc * before[j] * f * (1 - f);
        zg[j] = gc * i * (1 - g * g);
        zo[j] = gh[j] * t * o * (1 - o);
        carry[j] = gc * f;
    }
}

TN_KERNEL void TN(cell_backward)(const TN(self) * self, const TN(row) * r)
{
    if (!r->seen) {
        TN(through_gates)(r, r->c, 0);
        return;
    }
    TN(see_cell)(r);
    TN(through_norm)(r);
    TN(through_gates)(r, r->seen, 1);
}

#include "recurrent_steps.h"

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X | TN_CARRIES, .max_inputs = 3,
          .check = TN(check), .infer = TN(infer), .run = TN(run),
          .run_back = TN(run_back), .commit = TN(commit))
TN_PLUGIN_WITH(
    OPTIONS, layer, lstm,
    .summary = "Long short-term memory over the steps of a sequence",
    .formula = "i, f, o = sigmoid(z), g = tanh(z), z = W x_t + R h_(t-1) + b;  "
               "c_t = f c_(t-1) + i g;  h_t = o tanh(c_t)",
    .reference = "Hochreiter, Schmidhuber, Long short-term memory, Neural "
                 "Computation 9(8), 1997; Gers, Schmidhuber, Cummins, 12(10), 2000",
    .initializer = "xavier")
