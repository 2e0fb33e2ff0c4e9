/* sound - nothing is wrong with this one; the others differ from it in one point each. */
#include <tenon/plugin.h>

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN(layer, sound, GOOD_TEXTS)
