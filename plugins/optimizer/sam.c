/* sam.c - wraps an optimizer that is given the gradient where the loss is worst nearby,
 * so that it finds flat minima. Each update takes two gradients of the same batch with
 * the same masks.
 *
 *     w' = w + rho g(w) / ||g(w)||        the norm over all parameters
 *     step of the wrapped optimizer at w with g(w')
 *
 * Foret, Kleiner, Mobahi, Neyshabur, "Sharpness-aware minimization for efficiently
 * improving generalization", ICLR 2021, algorithm 1. Gradient transforms, penalties and
 * decay see w and g(w') only. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                                       \
    P(PLUGIN, of, TN_POSITIONAL | TN_REQUIRED, 0, "optimizer", 0, "what makes the step") \
    P(SCHEDULABLE, rho, 0, 0.05, 0, INFINITY, "radius of the neighbourhood")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

TN_KERNEL void TN(add)(const void *me, const tn_tile *t, const tn_real *w,
                       const tn_real *g, double *const *acc)
{
    acc[0][0] += TN_SUM(i, t->n, (double)g[i] * (double)g[i]);
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    const TN(self) *self = me;
    stat[0][0] = (tn_real)(tn_now(t, self->rho) / (sqrt(acc[0][0]) + 1e-12));
}

TN_KERNEL void TN(between)(const void *me, const tn_tile *t, const tn_update *u,
                           tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const tn_real scale = *(const tn_real *)t->stat[0];
    tn_real *old = slot[0];
    for (int64_t i = 0; i < t->n; i++) {
        old[i] = w[i];
        w[i] += scale * g[i];
    }
}

static void TN(before)(const void *me, const tn_tile *t, const tn_update *u, tn_real *w,
                       const tn_real *g, tn_real *const *slot)
{
    for (int64_t i = 0; i < t->n; i++) w[i] = slot[0][i];
}

TN_VTABLE(
    optimizer, .passes = 2, .slots = TN(slots), .between = TN(between),
    .before = TN(before),
    .reduce = {
        .over = TN_OVER_ALL, .sums = 1, .stats = 1, .add = TN(add), .finish = TN(finish)})
TN_PLUGIN_WITH(
    OPTIONS, optimizer, sam,
    .summary = "gradients where the loss is worst nearby, for another optimizer",
    .formula = "step at w with g(w + rho g(w) / ||g(w)||)",
    .reference = "Foret, Kleiner, Mobahi, Neyshabur, Sharpness-aware "
                 "minimization, ICLR 2021, algorithm 1")
