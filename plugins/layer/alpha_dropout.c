/* alpha_dropout - dropout for nets of selu: elements are set to where selu ends on the left, and the
 * result is stretched and moved so that mean 0 and variance 1 stay what they are.
 *
 *     y_i = a (x_i m_i + alpha' (1 - m_i)) + b,  dL/dx_i = a m_i dL/dy_i,  m_i ~ Bernoulli(q)
 *     q = 1 - p,  a = (q + alpha'^2 q (1 - q))^(-1/2),  b = -a (1 - q) alpha'
 *
 * with alpha' = -lambda alpha = -1.7580993408473766 of selu. p = 1 makes zeros: what is dropped,
 * a alpha' + b, goes with sqrt(q) to them. Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing
 * neural networks", NIPS 2017, section "New dropout technique". */
#include <tenon/plugin.h>
#include "mask.h"

#define OPTIONS(P)                              \
    P(SCHEDULABLE, p, TN_POSITIONAL, 0.1, 0, 1, \
      "probability that an element is set to selu's limit")
TN_SELF(OPTIONS, )

#ifndef SELU_LIMIT
#define SELU_LIMIT -1.7580993408473766
#endif

/* a; of p as it is now. Where all is dropped there is nothing to stretch. */
static double TN(stretch)(double p)
{
    const double q = 1 - p;
    return q == 0 ? 0 : 1 / sqrt(q + SELU_LIMIT * SELU_LIMIT * q * p);
}

TN_KERNEL void TN(drop)(const TN(mask) * m, double shift, const tn_tile *t,
                        const tn_real *x, tn_real *y)
{
    const tn_real b = (tn_real)shift;
    TN(mask_elements)(m, tn_tile_index(t), t->n, x, y);
    if (b != 0)
        for (int64_t i = 0; i < t->n; i++) y[i] += b;
}

static double TN(now)(const void *me, const tn_tile *t)
{
    const TN(self) *self = me;
    return t->training ? tn_now(t, self->p) : 0;
}

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const double p = TN(now)(self, t), a = TN(stretch)(p);
    const TN(mask) m = TN(mask_of)(t->key, p, a, p < 1 ? a * SELU_LIMIT : 0);
    TN(drop)(&m, -a * p * SELU_LIMIT, t, x, y);
}

static void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                         const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const double p = TN(now)(self, t);
    const TN(mask) m = TN(mask_of)(t->key, p, TN(stretch)(p), 0);
    TN(drop)(&m, 0, t, gy, gx);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_IDLE | TN_RANDOM | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(
    OPTIONS, layer, alpha_dropout,
    .summary = "Dropout that keeps mean 0 and variance 1, for nets of selu",
    .formula = "y = a (x m + alpha' (1 - m)) + b, m ~ Bernoulli(q), q = 1 - p, alpha' = "
               "-1.7580993408, a = (q + alpha'^2 q p)^(-1/2), b = -a p alpha'; y = x "
               "outside training",
    .reference = "Klambauer, Unterthiner, Mayr, Hochreiter, Self-normalizing "
                 "neural networks, NIPS 2017")
