/* centre_column - y = x - mean of the column, outside training of a running mean: a
 * reduce-map with state. */
#define OVER TN_OVER_COLUMNS
#include "centre.h"

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const tn_shape features = {.rank = 1, .dim = {tn_shape_width(&node->in[0])}};
    return c->host->state(c, "mean", &features, 0);
}

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    TN(subtract)(t, x, t->training ? t->stat[0] : t->state[0], y);
}

static void TN(commit)(const void *self, const tn_tile *t, int64_t members,
                       void *const *state)
{
    const tn_real *mean = t->stat[0];
    tn_real *running = state[0];
    for (int64_t j = 0; j < t->width; j++) running[j] += (mean[j] - running[j]) / 2;
}

TN_VTABLE(
    layer, .kernel = TN_REDUCE, .flags = TN_COLUMNS, .infer = TN(infer),
    .forward = TN(forward), .backward = TN(backward), .commit = TN(commit),
    .reduce = {.over = OVER, .sums = 1, .stats = 1, .add = TN(add_x), .finish = TN(mean)},
    .back_reduce = {
        .over = OVER, .sums = 1, .stats = 1, .add = TN(add_gy), .finish = TN(mean)})
TN_PLUGIN(layer, centre_column, .summary = "Takes away the mean of each column",
          .formula = "y = x - mean(x)", .reference = "none: a test's")
