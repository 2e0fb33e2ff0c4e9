/* no_finish - a reduction that is never finished. */
#include <tenon/plugin.h>

#include "good.h"
#include "reduction.h"

TN_VTABLE(layer, .kernel = TN_REDUCE, .forward = TN(copy), .backward = TN(copy_back),
          .reduce = {.over = TN_OVER_ROWS, .sums = 1, .add = TN(count)})
TN_PLUGIN(layer, no_finish, GOOD_TEXTS)

TN_UNUSED static void *TN(use)(void)
{
    return (void *)(uintptr_t)TN(no_statistics);
}
