/* reshape - the elements of a sample in their order, as another shape.
 *
 *     y[o] = x[i] where both indices count the same element in row-major order
 *
 * A view: memory stays as it is and no kernel runs. */
#include <tenon/plugin.h>
#include "shape.h"

#define OPTIONS(P)                                     \
    P(INTS, shape, TN_POSITIONAL | TN_REQUIRED, 0, , , \
      "sizes of the axes of a sample; one may be -1: what is left for it")
TN_SELF(OPTIONS, )

/* The product of the sizes that are given, and which one is not (-1: none). */
static tn_status TN(read_sizes)(const TN(self) * self, tn_call *c, int64_t *known,
                                int64_t *open)
{
    const tn_ints size = self->shape;
    *known = 1, *open = -1;
    if (!size->count || size->count > TN_MAX_SAMPLE_RANK)
        return tn_fail(c, TN_ESHAPE, "shape has %lld axes; 1 to %d are possible",
                       (long long)size->count, TN_MAX_SAMPLE_RANK);
    for (int64_t i = 0; i < size->count; i++) {
        if (size->at[i] == -1 && *open < 0) {
            *open = i;
            continue;
        }
        if (size->at[i] < 1 || __builtin_mul_overflow(*known, size->at[i], known))
            return tn_fail(c, TN_EINVAL,
                           "shape has a size of %lld; sizes are 1 or more, and one may "
                           "be -1",
                           (long long)size->at[i]);
    }
    return TN_OK;
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    const int64_t count = tn_shape_count(&node->in[0]);
    int64_t known, open;
    char shape[128];
    const tn_status status = TN(read_sizes)(self, c, &known, &open);
    if (status) return status;
    TN(write_shape)(&node->in[0], shape);
    if (open < 0 ? known != count : count % known)
        return tn_fail(
            c, TN_ESHAPE,
            "the input %s has %lld elements, which do not fit a shape of %s%lld", shape,
            (long long)count, open < 0 ? "" : "a multiple of ", (long long)known);
    node->out.rank = (int32_t)self->shape->count;
    for (int32_t i = 0; i < node->out.rank; i++)
        node->out.dim[i] = i == open ? count / known : self->shape->at[i];
    return TN_OK;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_VIEW, .infer = TN(infer))
TN_PLUGIN_WITH(
    OPTIONS, layer, reshape, .summary = "The same elements as another shape",
    .formula = "y = x with other axes, elements in row-major order",
    .reference = "Row-major (C) order of an array: ISO C11, 6.5.2.1, paragraph 3")
