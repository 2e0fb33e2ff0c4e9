/* no_constructor - options, but nothing that takes them. */
#include <tenon/plugin.h>

#define OPTIONS(P) P(REAL, p, 0, 0.5, 0, 1, "a probability")
TN_SELF(OPTIONS, )

#undef TN_IMPL
#define TN_IMPL(SELF_SIZE, CONSTRUCT)                                         \
    static const tn_impl TN(impl) = {                                         \
        sizeof(tn_impl), sizeof(tn_real), SELF_SIZE, sizeof TN(vtable), NULL, \
        &TN(vtable)};                                                         \
    TN_UNUSED static tn_fn TN(use)(void)                                      \
    {                                                                         \
        return CONSTRUCT;                                                     \
    }

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN_WITH(OPTIONS, layer, no_constructor, GOOD_TEXTS)
