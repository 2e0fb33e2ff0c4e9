/* toy_block - adds one dense layer, or breaks the rule that `how` names. */
#include <tenon/plugin.h>

#include <tenon/block.h>

#define OPTIONS(P)                                                                \
    P(ENUM, how, TN_POSITIONAL, 0, "good|none|many|wild|silent|forgets|nests", 0, \
      "what is wrong with it")
TN_SELF(OPTIONS, )

static tn_status TN(expand)(const void *me, tn_call *c, tn_builder *b, int32_t inputs,
                            const int32_t *input, int32_t *out)
{
    const TN(self) *self = me;
    const int32_t wild = 99;
    int32_t many[65];
    for (int32_t i = 0; i < 65; i++) many[i] = input[0];
    *out = input[0];
    switch (self->how) {
    case 1: *out = b->add(b, c, "relu", NULL, 0, input); break;
    case 2: *out = b->add(b, c, "add", NULL, 65, many); break;
    case 3: *out = b->add(b, c, "relu", NULL, 1, &wild); break;
    case 4: return TN_ENUMERIC;
    case 5: b->add(b, c, "nobody", NULL, 1, input); break;
    case 6:
        *out = b->add(b, c, "toy_block", "{how: good, init: {toy_dial: 5}}", 1, input);
        break;
    default: *out = b->add(b, c, "dense", "{units: 2}", 1, input);
    }
    return *out < 0 ? TN_EINVAL : TN_OK;
}

TN_VTABLE(block, .expand = TN(expand))
TN_PLUGIN_WITH(OPTIONS, block, toy_block, .summary = "A dense layer, or a mistake",
               .formula = "y = W x + b", .reference = "none: a test's")
