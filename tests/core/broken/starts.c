/* starts - a layer that wants to begin as only a parametrization does. */
#include <tenon/plugin.h>

#include "good.h"

static tn_status TN(start)(const void *self, tn_call *c, tn_key key, const tn_tensor *raw,
                           tn_tensor *const *param, tn_tensor *const *state)
{
    return TN_OK;
}

TN_VTABLE(layer, GOOD_SLOTS, .start = TN(start))
TN_PLUGIN(layer, starts, GOOD_TEXTS)
