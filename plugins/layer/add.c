/* add - the sum of its inputs, element by element.
 *
 *     y = sum_k x_k,  dL/dx_k = dL/dy;  with mean, both divided by the number of inputs
 *
 * The shortcut connection of He, Zhang, Ren, Sun, "Deep residual learning for image
 * recognition", CVPR 2016, eq. 1. */
#include <tenon/plugin.h>
#include "shape.h"

#define OPTIONS(P) \
    P(BOOL, mean, 0, 0, , , "whether to divide the sum by the number of inputs")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    char first[128], other[128];
    if (node->inputs < 2)
        return tn_fail(c, TN_EINVAL,
                       "needs two inputs or more; name them: inputs: [a, b]");
    for (int32_t k = 1; k < node->inputs; k++) {
        if (TN(same_axes)(&node->in[0], &node->in[k], node->in[0].rank)) continue;
        TN(write_shape)(&node->in[0], first);
        TN(write_shape)(&node->in[k], other);
        return tn_fail(c, TN_ESHAPE,
                       "input 1 has shape %s and input %d has shape %s; "
                       "shapes that are added must agree",
                       first, k + 1, other);
    }
    return TN_OK;
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const tn_real *second = t->in[1], share = 1 / (tn_real)t->inputs;
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i] + second[i];
    for (int32_t k = 2; k < t->inputs; k++) {
        const tn_real *next = t->in[k];
        for (int64_t i = 0; i < t->n; i++) y[i] += next[i];
    }
    for (int64_t i = 0; self->mean && i < t->n; i++) y[i] *= share;
}

/* The first gradient may lie where gy does: it is the last one to be written. */
TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const tn_real share = self->mean ? 1 / (tn_real)t->inputs : 1;
    for (int32_t k = t->inputs - 1; k >= 0; k--) {
        tn_real *to = t->gin[k];
        if (!to || (to == gy && !self->mean)) continue;
        for (int64_t i = 0; i < t->n; i++) to[i] = share * gy[i];
    }
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_INPLACE, .max_inputs = 64,
          .infer = TN(infer), .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, add, .summary = "Sum of two or more inputs of one shape",
               .formula = "y = x_1 + x_2 + ...",
               .reference =
                   "He, Zhang, Ren, Sun, Deep residual learning for image recognition, "
                   "CVPR 2016, eq. 1")
