/* toy_outer - wraps an optimizer and takes sums over the gradients itself. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P) \
    P(PLUGIN, of, TN_POSITIONAL, "toy_unit", "optimizer", 0, "what it wraps")
TN_SELF(OPTIONS, )

static void TN(add)(const void *me, const tn_tile *t, const tn_real *w, const tn_real *g,
                    double *const *acc)
{
    for (int64_t i = 0; i < t->n; i++) acc[0][0] += (double)g[i];
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    stat[0][0] = (tn_real)acc[0][0];
}

static void TN(update)(const void *me, const tn_tile *t, const tn_update *u, tn_real *w,
                       const tn_real *g, tn_real *const *slot)
{
    const tn_real sum = *(const tn_real *)t->stat[0];
    for (int64_t i = 0; i < t->n; i++) w[i] = sum;
}

TN_VTABLE(
    optimizer, .update = TN(update),
    .reduce = {
        .over = TN_OVER_ALL, .sums = 1, .stats = 1, .add = TN(add), .finish = TN(finish)})
TN_PLUGIN_WITH(OPTIONS, optimizer, toy_outer,
               .summary = "all weights become the sum of the gradients",
               .formula = "w = sum of g", .reference = "none: a test's")
