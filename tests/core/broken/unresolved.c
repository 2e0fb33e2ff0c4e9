/* unresolved - calls a function that nobody has. */
#include <tenon/plugin.h>

#include "good.h"

extern tn_status nobody_has_this_function(void *self, tn_call *c);

TN_VTABLE(layer, GOOD_SLOTS, .check = nobody_has_this_function)
TN_PLUGIN(layer, unresolved, GOOD_TEXTS)
