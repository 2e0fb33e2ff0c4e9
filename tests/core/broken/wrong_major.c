/* wrong_major - the descriptor of a version that does not exist yet. */
#include <tenon/plugin.h>

#undef TN_SYMBOL
#define TN_SYMBOL(KIND, NAME) tn_plugin_v7

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN(layer, wrong_major, GOOD_TEXTS)
