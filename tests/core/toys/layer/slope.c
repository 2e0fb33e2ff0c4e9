/* slope - y = x for x > 0, else a x, with one learned a for all elements (He, Zhang,
 * Ren, Sun, ICCV 2015, eq. 1): a map whose parameter is not sliced. */
#include <tenon/plugin.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const tn_param_spec a = {
        .name = "a", .role = TN_GATE, .fill = 0.25, .shape = {.rank = 1, .dim = {1}}};
    return c->host->param(c, &a);
}

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    const tn_real a = *(const tn_real *)t->param[0];
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i] > 0 ? x[i] : a * x[i];
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const tn_real a = *(const tn_real *)t->param[0];
    tn_real *ga = t->gparam[0];
    for (int64_t i = 0; ga && i < t->n; i++) *ga += x[i] > 0 ? 0 : gy[i] * x[i];
    for (int64_t i = 0; gx && i < t->n; i++) gx[i] = x[i] > 0 ? gy[i] : a * gy[i];
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X, .infer = TN(infer),
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(
    layer, slope, .summary = "PReLU with one slope",
    .formula = "y = x if x > 0, else a x",
    .reference = "He, Zhang, Ren, Sun, Delving deep into rectifiers, ICCV 2015, eq. 1",
    .kink_count = 1, .kink = {0})
