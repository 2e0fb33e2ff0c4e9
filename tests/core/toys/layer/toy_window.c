/* toy_window - sums over windows along one axis, laid out as the options say, right or wrong. */
#include <tenon/plugin.h>

#define OPTIONS(P)                                        \
    P(INT, axes, 0, 1, 0, 8, "axes of a window")          \
    P(INT, window, 0, 2, -9, 99, "positions in a window") \
    P(INT, stride, 0, 1, -9, 99, "between windows")       \
    P(INT, before, 0, 0, -9, 99, "padding before")        \
    P(INT, after, 0, 0, -9, 99, "padding after")          \
    P(INT, out, 0, 3, 1, 99, "positions of the output")   \
    P(INT, wider, 0, 0, 0, 1, "more channels in the output than there are")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    node->axes = (int32_t)self->axes;
    node->window[0] = self->window, node->stride[0] = self->stride;
    node->before[0] = self->before, node->after[0] = self->after;
    node->out.dim[0] = self->out;
    node->out.dim[node->out.rank - 1] += self->wider;
    return TN_OK;
}

TN_KERNEL void TN(take)(const void *me, const tn_tile *t, const tn_real *x, tn_real *acc)
{
    for (int64_t i = 0; i < t->n; i++) acc[i] += x[i];
}

TN_KERNEL void TN(end)(const void *me, const tn_tile *t, int64_t taken,
                       const tn_real *acc, tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = acc[i];
}

TN_VTABLE(layer, .kernel = TN_WINDOW, .infer = TN(infer), .take = TN(take),
          .end = TN(end))
TN_PLUGIN_WITH(OPTIONS, layer, toy_window, .summary = "Sums over windows",
               .formula = "y_i = sum of x_j, j in window i",
               .reference = "none: a test's")
