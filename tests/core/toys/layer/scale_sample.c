/* scale_sample - y_j = a_j (x_j - mean of the sample): a reduce-map over samples with a
 * parameter for each feature. */
#define OVER TN_OVER_SAMPLE
#include "centre.h"

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const tn_param_spec a = {.name = "a",
                             .role = TN_NORM,
                             .along = TN_PER_COLUMN,
                             .fill = 1,
                             .shape = {.rank = 1, .dim = {tn_shape_width(&node->in[0])}}};
    return c->host->param(c, &a);
}

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const tn_real *a = t->param[0], *mean = t->stat[0];
    for (int64_t i = 0; i < t->n; i++) y[i] = a[i % t->width] * (x[i] - mean[0]);
}

static void TN(add_scaled)(const void *self, const tn_tile *t, const tn_real *x,
                           const tn_real *gy, double *const *acc)
{
    const tn_real *a = t->param[0];
    for (int64_t i = 0; i < t->n; i++) acc[0][0] += (double)(a[i % t->width] * gy[i]);
}

static void TN(back)(const void *self, const tn_tile *t, const tn_real *x,
                     const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const tn_real *a = t->param[0], *mean = t->stat[0], *back = t->back_stat[0];
    tn_real *ga = t->gparam[0];
    for (int64_t i = 0; i < t->n; i++) {
        if (ga) ga[i % t->width] += gy[i] * (x[i] - mean[0]);
        if (gx) gx[i] = a[i % t->width] * gy[i] - back[0];
    }
}

TN_VTABLE(
    layer, .kernel = TN_REDUCE, .flags = TN_NEEDS_X, .infer = TN(infer),
    .forward = TN(forward), .backward = TN(back), .always_reduce = 1,
    .reduce = {.over = OVER, .sums = 1, .stats = 1, .add = TN(add_x), .finish = TN(mean)},
    .back_reduce = {
        .over = OVER, .sums = 1, .stats = 1, .add = TN(add_scaled), .finish = TN(mean)})
TN_PLUGIN(layer, scale_sample,
          .summary = "Takes away the mean of each sample, and scales",
          .formula = "y_j = a_j (x_j - mean(x))", .reference = "none: a test's")
