/* two_overs - reductions over different groups forward and backward. */
#include <tenon/plugin.h>

#include "good.h"
#include "reduction.h"

TN_VTABLE(layer, .kernel = TN_REDUCE, .forward = TN(copy), .backward = TN(copy_back),
          .reduce = {.over = TN_OVER_ROWS, SOUND},
          .back_reduce = {.over = TN_OVER_COLUMNS, SOUND})
TN_PLUGIN(layer, two_overs, GOOD_TEXTS)
