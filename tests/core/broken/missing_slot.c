/* missing_slot - a map without forward. */
#include <tenon/plugin.h>

#include "good.h"

TN_VTABLE(layer, .kernel = TN_MAP, .backward = TN(copy_back))
TN_PLUGIN(layer, missing_slot, GOOD_TEXTS)

TN_UNUSED static void *TN(use)(void)
{
    return (void *)(uintptr_t)TN(copy);
}
