/* centralize.c - takes from the gradient of each unit's weights its mean, so that the sum of a unit's
 * weights stays what it is. Only of weights with an axis for inputs; biases are left alone.
 *
 * Yong, Huang, Hua, Zhang, "Gradient centralization: a new optimization technique for deep neural
 * networks", ECCV 2020, eq. 1. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

TN_KERNEL void TN(add)(const void *me, const tn_tile *t, const tn_real *w,
                       const tn_real *g, double *const *acc)
{
    acc[0][0] += TN_SUM(i, t->n, (double)g[i]);
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    for (int64_t i = 0; i < groups; i++)
        stat[0][i] = (tn_real)(t->shape->rank > 1 ? acc[0][i] / (double)members : 0);
}

/* A tile may be several rows, or a piece of one. */
TN_KERNEL void TN(map)(const void *me, const tn_tile *t, const tn_real *w, tn_real *g)
{
    const tn_real *mean = t->stat[0];
    for (int64_t first = 0; first < t->n; first += t->width, mean++) {
        const int64_t n = t->n - first < t->width ? t->n - first : t->width;
        for (int64_t i = first; i < first + n; i++) g[i] -= *mean;
    }
}

TN_VTABLE(gradient, .map = TN(map),
          .reduce = {.over = TN_OVER_ROWS,
                     .sums = 1,
                     .stats = 1,
                     .add = TN(add),
                     .finish = TN(finish)})
TN_PLUGIN(gradient, centralize, .summary = "takes its mean from each unit's gradient",
          .formula = "g_i <- g_i - mean(g_i), g_i the gradient of unit i's weights",
          .reference = "Yong, Huang, Hua, Zhang, ECCV 2020, eq. 1")
