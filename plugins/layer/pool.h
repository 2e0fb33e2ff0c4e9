/* pool.h - what max_pool and avg_pool share: options, shapes, and which positions a window covers.
 *
 * Window i of an axis covers the positions from i stride - before to i stride - before + kernel - 1
 * that exist. There are
 *
 *     valid, explicit   floor((in + before + after - kernel) / stride) + 1
 *     same              ceil(in / stride), with padding of max((out - 1) stride + kernel - in, 0),
 *                       half of it before, rounded down
 *
 * Dumoulin, Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285,
 * relationship 6. Included once per precision, hence no guard but for what stands once. */
#include "shape.h"

#define POOL_OPTIONS(P)                                                               \
    P(INTS, kernel, TN_POSITIONAL, "[2]", , ,                                         \
      "positions of a window: one number, or one for each axis")                      \
    P(INTS, stride, TN_OPTIONAL, 0, , ,                                               \
      "positions from one window to the next, likewise; by default kernel")           \
    P(ENUM, padding, 0, 0, "valid|same|explicit", ,                                   \
      "valid: none; same: a window for each stride that the input begins; explicit: " \
      "by pad")                                                                       \
    P(INTS, pad, TN_OPTIONAL, 0, , ,                                                  \
      "with padding: explicit, positions added on each side, likewise")

#ifndef POOL_ONCE
#define POOL_ONCE
enum { POOL_VALID, POOL_SAME, POOL_EXPLICIT };

/* One axis of the windows; a second one that the input does not have is 1 everywhere. */
typedef struct pool_axis {
    int64_t in, out, kernel, stride, before, after;
} pool_axis;

/* Positions of the input, first .. end - 1. */
typedef struct pool_span {
    int64_t first, end;
} pool_span;

TN_INLINE pool_span pool_cover(const pool_axis *a, int64_t out)
{
    const int64_t from = out * a->stride - a->before, to = from + a->kernel;
    return (pool_span){from < 0 ? 0 : from, to > a->in ? a->in : to};
}

/* Whether window j covers positions 2 j and 2 j + 1. */
TN_INLINE int pool_is_of_pairs(const pool_axis *a)
{
    return a->kernel == 2 && a->stride == 2 && a->before == 0 && 2 * a->out <= a->in;
}

/* Number i of a list that has one for all axes, or one for each. */
static int64_t pool_number(tn_ints list, int32_t i)
{
    return list->at[list->count == 1 ? 0 : i];
}

static tn_status pool_check_list(tn_call *c, const char *name, tn_ints list, int32_t axes,
                                 int64_t least)
{
    if (!list) return TN_OK;
    if (list->count != 1 && list->count != axes)
        return tn_fail(c, TN_ESHAPE,
                       "%s has %lld numbers; give one, or one for each of the %d "
                       "axes before the channels",
                       name, (long long)list->count, axes);
    for (int64_t i = 0; i < list->count; i++)
        if (list->at[i] < least || list->at[i] > INT32_MAX)
            return tn_fail(c, TN_EINVAL, "%s = %lld is outside [%lld, %d]", name,
                           (long long)list->at[i], (long long)least, INT32_MAX);
    return TN_OK;
}

/* What a padding makes of an axis with its kernel and stride. */
static tn_status pool_fit(tn_call *c, pool_axis *a, int32_t padding, int64_t pad)
{
    if (pad >= a->kernel)
        return tn_fail(c, TN_EINVAL,
                       "pad = %lld must be smaller than kernel = %lld, or windows lie "
                       "in the padding only",
                       (long long)pad, (long long)a->kernel);
    if (padding == POOL_SAME) {
        a->out = (a->in - 1) / a->stride + 1;
        const int64_t missing = (a->out - 1) * a->stride - a->in + a->kernel;
        const int64_t all = missing > 0 ? missing : 0;
        a->before = all / 2, a->after = all - all / 2;
        return TN_OK;
    }
    a->before = a->after = pad;
    const int64_t room = a->in - a->kernel + 2 * pad;
    a->out = room / a->stride + 1;
    if (room >= 0) return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "kernel = %lld is larger than the %lld positions there are; take a "
                   "smaller one, or padding: same",
                   (long long)a->kernel, (long long)a->in + 2 * pad);
}
#endif

/* OPTIONS is the plugin's, with POOL_OPTIONS among them. */
TN_SELF(OPTIONS, pool_axis axis[2];)

static tn_status TN(pool_check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->pad && self->padding != POOL_EXPLICIT)
        return tn_fail(c, TN_EINVAL, "pad goes with padding: explicit");
    if (!self->pad && self->padding == POOL_EXPLICIT)
        return tn_fail(c, TN_EINVAL, "padding: explicit needs pad, e.g. pad: 1");
    return TN_OK;
}

static tn_status TN(pool_check_lists)(const TN(self) * self, tn_call *c, int32_t axes)
{
    tn_status status = pool_check_list(c, "kernel", self->kernel, axes, 1);
    if (!status) status = pool_check_list(c, "stride", self->stride, axes, 1);
    return status ? status : pool_check_list(c, "pad", self->pad, axes, 0);
}

static tn_status TN(pool_infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    char shape[128];
    const int32_t axes = node->in[0].rank - 1;
    TN(write_shape)(&node->in[0], shape);
    if (axes < 1 || axes > 2)
        return tn_fail(c, TN_ESHAPE,
                       "needs (length, channels) or (height, width, channels), got %s",
                       shape);
    tn_status status = TN(pool_check_lists)(self, c, axes);
    self->axis[1] = (pool_axis){1, 1, 1, 1, 0, 0};
    for (int32_t i = 0; !status && i < axes; i++) {
        pool_axis *a = &self->axis[i];
        a->in = node->in[0].dim[i];
        a->kernel = pool_number(self->kernel, i);
        a->stride = self->stride ? pool_number(self->stride, i) : a->kernel;
        status = pool_fit(c, a, self->padding, self->pad ? pool_number(self->pad, i) : 0);
        node->window[i] = a->kernel, node->stride[i] = a->stride;
        node->before[i] = a->before, node->after[i] = a->after;
        node->out.dim[i] = a->out;
    }
    node->axes = axes;
    return status;
}
