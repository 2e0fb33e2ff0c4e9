/* lsuv.c - orthogonal weights, scaled layer after layer until the layer's outputs on a first batch have
 * variance 1: fits any activation and any data, without a formula.
 *
 * Mishkin and Matas, "All you need is a good init", ICLR 2016, algorithm 1 (tolerance 0.1). The
 * batch is the first of training; the weights come from it, so another batch size or order of the data
 * gives others; a trainer without data leaves them orthogonal. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>
#include <tenon/math.h>

#include "orthogonal.h"

#define OPTIONS(P)                                                               \
    P(REAL, tolerance, TN_POSITIONAL, 0.1, 1e-6, 1, "of the variance, around 1") \
    P(INT, rounds, 0, 10, 1, 99, "times a weight is scaled, at most")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    if (info->parts > 1)
        return tn_fail(c, TN_EINVAL,
                       "has %d parts with outputs of their own; give it another "
                       "initializer",
                       info->parts);
    return TN(fill_orthogonal)(c, info, 1, w);
}

TN_KERNEL double TN(variance)(const tn_real *y, int64_t n)
{
    const double mean = TN_SUM(i, n, (double)y[i]) / (double)n;
    return TN_SUM(i, n, ((double)y[i] - mean) * ((double)y[i] - mean)) / (double)n;
}

static tn_status TN(calibrate)(const void *me, tn_call *c, const tn_param_info *info,
                               int32_t round, const tn_tensor *out, tn_tensor *w,
                               int32_t *again)
{
    const TN(self) *self = me;
    const double variance = TN(variance)(out->data, tn_count(out));
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    if (!(variance > 0 && isfinite(variance)))
        return tn_fail(c, TN_ENUMERIC,
                       "outputs on the first batch have variance %g, which no scale "
                       "makes 1; look at the data and at the layers before it",
                       variance);
    *again = fabs(variance - 1) > self->tolerance && round < self->rounds;
    for (int64_t i = 0; *again && i < n; i++) value[i] /= (tn_real)sqrt(variance);
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill), .calibrate = TN(calibrate))
TN_PLUGIN_WITH(OPTIONS, initializer, lsuv,
               .summary = "orthogonal, then scaled until outputs have variance 1",
               .formula =
                   "W = Q;  until |Var(y) - 1| <= tolerance: W <- W / std(y), y the "
                   "layer's outputs on a first batch",
               .reference = "Mishkin and Matas, ICLR 2016, algorithm 1")
