/* drop_connect - drops each weight, rather than each value, with probability p. What is kept is scaled
 * up in training, so that the weight in use outside training is the raw one, its mean.
 *
 *     w_i = v_i m_i / (1 - p),  dL/dv_i = dL/dw_i m_i / (1 - p),  m_i ~ Bernoulli(1 - p)
 *     w = v outside training
 *
 * p = 1 makes zeros. Wan, Zeiler, Zhang, LeCun, Fergus, "Regularization of neural networks using
 * DropConnect", ICML 2013, eq. 3. They leave training unscaled and draw a mask for each sample; here an update has one
 * mask, of all its samples, and weights that learn 1 - p times as large values. Outside training
 * they draw the units' inputs from a normal; here these have its mean. */
#include <tenon/plugin.h>
#include "../layer/mask.h"

#define OPTIONS(P) \
    P(SCHEDULABLE, p, TN_POSITIONAL, 0.5, 0, 1, "probability that a weight is dropped")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(drop)(const TN(self) * self, const tn_tile *t, const tn_real *v,
                        tn_real *w)
{
    const TN(mask) m = TN(mask_inverted)(t, tn_now(t, self->p));
    TN(mask_elements)(&m, tn_tile_index(t), t->n, v, w);
}

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *v, tn_real *w)
{
    TN(drop)(self, t, v, w);
}

static void TN(backward)(const void *self, const tn_tile *t, const tn_real *v,
                         const tn_real *w, const tn_real *gw, tn_real *gv)
{
    TN(drop)(self, t, gw, gv);
}

TN_VTABLE(parametrization, .kernel = TN_MAP, .flags = TN_IDLE | TN_RANDOM,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(
    OPTIONS, parametrization, drop_connect,
    .summary = "Drops weights at random while training",
    .formula = "w = v m / (1 - p), m ~ Bernoulli(1 - p); w = v outside training",
    .reference = "Wan, Zeiler, Zhang, LeCun, Fergus, Regularization of neural "
                 "networks using DropConnect, ICML 2013, eq. 3")
