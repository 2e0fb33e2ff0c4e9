/* toy_lsuv.c - scales a weight until its layer's outputs have unit variance on a first
 * batch.
 *
 * Mishkin and Matas, "All you need is a good init", ICLR 2016, algorithm 1 (from normal
 * instead of orthogonal weights). */
#include <tenon/plugin.h>
#include <tenon/random.h>
#include <tenon/initializer.h>

static tn_status TN(fill)(const void *self, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++)
        value[i] = (tn_real)tn_random_normal(info->key, (uint64_t)i);
    return TN_OK;
}

static tn_status TN(calibrate)(const void *self, tn_call *c, const tn_param_info *info,
                               int32_t round, const tn_tensor *out, tn_tensor *w,
                               int32_t *again)
{
    const tn_real *y = out->data;
    tn_real *value = w->data;
    const int64_t n = tn_count(out), weights = tn_count(w);
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < n; i++) mean += (double)y[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        variance += ((double)y[i] - mean) * ((double)y[i] - mean) / (double)n;
    if (!(variance > 0))
        return tn_fail(c, TN_ENUMERIC, "%s: the layer's outputs do not vary", info->name);
    *again = fabs(variance - 1) > 1e-5 && round < 10;
    if (!*again) return TN_OK;
    for (int64_t i = 0; i < weights; i++) value[i] *= (tn_real)(1 / sqrt(variance));
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill), .calibrate = TN(calibrate))
TN_PLUGIN(initializer, toy_lsuv, .summary = "unit variance of outputs on a first batch",
          .formula = "w <- w / std(outputs), until std = 1",
          .reference = "Mishkin and Matas, ICLR 2016, algorithm 1")
