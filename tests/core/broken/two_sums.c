/* two_sums - an optimizer that has both ways of taking sums. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include "good.h"
#include "reduction.h"

static void TN(sum)(const void *me, const tn_tile *t, const tn_update *u,
                    const tn_real *w, const tn_real *g, tn_real *const *slot,
                    double *const *acc)
{
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    TN(copy)(me, t, g, w);
    TN(copy_back)(me, t, g, g, g, w);
}

TN_VTABLE(optimizer, .update = TN(update), .sum = TN(sum),
          .reduce = {.over = TN_OVER_TENSOR, SOUND})
TN_PLUGIN(optimizer, two_sums, GOOD_TEXTS)
