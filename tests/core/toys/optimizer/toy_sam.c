/* toy_sam.c - two passes: the gradient that counts is taken where the loss is worst
 * nearby.
 *
 *     w' = w + rho g(w) / ||g(w)||      ||.|| over all parameters
 *     w <- w - rate g(w')
 *
 * Foret et al., "Sharpness-aware minimization", ICLR 2021, algorithm 1. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P) \
    P(REAL, rho, TN_POSITIONAL, 0.05, 0, INFINITY, "radius of the neighbourhood")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

static void TN(add)(const void *me, const tn_tile *t, const tn_real *w, const tn_real *g,
                    double *const *acc)
{
    for (int64_t i = 0; i < t->n; i++) acc[0][0] += (double)g[i] * (double)g[i];
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    const TN(self) *self = me;
    stat[0][0] = (tn_real)(self->rho / (sqrt(acc[0][0]) + 1e-12));
}

static void TN(between)(const void *me, const tn_tile *t, const tn_update *u, tn_real *w,
                        const tn_real *g, tn_real *const *slot)
{
    const tn_real scale = *(const tn_real *)t->stat[0];
    for (int64_t i = 0; i < t->n; i++) {
        slot[0][i] = w[i];
        w[i] += scale * g[i];
    }
}

static void TN(update)(const void *me, const tn_tile *t, const tn_update *u, tn_real *w,
                       const tn_real *g, tn_real *const *slot)
{
    const tn_real rate = (tn_real)u->rate;
    for (int64_t i = 0; i < t->n; i++) w[i] = slot[0][i] - rate * g[i];
}

TN_VTABLE(
    optimizer, .passes = 2, .slots = TN(slots), .between = TN(between),
    .update = TN(update),
    .reduce = {
        .over = TN_OVER_ALL, .sums = 1, .stats = 1, .add = TN(add), .finish = TN(finish)})
TN_PLUGIN_WITH(OPTIONS, optimizer, toy_sam, .learning_rate = 0.1,
               .summary = "descent by the gradient at the worst point nearby",
               .formula = "w <- w - rate g(w + rho g / ||g||)",
               .reference = "Foret et al., ICLR 2021, algorithm 1")
