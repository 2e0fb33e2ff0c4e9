/* residual - a body with a shortcut around it.
 *
 *     y = F(x) + x            where the body F keeps the shape
 *     y = F(x) + W_s x        where it changes the number of features: W_s is learned
 *
 * He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, eqs.
 * 1 and 2. An activation of the sum is whatever node follows the block. */
#include <tenon/plugin.h>
#include <tenon/block.h>
#include "../layer/shape.h"

#define OPTIONS(P)                                        \
    P(GRAPH, body, TN_POSITIONAL | TN_REQUIRED, "[]", , , \
      "the layers that the shortcut skips")               \
    P(ENUM, shortcut, 0, 0, "auto|identity|projection", , \
      "auto: identity where shapes agree, else a dense layer without bias")
TN_SELF(OPTIONS, )

enum TN(shortcut) { TN(AUTO), TN(IDENTITY), TN(PROJECTION) };

static tn_status TN(refuse)(tn_call *c, const tn_shape *in, const tn_shape *out,
                            const char *what_to_do)
{
    char before[128], after[128];
    TN(write_shape)(in, before);
    TN(write_shape)(out, after);
    return tn_fail(c, TN_ESHAPE, "the body turns shape %s into %s: %s", before, after,
                   what_to_do);
}

/* The node that carries x, or W_s x, around the body. */
static tn_status TN(add_shortcut)(const TN(self) * self, tn_call *c, tn_builder *b,
                                  int32_t input, int32_t end, int32_t *shortcut)
{
    const tn_shape in = *b->shape(b, input), out = *b->shape(b, end);
    char options[64];
    *shortcut = input;
    if (self->shortcut != (int32_t)TN(PROJECTION) && TN(same_axes)(&in, &out, in.rank))
        return TN_OK;
    if (self->shortcut == (int32_t)TN(IDENTITY))
        return TN(refuse)(
            c, &in, &out,
            "an identity shortcut needs equal shapes; say "
            "shortcut: auto or end the body with as many features as it gets");
    if (!in.rank || !TN(same_axes)(&in, &out, in.rank - 1))
        return TN(refuse)(c, &in, &out,
                          "a projection can change the last axis only; keep the "
                          "others in the body");
    snprintf(options, sizeof options, "{units: %lld, bias: false}",
             (long long)tn_shape_width(&out));
    *shortcut = b->add(b, c, "dense", options, 1, &input);
    return *shortcut < 0 ? TN_EINVAL : TN_OK;
}

static tn_status TN(expand)(const void *me, tn_call *c, tn_builder *b, int32_t inputs,
                            const int32_t *input, int32_t *out)
{
    const TN(self) *self = me;
    int32_t shortcut;
    if (inputs != 1) return tn_fail(c, TN_EINVAL, "has one input, got %d", inputs);
    const int32_t end = b->add_graph(b, c, self->body, input[0]);
    if (end < 0) return TN_EINVAL; /* the call knows why */
    const tn_status status = TN(add_shortcut)(self, c, b, input[0], end, &shortcut);
    if (status) return status;
    const int32_t both[2] = {end, shortcut};
    *out = b->add(b, c, "add", NULL, 2, both);
    return *out < 0 ? TN_EINVAL : TN_OK;
}

TN_VTABLE(block, .expand = TN(expand))
TN_PLUGIN_WITH(OPTIONS, block, residual,
               .summary = "A body of layers plus a shortcut around it",
               .formula = "y = F(x) + x, or F(x) + W_s x where F changes the features",
               .reference = "He, Zhang, Ren, Sun, Deep residual learning for image "
                            "recognition, CVPR 2016, eqs. 1 and 2")
