/* default_outside - an option whose default the host would refuse. */
#include <tenon/plugin.h>

#define OPTIONS(P) P(REAL, p, 0, 1.5, 0, 1, "a probability")
TN_SELF(OPTIONS, )

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN_WITH(OPTIONS, layer, default_outside, GOOD_TEXTS)
