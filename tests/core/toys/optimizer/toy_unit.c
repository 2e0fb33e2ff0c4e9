/* toy_unit.c - a sum over all parameters before the update: steps whose joint norm is the
 * rate.
 *
 *     w <- w - rate g / ||g||      ||.|| over all parameters
 *
 * Nesterov, Introductory Lectures on Convex Optimization (2004), eq. 3.2.9. */
#include <tenon/plugin.h>
#include <tenon/update.h>

static void TN(add)(const void *self, const tn_tile *t, const tn_real *w,
                    const tn_real *g, double *const *acc)
{
    for (int64_t i = 0; i < t->n; i++) acc[0][0] += (double)g[i] * (double)g[i];
}

static void TN(finish)(const void *self, const tn_tile *t, int64_t groups,
                       int64_t members, const double *const *acc, tn_real *const *stat)
{
    stat[0][0] = (tn_real)(1 / (sqrt(acc[0][0]) + 1e-12));
}

static void TN(update)(const void *self, const tn_tile *t, const tn_update *u, tn_real *w,
                       const tn_real *g, tn_real *const *slot)
{
    const tn_real size = (tn_real)u->rate * *(const tn_real *)t->stat[0];
    for (int64_t i = 0; i < t->n; i++) w[i] -= size * g[i];
}

/* The direction alone counts, so a prox goes by the rate. */
static void TN(step_size)(const void *self, const tn_tile *t, const tn_update *u,
                          tn_real *const *slot, tn_real *step)
{
    for (int64_t i = 0; i < t->n; i++) step[i] = (tn_real)u->rate;
}

TN_VTABLE(
    optimizer, .update = TN(update), .step_size = TN(step_size),
    .reduce = {
        .over = TN_OVER_ALL, .sums = 1, .stats = 1, .add = TN(add), .finish = TN(finish)})
TN_PLUGIN(optimizer, toy_unit, .learning_rate = 0.1, .summary = "steps of one joint norm",
          .formula = "w <- w - rate g / ||g||, norm over all parameters",
          .reference = "Nesterov, Introductory Lectures on Convex Optimization (2004), "
                       "eq. 3.2.9")
