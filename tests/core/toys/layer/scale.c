/* scale - y_j = a_j x_j: a map with a learned parameter for each feature. */
#include <tenon/plugin.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const tn_param_spec a = {.name = "a",
                             .role = TN_NORM,
                             .along = TN_PER_COLUMN,
                             .fill = 1,
                             .shape = {.rank = 1, .dim = {tn_shape_width(&node->in[0])}}};
    return c->host->param(c, &a);
}

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    const tn_real *a = t->param[0];
    for (int64_t i = 0; i < t->n; i++) y[i] = a[i] * x[i];
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const tn_real *a = t->param[0];
    tn_real *ga = t->gparam[0];
    for (int64_t i = 0; ga && i < t->n; i++) ga[i] += gy[i] * x[i];
    for (int64_t i = 0; gx && i < t->n; i++) gx[i] = gy[i] * a[i];
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X | TN_COLUMNS, .infer = TN(infer),
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, scale, .summary = "A learned factor for each feature",
          .formula = "y = a x", .reference = "none: a test's")
