/* over_all - a layer that sums over all parameters. */
#include <tenon/plugin.h>

#include "good.h"
#include "reduction.h"

TN_VTABLE(layer, .kernel = TN_REDUCE, .forward = TN(copy), .backward = TN(copy_back),
          .reduce = {.over = TN_OVER_ALL, SOUND})
TN_PLUGIN(layer, over_all, GOOD_TEXTS)
