/* stochastic_depth - whole samples dropped at random while training: behind the branch of a
 * residual block, samples then go around it. Those that stay are scaled up, so that evaluation is
 * the identity.
 *
 *     y_s = x_s m_s / (1 - p),  dL/dx_s = dL/dy_s m_s / (1 - p),  m_s ~ Bernoulli(1 - p)
 *
 * for each sample s; p = 1 makes zeros. Huang, Sun, Liu, Sedra, Weinberger, "Deep networks with
 * stochastic depth", ECCV 2016, eqs. 2 and 5, which drop a branch for a whole batch, leave training as
 * it is and multiply by 1 - p in evaluation: the same expectation, with a branch that learns 1 / (1 - p)
 * times as large values. Per sample: Larsson, Maire, Shakhnarovich, "FractalNet", ICLR 2017, section 3. */
#include <tenon/plugin.h>
#include "mask.h"

#define OPTIONS(P) \
    P(SCHEDULABLE, p, TN_POSITIONAL, 0.5, 0, 1, "probability that a sample is dropped")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(multiply)(const TN(self) * self, const tn_tile *t, const tn_real *x,
                            tn_real *y)
{
    const TN(mask) m = TN(mask_inverted)(t, tn_now(t, self->p));
    TN(mask_samples)(&m, t, x, y);
}

#include "multiplier.h"

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_IDLE | TN_RANDOM | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, stochastic_depth,
               .summary = "Drops whole samples at random while training",
               .formula =
                   "y_s = x_s m_s / (1 - p), m_s ~ Bernoulli(1 - p) for each sample "
                   "s; y = x outside training",
               .reference = "Huang, Sun, Liu, Sedra, Weinberger, Deep networks with "
                            "stochastic depth, ECCV 2016, eqs. 2 and 5")
