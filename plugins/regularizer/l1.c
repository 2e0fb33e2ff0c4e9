/* l1.c - the lasso penalty: R(w) = lambda sum |w|.
 *
 * By default a proximal step follows the optimizer's own: soft thresholding by step
 * lambda, the minimizer of R(v) + (v - w)^2 / (2 step), which makes weights exactly +0.
 * With prox: false the subgradient lambda sign(w) (0 at 0) is added to the gradient
 * instead; it works with every optimizer but leaves small weights oscillating around
 * zero. With threshold: hard the step leaves what is beyond the threshold as it is: no
 * minimizer of R, but sparse weights that are not shrunk. cut sets what is still no larger
 * than it to +0 after each step, of either kind; it does not depend on rate or lambda.
 *
 * Tibshirani, "Regression shrinkage and selection via the lasso", JRSS B 58 (1996), eq.
 * 1; Parikh and Boyd, "Proximal algorithms", Found. Trends Optim. 1 (2014), sec. 6.5.2;
 * hard: Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 81
 * (1994), eq. 4. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#include <tgmath.h>

#define OPTIONS(P)                                                                   \
    P(SCHEDULABLE, lambda, TN_POSITIONAL, 0.001, 0, INFINITY, "strength")            \
    P(BOOL, prox, 0, 1, 0, 1, "exact zeros by thresholding, not the subgradient")    \
    P(ENUM, threshold, 0, 0, "soft|hard", , "whether weights beyond it shrink, too") \
    P(REAL, cut, 0, 0, 0, INFINITY, "size up to which weights become 0 after a step")
TN_SELF(OPTIONS, )

enum { TN(SOFT), TN(HARD) };

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (!self->prox && self->threshold == TN(HARD))
        return tn_fail(c, TN_EINVAL,
                       "threshold: hard is one of the proximal step, which prox: false "
                       "turns off; leave one of them out, or give a cut (cut: 1e-4)");
    return TN_OK;
}

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
TN_KERNEL void TN(soften)(int64_t n, tn_real lambda, const tn_real *step, tn_real *w)
{
    for (int64_t i = 0; i < n; i++) {
        const tn_real threshold = lambda * step[i];
        const tn_real below = w[i] > threshold ? threshold : w[i];
        w[i] -= below < -threshold ? -threshold : below;
    }
}

TN_KERNEL void TN(prox)(const void *me, const tn_tile *t, const tn_real *step, tn_real *w)
{
    const TN(self) *self = me;
    const tn_real lambda = (tn_real)tn_now(t, self->lambda), cut = (tn_real)self->cut;
    if (self->prox && self->threshold == TN(SOFT)) TN(soften)(t->n, lambda, step, w);
    for (int64_t i = 0; self->prox && self->threshold == TN(HARD) && i < t->n; i++)
        w[i] = fabs(w[i]) <= lambda * step[i] ? 0 : w[i];
    for (int64_t i = 0; cut > 0 && i < t->n; i++) w[i] = fabs(w[i]) <= cut ? 0 : w[i];
}

static int32_t TN(proximal)(const void *me)
{
    const TN(self) *self = me;
    return self->prox ? 1 : self->cut > 0 ? TN_PROX_TOO : 0;
}

/* The conditions of Karush, Kuhn and Tucker: |g| <= lambda where w = 0, g = -lambda sign(w)
 * elsewhere. */
static double TN(violation)(const void *me, const tn_tile *t, const tn_real *w,
                            const tn_real *g)
{
    const TN(self) *self = me;
    const double lambda = tn_now(t, self->lambda);
    double most = 0;
    if (self->threshold == TN(HARD)) return NAN;
    for (int64_t i = 0; i < t->n; i++) {
        const double d = (double)g[i];
        const double off = w[i] == 0  ? fmax(fabs(d) - lambda, 0)
                           : w[i] > 0 ? fabs(d + lambda)
                                      : fabs(d - lambda);
        most = tn_worse(most, off);
    }
    return most;
}

TN_VTABLE(regularizer, .check = TN(check), .penalty = TN(penalty),
          .gradient = TN(gradient), .prox = TN(prox), .proximal = TN(proximal),
          .violation = TN(violation))
TN_PLUGIN_WITH(
    OPTIONS, regularizer, l1,
    .summary = "sum of absolute weights; sets weights to exactly zero",
    .formula = "R(w) = lambda sum |w|;  prox: w <- sign(w) max(|w| - step lambda, 0);"
               "  without prox: dR/dw = lambda sign(w);  hard: w <- w where |w| > step "
               "lambda, else 0;  then w <- w where |w| > cut, else 0",
    .reference =
        "Tibshirani, JRSS B 58 (1996), eq. 1; Parikh and Boyd, Found. "
        "Trends Optim. 1 (2014), sec. 6.5.2; Donoho and Johnstone, Biometrika 81 "
        "(1994), eq. 4")
