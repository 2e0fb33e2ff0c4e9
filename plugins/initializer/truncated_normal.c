/* truncated_normal.c - normal numbers, of which those further than `cut` deviations from the mean are
 * drawn again: no weight begins far out. `std` is that of the normal before; at cut 2 what is left has
 * 0.8796 of it. (truncated as distribution of he, xavier, lecun and variance_scaling makes up for
 * that.)
 *
 * Johnson, Kotz, Balakrishnan, Continuous Univariate Distributions 1, 1994, sec. 13.10.1; by
 * rejection. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#include "draw.h"

#define OPTIONS(P)                                    \
    P(REAL, std, TN_POSITIONAL, 0.01, 0, INFINITY,    \
      "standard deviation before values are cut off") \
    P(REAL, mean, 0, 0, -INFINITY, INFINITY, "mean")  \
    P(REAL, cut, 0, 2, 0.1, INFINITY, "farthest value, in standard deviations")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    TN(draw_truncated)(w, info->key, self->mean, self->std, self->cut);
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, truncated_normal,
               .summary = "normal numbers without those far out",
               .formula = "w ~ N(mean, std^2), given |w - mean| <= cut std",
               .reference = "Johnson, Kotz, Balakrishnan, Continuous Univariate "
                            "Distributions 1 (1994), sec. 13.10.1")
