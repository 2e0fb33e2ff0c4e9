/* many_sums - a reduction with more sums than there can be. */
#include <tenon/plugin.h>

#include "good.h"
#include "reduction.h"

TN_VTABLE(layer, .kernel = TN_REDUCE, .forward = TN(copy), .backward = TN(copy_back),
          .reduce = {.over = TN_OVER_ROWS,
                     .sums = 17,
                     .add = TN(count),
                     .finish = TN(no_statistics)})
TN_PLUGIN(layer, many_sums, GOOD_TEXTS)
