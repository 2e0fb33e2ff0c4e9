/* xavier.c - variance 2 gain^2 / (fan_in + fan_out): signals keep their size forward,
 * gradients keep theirs backward, as nearly as one number can do both. For tanh and
 * linear layers.
 *
 * Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
 * networks", AISTATS 2010, eq. 12 (the variance) and 16 (the uniform form). */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#include "fan.h"

#define OPTIONS(P)                                                             \
    P(ENUM, distribution, TN_POSITIONAL, 0, DISTRIBUTIONS, 0, "of the values") \
    P(ENUM, mode, 0, FAN_AVG, MODES, 0, "fan_avg: a compromise of both sides") \
    P(REAL, gain, TN_ABOVE, 1, 0, INFINITY, "factor on the standard deviation")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    return TN(draw_scaled)(c, info, w, self->distribution, self->gain,
                           fan_of(info, self->mode));
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, xavier,
               .summary = "keeps variance in both directions; for tanh and linear layers",
               .formula = "std = gain / sqrt(fan);  uniform: +-gain sqrt(3 / fan);  "
                          "fan (fan_in + fan_out) / 2",
               .reference = "Glorot and Bengio, AISTATS 2010, eq. 12 and 16")
