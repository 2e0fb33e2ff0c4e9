/* newer_minor - needs what this host does not have. */
#define TN_USE_ABI 999
#include <tenon/plugin.h>

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN(layer, newer_minor, GOOD_TEXTS)
