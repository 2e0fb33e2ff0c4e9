/* lecun.c - variance 1 / fan_in: a linear layer keeps the variance of its input. For selu, whose
 * fixed point asks for it.
 *
 * LeCun, Bottou, Orr, Mueller, "Efficient BackProp", 1998, section 4.6, eq. 16; Klambauer,
 * Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks", NIPS 2017. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#include "fan.h"

#define OPTIONS(P)                                                             \
    P(ENUM, distribution, TN_POSITIONAL, 0, DISTRIBUTIONS, 0, "of the values") \
    P(ENUM, mode, 0, FAN_IN, MODES, 0, "fan_out keeps a gradient's variance")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    return TN(draw_scaled)(c, info, w, self->distribution, 1, fan_of(info, self->mode));
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(
    OPTIONS, initializer, lecun,
    .summary = "keeps variance through linear layers; for selu",
    .formula = "std = 1 / sqrt(fan);  uniform: +-sqrt(3 / fan)",
    .reference = "LeCun, Bottou, Orr, Mueller, Efficient BackProp, 1998, eq. 16")
