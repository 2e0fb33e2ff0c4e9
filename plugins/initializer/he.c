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

#define OPTIONS(P)                                                                       \
    P(ENUM, distribution, TN_POSITIONAL, 0, DISTRIBUTIONS, 0, "of the values")           \
    P(ENUM, mode, 0, 0, MODES, 0, "which side keeps its second moment")                  \
    P(ENUM, nonlinearity, 0, 0, NONLINEARITIES, 0,                                       \
      "whose gain: linear 1, sigmoid 1, tanh 5/3, relu sqrt 2, selu 3/4; auto: that of " \
      "the activation behind, if it prefers he, else relu's")                            \
    P(REAL, gain, TN_ABOVE | TN_OPTIONAL, 0, 0, INFINITY,                                \
      "factor on the standard deviation, in place of the nonlinearity's")
TN_SELF(OPTIONS, )

#ifndef HE_GAINS
#define HE_GAINS
/* Of the field: PyTorch's calculate_gain. */
#define NONLINEARITIES "auto|linear|sigmoid|tanh|relu|selu"
static double gain_of(int32_t nonlinearity, const tn_param_info *info)
{
    static const double gain[] = {M_SQRT2, 1, 1, 5.0 / 3, M_SQRT2, 0.75};
    return nonlinearity == 0 && info->preferred ? info->gain : gain[nonlinearity];
}
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (isnan(self->gain) || self->nonlinearity == 0) return TN_OK;
    return tn_fail(c, TN_EINVAL,
                   "gain is what nonlinearity would choose; leave one of them out");
}

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    const double gain = isnan(self->gain) ? gain_of(self->nonlinearity, info)
                                          : self->gain;
    return TN(draw_scaled)(c, info, w, self->distribution, gain,
                           fan_of(info, self->mode));
}

TN_VTABLE(initializer, .check = TN(check), .fill = TN(fill))
TN_PLUGIN_WITH(
    OPTIONS, initializer, he, .summary = "keeps the second moment behind rectifiers",
    .formula = "std = gain / sqrt(fan);  uniform: +-gain sqrt(3 / fan);  gain sqrt 2",
    .reference = "He, Zhang, Ren, Sun, ICCV 2015, eq. 10, 14 and 15")
