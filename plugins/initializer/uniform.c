/* uniform.c - equally likely values between mean - bound and mean + bound, independent of the layer's
 * size.
 *
 * Rumelhart, Hinton, Williams, "Learning internal representations by error propagation", in Parallel
 * Distributed Processing 1, 1986, p. 330 (small random weights, so that units do not stay equal). */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#include "draw.h"

#define OPTIONS(P)                                                                     \
    P(REAL, bound, TN_POSITIONAL, 0.05, 0, INFINITY, "half the width of the interval") \
    P(REAL, mean, 0, 0, -INFINITY, INFINITY, "its middle")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    TN(draw_uniform)(w, info->key, self->mean, self->bound);
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, uniform,
               .summary = "equally likely values of an interval",
               .formula = "w ~ U(mean - bound, mean + bound);  std = bound / sqrt(3)",
               .reference = "Rumelhart, Hinton, Williams, in Parallel Distributed "
                            "Processing 1 (1986), p. 330")
