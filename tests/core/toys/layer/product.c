/* product - y = a b, element by element: a map of two inputs. */
#include <tenon/plugin.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    if (node->inputs != 2) return tn_fail(c, TN_EINVAL, "needs two inputs");
    return TN_OK;
}

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    const tn_real *b = t->in[1];
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i] * b[i];
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const tn_real *b = t->in[1];
    tn_real *ga = t->gin[0], *gb = t->gin[1];
    for (int64_t i = 0; ga && i < t->n; i++) ga[i] = gy[i] * b[i];
    for (int64_t i = 0; gb && i < t->n; i++) gb[i] = gy[i] * x[i];
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X, .max_inputs = 2,
          .infer = TN(infer), .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, product, .summary = "Product of two inputs", .formula = "y = a b",
          .reference = "none: a test's")
