/* elastic_net.c - lasso and ridge together: R(w) = lambda (l1_ratio sum |w| + (1 - l1_ratio)/2 sum w^2).
 *
 * The first part makes zeros, the second keeps weights of inputs that go together together, where the
 * lasso alone takes one of them. As l1, by a proximal step: soft thresholding by
 * step lambda l1_ratio, then a division by 1 + step lambda (1 - l1_ratio).
 *
 * Zou and Hastie, "Regularization and variable selection via the elastic net", JRSS B 67 (2005), eq. 3,
 * with lambda and l1_ratio as scikit-learn's alpha and l1_ratio; Parikh and Boyd, "Proximal
 * algorithms", Found. Trends Optim. 1 (2014), sec. 6.5.3. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                        \
    P(SCHEDULABLE, lambda, TN_POSITIONAL, 0.001, 0, INFINITY, "strength") \
    P(REAL, l1_ratio, 0, 0.5, 0, 1,                                       \
      "share of the lasso's part; 1: it alone, 0: ridge's")               \
    P(BOOL, prox, 0, 1, 0, 1, "exact zeros by a proximal step, not the subgradient")
TN_SELF(OPTIONS, )

static double TN(first)(const TN(self) * self, const tn_tile *t)
{
    return tn_now(t, self->lambda) * self->l1_ratio;
}

static double TN(second)(const TN(self) * self, const tn_tile *t)
{
    return tn_now(t, self->lambda) * (1 - self->l1_ratio);
}

TN_KERNEL double TN(penalty)(const void *me, const tn_tile *t, const tn_real *w)
{
    const double sizes = TN_SUM(i, t->n, fabs((double)w[i]));
    const double squares = TN_SUM(i, t->n, (double)w[i] * (double)w[i]);
    return TN(first)(me, t) * sizes + 0.5 * TN(second)(me, t) * squares;
}

TN_KERNEL void TN(gradient)(const void *me, const tn_tile *t, const tn_real *w,
                            tn_real *g)
{
    const tn_real first = (tn_real)TN(first)(me, t), second = (tn_real)TN(second)(me, t);
    for (int64_t i = 0; i < t->n; i++)
        g[i] += (w[i] > 0 ? first : w[i] < 0 ? -first : (tn_real)0) + second * w[i];
}

/* As in l1: w minus its clamp is +0 inside, and NaN stays. */
TN_KERNEL void TN(prox)(const void *me, const tn_tile *t, const tn_real *step, tn_real *w)
{
    const tn_real first = (tn_real)TN(first)(me, t), second = (tn_real)TN(second)(me, t);
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real threshold = first * step[i];
        const tn_real below = w[i] > threshold ? threshold : w[i];
        w[i] = (w[i] - (below < -threshold ? -threshold : below)) /
               (1 + second * step[i]);
    }
}

static int32_t TN(proximal)(const void *me)
{
    const TN(self) *self = me;
    return self->prox;
}

static double TN(violation)(const void *me, const tn_tile *t, const tn_real *w,
                            const tn_real *g)
{
    const double first = TN(first)(me, t), second = TN(second)(me, t);
    double most = 0;
    for (int64_t i = 0; i < t->n; i++) {
        const double d = (double)g[i] + second * (double)w[i];
        const double off = w[i] == 0  ? fmax(fabs(d) - first, 0)
                           : w[i] > 0 ? fabs(d + first)
                                      : fabs(d - first);
        most = tn_worse(most, off);
    }
    return most;
}

TN_VTABLE(regularizer, .penalty = TN(penalty), .gradient = TN(gradient), .prox = TN(prox),
          .proximal = TN(proximal), .violation = TN(violation))
TN_PLUGIN_WITH(
    OPTIONS, regularizer, elastic_net,
    .summary = "absolute and squared weights: zeros, but not one of many alike",
    .formula =
        "R(w) = lambda (l1_ratio sum |w| + (1 - l1_ratio)/2 sum w^2);  prox: w <- "
        "sign(w) max(|w| - step lambda l1_ratio, 0) / (1 + step lambda (1 - l1_ratio))",
    .reference = "Zou and Hastie, JRSS B 67 (2005), eq. 3; Parikh and Boyd, Found. "
                 "Trends Optim. 1 (2014), sec. 6.5.3")
