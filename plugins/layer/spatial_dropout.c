/* spatial_dropout - drops whole feature maps: a channel of a sample at all its positions, since
 * neighbours in a map are alike and would stand in for each other. Inverted, as dropout is.
 *
 *     y_sic = x_sic m_sc / (1 - p),  dL/dx_sic = dL/dy_sic m_sc / (1 - p),  m_sc ~ Bernoulli(1 - p)
 *
 * for sample s, position i, channel c. Tompson, Goroshin, Jain, LeCun, Bregler, "Efficient object
 * localization using convolutional networks", CVPR 2015, section 3.2. */
#include <tenon/plugin.h>
#include "mask.h"

#define OPTIONS(P) \
    P(SCHEDULABLE, p, TN_POSITIONAL, 0.5, 0, 1, "probability that a channel is dropped")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    if (node->in[0].rank >= 2) return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "needs positions with channels, such as (height, width, channels) or "
                   "(steps, channels); for features alone there is dropout");
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
TN_PLUGIN_WITH(OPTIONS, layer, spatial_dropout,
               .summary = "Drops whole channels of samples at random while training",
               .formula = "y = x m / (1 - p), m ~ Bernoulli(1 - p) for each sample and "
                          "channel; y = x outside training",
               .reference = "Tompson, Goroshin, Jain, LeCun, Bregler, Efficient object "
                            "localization using convolutional networks, CVPR 2015, "
                            "section 3.2")
