/* no_vtable - a vtable that does not state its size. */
#include <tenon/plugin.h>

#include "good.h"

static const tn_layer TN(vtable) = {GOOD_SLOTS};
TN_PLUGIN(layer, no_vtable, GOOD_TEXTS)
