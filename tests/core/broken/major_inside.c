/* major_inside - the right symbol, but its content claims another version. */
#include <tenon/plugin.h>

#undef TN_ABI_MAJOR
#define TN_ABI_MAJOR 3

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN(layer, major_inside, GOOD_TEXTS)
