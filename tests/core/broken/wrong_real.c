/* wrong_real - both halves are built for a number of 10 bytes. */
#include <tenon/plugin.h>

#undef TN_IMPL
#define TN_IMPL(SELF_SIZE, CONSTRUCT)                                         \
    static const tn_impl TN(impl) = {sizeof(tn_impl),   10,        SELF_SIZE, \
                                     sizeof TN(vtable), CONSTRUCT, &TN(vtable)};

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN(layer, wrong_real, GOOD_TEXTS)
