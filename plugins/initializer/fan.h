/* fan.h - zero-mean draws whose variance is gain^2 / fan, for initializers that scale by
 * fans. Included once per precision, hence no guard. */
#include "draw.h"

static void TN(draw_uniform)(tn_tensor *w, tn_key key, double bound)
{
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++)
        value[i] = (tn_real)(bound * (2 * tn_random_uniform(key, (uint64_t)i) - 1));
}

/* A uniform on (-b, b) has variance b^2 / 3. */
static tn_status TN(draw_scaled)(tn_call *c, const tn_param_info *info, tn_tensor *w,
                                 int32_t uniform, double gain, double fan)
{
    if (!(fan > 0))
        return tn_fail(c, TN_EINVAL,
                       "%s: has no fans to scale by (%lld in, %lld out); give it "
                       "the initializer normal, constant or zeros",
                       info->name, (long long)info->fan_in, (long long)info->fan_out);
    const double deviation = gain / sqrt(fan);
    if (uniform)
        TN(draw_uniform)(w, info->key, sqrt(3.0) * deviation);
    else
        TN(draw_normal)(w, info->key, 0, deviation);
    return TN_OK;
}
