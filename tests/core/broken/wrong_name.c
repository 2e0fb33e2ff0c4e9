/* wrong_name - the file has one name, the plugin in it another. */
#include <tenon/plugin.h>

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN(layer, other_name, GOOD_TEXTS)
