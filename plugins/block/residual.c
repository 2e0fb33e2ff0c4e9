/* residual - a body with a shortcut around it.
 *
 *     y = F(x) + x            where the body F keeps the shape
 *     y = F(x) + W_s x        where it changes the shape: W_s is learned (option B of the paper),
 *     y = F(x) + (x, 0)       or every s-th position is taken and channels of zeros follow (A)
 *
 * He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, eqs.
 * 1 and 2. An activation of the sum is whatever node follows the block. With layers `before`,
 * a pre-activation P,
 *
 *     y = F(P(x)) + x,  or  F(P(x)) + W_s P(x)
 *
 * He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", ECCV 2016, eq. 7. With
 * `drop` a layer stochastic_depth stands behind the body: F(x) is left out of a share of the samples
 * while training, and counts for more in the others. */
#include <tenon/plugin.h>
#include <tenon/block.h>
#include "../layer/shape.h"

#define OPTIONS(P)                                                                  \
    P(GRAPH, body, TN_POSITIONAL | TN_REQUIRED, "[]", , ,                           \
      "the layers that the shortcut skips")                                         \
    P(GRAPH, before, 0, "[]", , ,                                                   \
      "layers in front of the body, which only an identity and zero_pad skip: a "   \
      "pre-activation")                                                             \
    P(ENUM, shortcut, 0, 0, "auto|identity|projection|zero_pad", ,                  \
      "auto: identity where shapes agree, else a projection; zero_pad: every s-th " \
      "position and zeros as further channels")                                     \
    P(GRAPH, projection, TN_OPTIONAL, 0, , ,                                        \
      "the layers of a projection; by default a dense layer without bias")          \
    P(REAL, drop, 0, 0, 0, 1,                                                       \
      "probability that a sample goes around the body while training: stochastic "  \
      "depth")
TN_SELF(OPTIONS, )

#ifndef RESIDUAL_ONCE
#define RESIDUAL_ONCE
enum { AUTO, IDENTITY, PROJECTION, ZERO_PAD };
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (!self->projection || self->shortcut == AUTO || self->shortcut == PROJECTION)
        return TN_OK;
    return tn_fail(c, TN_EINVAL, "a projection goes with shortcut: auto or projection");
}

static tn_status TN(refuse)(tn_call *c, const tn_shape *in, const tn_shape *out,
                            const char *what_to_do)
{
    char before[128], after[128];
    TN(write_shape)(in, before);
    TN(write_shape)(out, after);
    return tn_fail(c, TN_ESHAPE, "the body turns shape %s into %s: %s", before, after,
                   what_to_do);
}

/* W_s x, of shape `out`. */
static tn_status TN(project)(const TN(self) * self, tn_call *c, tn_builder *b,
                             int32_t input, const tn_shape *out, int32_t *shortcut)
{
    const tn_shape in = *b->shape(b, input);
    char options[64];
    if (self->projection) {
        *shortcut = b->add_graph(b, c, self->projection, input);
        if (*shortcut < 0) return TN_EINVAL; /* the call knows why */
        const tn_shape made = *b->shape(b, *shortcut);
        if (TN(same_axes)(&made, out, out->rank)) return TN_OK;
        char text[128], advice[256];
        TN(write_shape)(&made, text);
        snprintf(advice, sizeof advice, "the projection makes %s of it; they must agree",
                 text);
        return TN(refuse)(c, &in, out, advice);
    }
    if (!in.rank || !TN(same_axes)(&in, out, in.rank - 1))
        return TN(refuse)(
            c, &in, out,
            "a dense layer can change the last axis only; keep the others in "
            "the body, or give a projection that changes them, too");
    snprintf(options, sizeof options, "{units: %lld, bias: false}",
             (long long)tn_shape_width(out));
    *shortcut = b->add(b, c, "dense", options, 1, &input);
    return *shortcut < 0 ? TN_EINVAL : TN_OK;
}

/* Steps between the positions that are taken of an axis, so that `out` are; 0: there are none. */
static int64_t TN(step)(int64_t in, int64_t out)
{
    const int64_t step = (in - 1) / out + 1;
    return (in - 1) / step + 1 == out ? step : 0;
}

/* Every s-th position: windows of one. */
static tn_status TN(thin_out)(tn_call *c, tn_builder *b, const tn_shape *in,
                              const tn_shape *out, int32_t *shortcut)
{
    const int32_t axes = in->rank - 1;
    int64_t step[2] = {1, 1};
    char options[96];
    if (TN(same_axes)(in, out, axes)) return TN_OK;
    for (int32_t i = 0; i < axes; i++)
        if (axes > 2 || !(step[i] = TN(step)(in->dim[i], out->dim[i])))
            return TN(refuse)(c, in, out,
                              "no stride takes as many positions; change the body or the "
                              "shortcut");
    snprintf(options, sizeof options,
             axes == 1 ? "{kernel: 1, stride: %lld}"
                       : "{kernel: 1, stride: [%lld, %lld]}",
             (long long)step[0], (long long)step[1]);
    *shortcut = b->add(b, c, "max_pool", options, 1, shortcut);
    return *shortcut < 0 ? TN_EINVAL : TN_OK;
}

static tn_status TN(pad)(tn_call *c, tn_builder *b, int32_t input, const tn_shape *out,
                         int32_t *shortcut)
{
    const tn_shape in = *b->shape(b, input);
    const int64_t more = tn_shape_width(out) - tn_shape_width(&in);
    char options[96];
    if (!in.rank || in.rank != out->rank || more < 0)
        return TN(refuse)(c, &in, out, "zero_pad keeps the rank and adds channels");
    *shortcut = input;
    const tn_status status = TN(thin_out)(c, b, &in, out, shortcut);
    if (status || !more) return status;
    size_t used = (size_t)snprintf(options, sizeof options, "{after: [");
    for (int32_t i = 1; i < in.rank; i++)
        used += (size_t)snprintf(options + used, sizeof options - used, "0, ");
    snprintf(options + used, sizeof options - used, "%lld]}", (long long)more);
    *shortcut = b->add(b, c, "zero_pad", options, 1, shortcut);
    return *shortcut < 0 ? TN_EINVAL : TN_OK;
}

/* The node that goes around the body, which makes `out`. `ready`: x behind the layers before. */
static tn_status TN(add_shortcut)(const TN(self) * self, tn_call *c, tn_builder *b,
                                  int32_t input, int32_t ready, const tn_shape *out,
                                  int32_t *shortcut)
{
    const tn_shape in = *b->shape(b, input);
    *shortcut = input;
    if (self->shortcut == PROJECTION)
        return TN(project)(self, c, b, ready, out, shortcut);
    if (TN(same_axes)(&in, out, in.rank)) return TN_OK;
    if (self->shortcut == AUTO) return TN(project)(self, c, b, ready, out, shortcut);
    if (self->shortcut == ZERO_PAD) return TN(pad)(c, b, input, out, shortcut);
    return TN(refuse)(c, &in, out,
                      "an identity shortcut needs equal shapes; say "
                      "shortcut: auto or end the body with as many features as it gets");
}

/* Behind `end`, the body's. */
static int32_t TN(add_drop)(const TN(self) * self, tn_call *c, tn_builder *b, int32_t end)
{
    char options[40];
    if (end < 0 || self->drop <= 0) return end;
    snprintf(options, sizeof options, "{p: %.17g}", self->drop);
    return b->add(b, c, "stochastic_depth", options, 1, &end);
}

static tn_status TN(expand)(const void *me, tn_call *c, tn_builder *b, int32_t inputs,
                            const int32_t *input, int32_t *out)
{
    const TN(self) *self = me;
    int32_t shortcut;
    if (inputs != 1) return tn_fail(c, TN_EINVAL, "has one input, got %d", inputs);
    const int32_t ready = b->add_graph(b, c, self->before, input[0]);
    int32_t end = ready < 0 ? -1 : b->add_graph(b, c, self->body, ready);
    end = TN(add_drop)(self, c, b, end);
    if (end < 0) return TN_EINVAL; /* the call knows why */
    const tn_shape made = *b->shape(b, end);
    const tn_status status = TN(add_shortcut)(self, c, b, input[0], ready, &made,
                                              &shortcut);
    if (status) return status;
    const int32_t both[2] = {end, shortcut};
    *out = b->add(b, c, "add", NULL, 2, both);
    return *out < 0 ? TN_EINVAL : TN_OK;
}

TN_VTABLE(block, .check = TN(check), .expand = TN(expand))
TN_PLUGIN_WITH(OPTIONS, block, residual,
               .summary = "A body of layers plus a shortcut around it",
               .formula = "y = F(x) + x, or F(x) + W_s x where F changes the shape",
               .reference = "He, Zhang, Ren, Sun, Deep residual learning for image "
                            "recognition, CVPR 2016, eqs. 1 and 2; Identity mappings in "
                            "deep residual networks, ECCV 2016, eq. 7")
