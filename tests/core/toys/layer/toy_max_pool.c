/* toy_max_pool - the largest value of each window, channel by channel, over one axis
 * (time, channels) or two (height, width, channels): a window kernel. Where several
 * are equal the first one gets the gradient. */
#include <tenon/plugin.h>

#define OPTIONS(P)                                                                 \
    P(INT, size, TN_POSITIONAL, 2, 1, 1000, "positions of a window, on each axis") \
    P(INT, stride, 0, 1, 1, 1000, "positions from one window to the next")         \
    P(INT, padding, 0, 0, 0, 1000, "positions added on each side")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    node->axes = node->in[0].rank - 1;
    if (node->axes < 1 || node->axes > 2)
        return tn_fail(c, TN_ESHAPE,
                       "needs (time, channels) or (height, width, channels)");
    if (self->padding >= self->size)
        return tn_fail(c, TN_EINVAL, "padding must be smaller than size");
    for (int32_t i = 0; i < node->axes; i++) {
        const int64_t room = node->in[0].dim[i] + 2 * self->padding - self->size;
        if (room < 0) return tn_fail(c, TN_ESHAPE, "the window is larger than the input");
        node->window[i] = self->size, node->stride[i] = self->stride;
        node->before[i] = node->after[i] = self->padding;
        node->out.dim[i] = room / self->stride + 1;
    }
    return TN_OK;
}

static void TN(begin)(const void *self, const tn_tile *t, tn_real *acc)
{
    for (int64_t i = 0; i < t->n; i++) acc[i] = -(tn_real)INFINITY;
}

TN_KERNEL void TN(take)(const void *self, const tn_tile *t, const tn_real *x,
                        tn_real *acc)
{
    for (int64_t i = 0; i < t->n; i++) acc[i] = x[i] > acc[i] ? x[i] : acc[i];
}

static void TN(end)(const void *self, const tn_tile *t, int64_t taken, const tn_real *acc,
                    tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = acc[i];
}

TN_KERNEL void TN(give)(const void *self, const tn_tile *t, int64_t taken,
                        const tn_real *x, const tn_real *y, const tn_real *gy,
                        tn_real *seen, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) {
        if (seen[i] != 0 || x[i] != y[i]) continue;
        gx[i] += gy[i];
        seen[i] = 1;
    }
}

TN_VTABLE(layer, .kernel = TN_WINDOW, .flags = TN_NEEDS_X | TN_NEEDS_Y,
          .infer = TN(infer), .begin = TN(begin), .take = TN(take), .end = TN(end),
          .give = TN(give))
TN_PLUGIN_WITH(OPTIONS, layer, toy_max_pool, .summary = "Largest value of each window",
               .formula = "y = max over the window of x", .reference = "none: a test's")
