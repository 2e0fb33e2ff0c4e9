/* variance_scaling.c - variance scale / fan, of any fan and distribution: what he (scale 2, fan_in),
 * xavier (1, fan_avg) and lecun (1, fan_in) are cases of.
 *
 * He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, eq. 7 (each layer multiplies the
 * variance by fan Var(w) times what its activation keeps); the options are Keras'. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#include "fan.h"

#define OPTIONS(P)                                                                 \
    P(REAL, scale, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY, "variance times fan") \
    P(ENUM, mode, 0, 0, MODES, 0,                                                  \
      "fan that is divided by; fan_avg: the mean of the two")                      \
    P(ENUM, distribution, 0, 0, DISTRIBUTIONS, 0, "of the values")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    return TN(draw_scaled)(c, info, w, self->distribution, sqrt(self->scale),
                           fan_of(info, self->mode));
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, variance_scaling,
               .summary = "variance scale / fan, of any fan and distribution",
               .formula = "std = sqrt(scale / fan)",
               .reference = "He, Zhang, Ren, Sun, ICCV 2015, eq. 7")
