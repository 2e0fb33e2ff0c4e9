/* fan.h - zero-mean draws whose variance is gain^2 / fan, for initializers that scale by
 * fans. Included once per precision, hence no guard. */
#include "draw.h"

#ifndef INITIALIZER_FAN_H
#define INITIALIZER_FAN_H

#define DISTRIBUTIONS "normal|uniform|truncated"
#define MODES "fan_in|fan_out|fan_avg"
enum { FAN_IN, FAN_OUT, FAN_AVG };
enum { PLAIN_NORMAL, UNIFORM, TRUNCATED };

static double fan_of(const tn_param_info *info, int32_t mode)
{
    const double in = (double)info->fan_in, out = (double)info->fan_out;
    return mode == FAN_IN ? in : mode == FAN_OUT ? out : 0.5 * (in + out);
}

#endif

/* A uniform on (-b, b) has variance b^2 / 3; a normal that is cut off at 2 deviations keeps 0.8796... of
 * its deviation (sqrt(1 - 4 phi(2) / (2 Phi(2) - 1))). */
static tn_status TN(draw_scaled)(tn_call *c, const tn_param_info *info, tn_tensor *w,
                                 int32_t distribution, double gain, double fan)
{
    if (!(fan > 0))
        return tn_fail(c, TN_EINVAL,
                       "has no fans to scale by (%lld in, %lld out); give it the "
                       "initializer normal, constant or zeros",
                       (long long)info->fan_in, (long long)info->fan_out);
    const double deviation = gain / sqrt(fan);
    if (distribution == UNIFORM)
        TN(draw_uniform)(w, info->key, 0, sqrt(3.0) * deviation);
    else if (distribution == TRUNCATED)
        TN(draw_truncated)(w, info->key, 0, deviation / 0.87962566103423978, 2);
    else
        TN(draw_normal)(w, info->key, 0, deviation);
    return TN_OK;
}
