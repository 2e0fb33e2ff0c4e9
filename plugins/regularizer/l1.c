/* l1.c - the lasso penalty: R(w) = lambda sum |w|.
 *
 * By default a proximal step follows the optimizer's own: soft thresholding by step
 * lambda, the minimizer of R(v) + (v - w)^2 / (2 step), which makes weights exactly +0.
 * With prox: false the subgradient lambda sign(w) (0 at 0) is added to the gradient
 * instead; it works with every optimizer but leaves small weights oscillating around
 * zero.
 *
 * Tibshirani, "Regression shrinkage and selection via the lasso", JRSS B 58 (1996), eq.
 * 1; Parikh and Boyd, "Proximal algorithms", Found. Trends Optim. 1 (2014), sec. 6.5.2.
 */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                        \
    P(SCHEDULABLE, lambda, TN_POSITIONAL, 0.001, 0, INFINITY, "strength") \
    P(BOOL, prox, 0, 1, 0, 1, "exact zeros by soft thresholding, not the subgradient")
TN_SELF(OPTIONS, )

TN_KERNEL double TN(penalty)(const void *me, const tn_tile *t, const tn_real *w)
{
    const TN(self) *self = me;
    return tn_now(t, self->lambda) * TN_SUM(i, t->n, fabs((double)w[i]));
}

TN_KERNEL void TN(gradient)(const void *me, const tn_tile *t, const tn_real *w,
                            tn_real *g)
{
    const TN(self) *self = me;
    const tn_real lambda = (tn_real)tn_now(t, self->lambda);
    for (int64_t i = 0; i < t->n; i++)
        g[i] += w[i] > 0 ? lambda : w[i] < 0 ? -lambda : (tn_real)0;
}

/* w minus its clamp to [-threshold, threshold]: inside, w - w is +0 for both zeros; NaN
 * stays. */
TN_KERNEL void TN(prox)(const void *me, const tn_tile *t, const tn_real *step, tn_real *w)
{
    const TN(self) *self = me;
    const tn_real lambda = (tn_real)tn_now(t, self->lambda);
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real threshold = lambda * step[i];
        const tn_real below = w[i] > threshold ? threshold : w[i];
        w[i] -= below < -threshold ? -threshold : below;
    }
}

static int32_t TN(proximal)(const void *me)
{
    const TN(self) *self = me;
    return self->prox;
}

TN_VTABLE(regularizer, .penalty = TN(penalty), .gradient = TN(gradient), .prox = TN(prox),
          .proximal = TN(proximal))
TN_PLUGIN_WITH(
    OPTIONS, regularizer, l1,
    .summary = "sum of absolute weights; sets weights to exactly zero",
    .formula = "R(w) = lambda sum |w|;  prox: w <- sign(w) max(|w| - step lambda, 0);"
               "  without prox: dR/dw = lambda sign(w)",
    .reference = "Tibshirani, JRSS B 58 (1996), eq. 1; Parikh and Boyd, Found. "
                 "Trends Optim. 1 (2014), sec. 6.5.2")
