/* centre_sample - y = x - mean of the sample: a reduce-map that looks at its own batch
 * always. */
#define OVER TN_OVER_SAMPLE
#include "centre.h"

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    TN(subtract)(t, x, t->stat[0], y);
}

TN_VTABLE(
    layer, .kernel = TN_REDUCE, .flags = TN_INPLACE, .forward = TN(forward),
    .backward = TN(backward), .always_reduce = 1,
    .reduce = {.over = OVER, .sums = 1, .stats = 1, .add = TN(add_x), .finish = TN(mean)},
    .back_reduce = {
        .over = OVER, .sums = 1, .stats = 1, .add = TN(add_gy), .finish = TN(mean)})
TN_PLUGIN(layer, centre_sample, .summary = "Takes away the mean of each sample",
          .formula = "y = x - mean(x)", .reference = "none: a test's")
