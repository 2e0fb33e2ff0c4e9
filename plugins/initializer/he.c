/* he.c - variance gain^2 / fan, gain sqrt 2: a rectifier halves the second moment of what
 * it gets, and the weights before it make up for that. Behind them another rectifier has
 * another gain: leaky_relu sqrt(2 / (1 + slope^2)). mode fan_in keeps the forward
 * signal's second moment, fan_out the gradient's; fan_avg, their mean, is between.
 *
 * He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, eq. 10 (fan_in), 14
 * (fan_out) and 15 (leaky). */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#include "fan.h"

#define OPTIONS(P)                                                                      \
    P(ENUM, distribution, TN_POSITIONAL, 0, DISTRIBUTIONS, 0, "of the values")          \
    P(ENUM, mode, 0, 0, MODES, 0, "which side keeps its second moment")                 \
    P(REAL, gain, TN_ABOVE | TN_OPTIONAL, 0, 0, INFINITY,                               \
      "factor on the standard deviation; unset: that of the activation behind, if it "  \
      "prefers he, else sqrt 2, which suits relu (in the field: 5/3 for tanh, 3/4 for " \
      "selu)")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    const double usual = info->preferred ? info->gain : sqrt(2);
    return TN(draw_scaled)(c, info, w, self->distribution,
                           isnan(self->gain) ? usual : self->gain,
                           fan_of(info, self->mode));
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(
    OPTIONS, initializer, he, .summary = "keeps the second moment behind rectifiers",
    .formula = "std = gain / sqrt(fan);  uniform: +-gain sqrt(3 / fan);  gain sqrt 2",
    .reference = "He, Zhang, Ren, Sun, ICCV 2015, eq. 10, 14 and 15")
