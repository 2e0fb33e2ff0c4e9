/* centre.h - y = x - mean(x) over the groups OVER: the body of the toys centre_*. The
 * mean of the gradient, too, is taken away: the second reduction. Not guarded: plugins
 * come twice. */
#include <tenon/plugin.h>

TN_KERNEL void TN(add_up)(const tn_tile *t, const tn_real *value, double *sum)
{
    for (int64_t i = 0; i < t->n; i++)
        sum[OVER == TN_OVER_COLUMNS ? i % t->width : 0] += (double)value[i];
}

static void TN(add_x)(const void *self, const tn_tile *t, const tn_real *x,
                      const tn_real *gy, double *const *acc)
{
    TN(add_up)(t, x, acc[0]);
}

TN_UNUSED static void TN(add_gy)(const void *self, const tn_tile *t, const tn_real *x,
                                 const tn_real *gy, double *const *acc)
{
    TN(add_up)(t, gy, acc[0]);
}

static void TN(mean)(const void *self, const tn_tile *t, int64_t groups, int64_t members,
                     const double *const *acc, tn_real *const *stat)
{
    for (int64_t j = 0; j < groups; j++)
        stat[0][j] = (tn_real)(acc[0][j] / (double)members);
}

TN_KERNEL void TN(subtract)(const tn_tile *t, const tn_real *from, const tn_real *mean,
                            tn_real *to)
{
    for (int64_t i = 0; i < t->n; i++)
        to[i] = from[i] - mean[OVER == TN_OVER_COLUMNS ? i : 0];
}

TN_UNUSED static void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                                   const tn_real *y, const tn_real *gy, tn_real *gx)
{
    if (gx) TN(subtract)(t, gy, t->back_stat[0], gx);
}
