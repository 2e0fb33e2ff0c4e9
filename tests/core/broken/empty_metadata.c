/* empty_metadata - the reference is blank. */
#include <tenon/plugin.h>

#include "good.h"

TN_VTABLE(layer, GOOD_SLOTS)
TN_PLUGIN(layer, empty_metadata, .summary = "the identity", .formula = "y = x",
          .reference = " \n")
