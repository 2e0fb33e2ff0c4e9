/* conv.h - what the convolutions share: options, shapes, and which products or loops make the
 * three forms. Included by conv1d.c and conv2d.c, once per precision, after CONV_AXES.
 *
 * A sequence is an image of one row: everything below has two axes. Axes in front of an image's are
 * of several images in a sample, such as those of a film, which are seen one by one. Filters are stored as in
 * PyTorch, (filters, channels / groups, kernel height, kernel width), and slide without being
 * mirrored (cross-correlation). */

#define OPTIONS(P)                                                                      \
    P(INT, filters, TN_POSITIONAL | TN_REQUIRED, 0, 1, INT32_MAX, "output channels")    \
    P(INTS, kernel, 0, "[3]", , ,                                                       \
      "positions of a filter: one number, or one for each axis")                        \
    P(INTS, stride, 0, "[1]", , , "positions from one output to the next, likewise")    \
    P(INTS, dilation, 0, "[1]", , ,                                                     \
      "positions from one value of a filter to the next, likewise")                     \
    P(ENUM, padding, 0, 0, "valid|same|explicit", ,                                     \
      "valid: none; same: zeros around for ceil(size / stride) outputs, an odd one "    \
      "behind; explicit: by pad")                                                       \
    P(INTS, pad, TN_OPTIONAL, 0, , ,                                                    \
      "with padding: explicit, zeros around: one number, one for each axis, or before " \
      "and "                                                                            \
      "after for each axis")                                                            \
    P(INT, groups, 0, 1, 1, INT32_MAX,                                                  \
      "parts of the channels with filters of their own")                                \
    P(BOOL, bias, 0, 1, , , "whether to add a learned value to each output channel")

#ifndef CONV_ONCE
#define CONV_ONCE

enum { CONV_VALID, CONV_SAME, CONV_EXPLICIT };

/* One axis. Output i takes, for each k < kernel, input i * stride + k * dilation - before, which
 * is zero where there is none. */
typedef struct conv_axis {
    int64_t in, out, kernel, stride, dilation, before;
} conv_axis;

typedef struct conv {
    conv_axis y, x;
    int64_t channels, filters, groups; /* of all groups together */
    int64_t images;                    /* of a sample */
    int winograd; /* whether its products are made as in conv_winograd.h */
} conv;

/* Of all samples of a batch. */
static inline int64_t conv_images(const conv *s, const tn_tensor *batch)
{
    return batch->dim[0] * s->images;
}

/* Values of a filter, for one channel. */
static inline int64_t conv_taps(const conv *s)
{
    return s->y.kernel * s->x.kernel;
}

/* Every group is a channel and its filter. */
static inline int conv_is_depthwise(const conv *s)
{
    return s->groups > 1 && s->groups == s->channels && s->groups == s->filters;
}

#ifndef CONV_AXIS_NAMES
#define CONV_AXIS_NAMES   \
    {                     \
        "height", "width" \
    }
#endif

/* Option `name`, for one axis or the other: a number, or a number for each. */
static tn_status conv_numbers(tn_call *c, const char *name, tn_ints given, int64_t *each)
{
    for (int i = 0; i < CONV_AXES; i++) {
        each[i] = given->count ? given->at[given->count == 1 ? 0 : i] : 0;
        if ((given->count != 1 && given->count != CONV_AXES) || each[i] < 1 ||
            each[i] > INT32_MAX)
            return tn_fail(c, TN_EINVAL, "option '%s': expected %s from 1 to %d", name,
                           CONV_AXES == 1 ? "a whole number"
                                          : "a whole number, or one for each axis,",
                           INT32_MAX);
    }
    return TN_OK;
}

/* Option `pad`: numbers before and after, for each axis. */
static tn_status conv_zeros(tn_call *c, tn_ints given, int64_t before[2],
                            int64_t after[2])
{
    const int64_t count = given->count;
    int good = count == 1 || count == CONV_AXES || count == 2 * CONV_AXES;
    for (int64_t i = 0; good && i < count; i++)
        good = given->at[i] >= 0 && given->at[i] <= INT32_MAX;
    if (!good)
        return tn_fail(
            c, TN_EINVAL,
            "option 'pad': expected numbers from 0 to %d: one, %sor before and "
            "after for each axis",
            INT32_MAX, CONV_AXES == 1 ? "" : "one for each axis, ");
    const int both = count == 2 * CONV_AXES;
    for (int i = 0; i < CONV_AXES; i++) {
        before[i] = given->at[both ? 2 * i : count == 1 ? 0 : i];
        after[i] = both ? given->at[2 * i + 1] : before[i];
    }
    return TN_OK;
}

/* Of the input, with zeros around; INT64_MAX: too large to say. */
static int64_t conv_padded(const conv_axis *a, int64_t after)
{
    int64_t n;
    return __builtin_add_overflow(a->in, a->before + after, &n) ? INT64_MAX : n;
}

/* Zeros for which the output has ceil(in / stride) positions, the odd one behind. */
static int64_t conv_same(conv_axis *a)
{
    const int64_t covered = (a->kernel - 1) * a->dilation + 1,
                  last = (a->in - 1) / a->stride * a->stride,
                  missing = last - a->in + covered;
    a->before = missing > 0 ? missing / 2 : 0;
    return missing > 0 ? missing - a->before : 0;
}

/* Sets `out`, and `before` for padding same. */
static tn_status conv_fit(tn_call *c, const char *name, int same, int64_t after,
                          conv_axis *a)
{
    if (a->in < 1) return tn_fail(c, TN_ESHAPE, "the %s must be at least 1", name);
    if (same) after = conv_same(a);
    const int64_t covered = (a->kernel - 1) * a->dilation + 1,
                  padded = conv_padded(a, after);
    if (padded == INT64_MAX) return tn_fail(c, TN_ESHAPE, "the %s is too large", name);
    if (covered > padded)
        return tn_fail(
            c, TN_ESHAPE,
            "a filter covers %lld positions of the %s, which has %lld with its "
            "padding: set padding: same, or a smaller kernel or dilation",
            (long long)covered, name, (long long)padded);
    a->out = (padded - covered) / a->stride + 1;
    return TN_OK;
}
#endif

TN_SELF(OPTIONS, conv shape; int64_t after[2];)

static tn_status TN(check)(void *me, tn_call *c)
{
    TN(self) *self = me;
    int64_t kernel[2], stride[2], dilation[2], before[2] = {0, 0};
    tn_status status = conv_numbers(c, "kernel", self->kernel, kernel);
    if (!status) status = conv_numbers(c, "stride", self->stride, stride);
    if (!status) status = conv_numbers(c, "dilation", self->dilation, dilation);
    if (!status && self->pad) status = conv_zeros(c, self->pad, before, self->after);
    if (status) return status;
    if ((self->padding == CONV_EXPLICIT) != (self->pad != NULL))
        return tn_fail(c, TN_EINVAL,
                       "padding: explicit and pad go together: give both or neither");
    if (self->filters % self->groups)
        return tn_fail(c, TN_EINVAL, "filters (%lld) must be a multiple of groups (%lld)",
                       (long long)self->filters, (long long)self->groups);
    conv_axis axis[2] = {{1, 1, 1, 1, 1, 0}, {1, 1, 1, 1, 1, 0}};
    for (int i = 0; i < CONV_AXES; i++)
        axis[2 - CONV_AXES + i] = (conv_axis){.kernel = kernel[i],
                                              .stride = stride[i],
                                              .dilation = dilation[i],
                                              .before = before[i]};
    self->shape = (conv){
        .y = axis[0], .x = axis[1], .filters = self->filters, .groups = self->groups};
    return TN_OK;
}

/* The shape of the output; axes before an image's stay as they are. */
static tn_status TN(fit)(TN(self) * self, tn_call *c, tn_node *node)
{
    static const char *const name[] = CONV_AXIS_NAMES;
    const tn_shape *in = &node->in[0];
    const int32_t before = in->rank - CONV_AXES - 1;
    conv *s = &self->shape;
    conv_axis *const axis[2] = {&s->y, &s->x};
    tn_status status = TN_OK;
    for (int i = 0; i < CONV_AXES && !status; i++) {
        conv_axis *a = axis[2 - CONV_AXES + i];
        a->in = in->dim[before + i];
        status = conv_fit(c, name[i], self->padding == CONV_SAME, self->after[i], a);
        node->out.dim[before + i] = a->out;
    }
    node->out.dim[in->rank - 1] = s->filters;
    return status;
}

static tn_status TN(declare)(const TN(self) * self, tn_call *c)
{
    const conv *s = &self->shape;
    const int64_t taps = conv_taps(s);
    tn_shape shape = {.rank = 4 - (CONV_AXES == 1),
                      .dim = {s->filters, s->channels / s->groups}};
    int64_t fan_in, fan_out;
    if (__builtin_mul_overflow(shape.dim[1], taps, &fan_in) ||
        __builtin_mul_overflow(s->filters / s->groups, taps, &fan_out))
        return tn_fail(c, TN_ESHAPE, "the filters are too large");
    if (CONV_AXES == 2) shape.dim[2] = s->y.kernel;
    shape.dim[1 + CONV_AXES] = s->x.kernel;
    const tn_param_spec weight = {.name = "weight",
                                  .shape = shape,
                                  .role = TN_WEIGHT,
                                  .fan_in = fan_in,
                                  .fan_out = fan_out};
    const tn_param_spec bias = {.name = "bias",
                                .shape = {.rank = 1, .dim = {s->filters}},
                                .role = TN_BIAS,
                                .fan_in = fan_in,
                                .fan_out = fan_out};
    const tn_status status = c->host->param(c, &weight);
    return status || !self->bias ? status : c->host->param(c, &bias);
}

/* Groups, and input gradients of several strides, are made by several products; a weight's
 * gradient only fits the weight where a filter is a single value. */
static void TN(say_products)(const conv *s, tn_node *node)
{
    if (s->groups > 1) node->flags &= ~(uint32_t)TN_BY_PRODUCT;
    if (s->y.stride > 1 || s->x.stride > 1) node->flags |= TN_GIN_APART;
    if (conv_taps(s) > 1) node->flags &= ~(uint32_t)TN_WEIGHT_LAST;
}

/* A gradient of the filters from each image. */
static tn_status TN(size_sums)(const conv *s, tn_call *c, tn_node *node)
{
    int64_t bytes;
    if (__builtin_mul_overflow(conv_taps(s) * s->filters, (int64_t)sizeof(tn_real),
                               &bytes) ||
        __builtin_mul_overflow(bytes, s->images, &bytes))
        return tn_fail(c, TN_ESHAPE, "the filters are too large");
    node->cache = (size_t)bytes;
    return TN_OK;
}

#include "conv_product.h"
#include "conv_depthwise.h"

/* With backends that pack nothing, which have no kernels for it, products are as defined. */
static void TN(choose)(conv *s, tn_call *c, tn_node *node)
{
    const tn_matrix filters = tn_matrix_at(s->channels, s->filters, NULL);
    s->winograd = winograd_suits(s, sizeof(tn_real)) && c->host->pack_size(c, &filters);
    if (s->winograd) node->scratch = winograd_scratch(s, sizeof(tn_real));
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    const tn_shape *in = &node->in[0];
    if (in->rank < CONV_AXES + 1)
        return tn_fail(c, TN_ESHAPE,
                       "needs an input of shape %s, or several of them behind further "
                       "axes, got one of rank %d",
                       CONV_AXES == 1 ? "(length, channels)"
                                      : "(height, width, channels)",
                       in->rank);
    self->shape.channels = in->dim[in->rank - 1];
    self->shape.images = 1;
    for (int32_t i = 0; i < in->rank - CONV_AXES - 1; i++)
        self->shape.images *= in->dim[i];
    if (self->shape.channels % self->groups || !self->shape.channels)
        return tn_fail(c, TN_ESHAPE,
                       "%lld channels cannot be cut into %lld groups: choose groups that "
                       "divide the channels",
                       (long long)self->shape.channels, (long long)self->groups);
    tn_status status = TN(fit)(self, c, node);
    if (!status) status = TN(declare)(self, c);
    if (!status) TN(say_products)(&self->shape, node);
    if (!status && conv_is_depthwise(&self->shape))
        status = TN(size_sums)(&self->shape, c, node);
    if (!status) TN(choose)(&self->shape, c, node);
    return status;
}

static tn_status TN(forward)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const void *bias = self->bias ? io->param[1]->data : NULL;
    return conv_is_depthwise(&self->shape)
               ? TN(depthwise_forward)(&self->shape, c, io, bias)
               : TN(product_forward)(&self->shape, c, io, bias);
}

static tn_status TN(backward)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const conv *s = &self->shape;
    const int depthwise = conv_is_depthwise(s);
    tn_status status = TN_OK;
    if (io->gin[0])
        status = depthwise ? TN(depthwise_gin)(s, c, io) : TN(product_gin)(s, c, io);
    if (!status && self->bias && io->gparam[1])
        status = c->host->column_sums(c, io->gout, io->gparam[1]);
    if (!status && io->gparam[0])
        status = depthwise ? TN(depthwise_gweight)(s, c, io)
                           : TN(product_gweight)(s, c, io);
    return status;
}

TN_VTABLE(layer, .check = TN(check), .kernel = TN_WHOLE,
          .flags = TN_BY_PRODUCT | TN_WEIGHT_LAST | TN_NEEDS_X, .infer = TN(infer),
          .run = TN(forward), .run_back = TN(backward))
