/* l2.c - weight decay as a penalty: R(w) = lambda/2 sum w^2, gradient lambda w.
 *
 * With the factor 1/2 the same lambda under plain SGD is the textbook weight decay: each
 * step multiplies a weight by 1 - rate lambda. Hoerl and Kennard, "Ridge regression",
 * Technometrics 12 (1970), eq. 2.1; Krogh and Hertz, "A simple weight decay can improve
 * generalization", NIPS 1991, eq. 1. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P) P(SCHEDULABLE, lambda, TN_POSITIONAL, 0.01, 0, INFINITY, "strength")
TN_SELF(OPTIONS, )

TN_KERNEL double TN(penalty)(const void *me, const tn_tile *t, const tn_real *w)
{
    const TN(self) *self = me;
    return 0.5 * tn_now(t, self->lambda) * TN_SUM(i, t->n, (double)w[i] * (double)w[i]);
}

TN_KERNEL void TN(gradient)(const void *me, const tn_tile *t, const tn_real *w,
                            tn_real *g)
{
    const TN(self) *self = me;
    const tn_real lambda = (tn_real)tn_now(t, self->lambda);
    for (int64_t i = 0; i < t->n; i++) g[i] += lambda * w[i];
}

TN_VTABLE(regularizer, .penalty = TN(penalty), .gradient = TN(gradient))
TN_PLUGIN_WITH(OPTIONS, regularizer, l2, .summary = "half the sum of squared weights",
               .formula = "R(w) = lambda/2 sum w^2;  dR/dw = lambda w",
               .reference = "Hoerl and Kennard, Technometrics 12 (1970), eq. 2.1; "
                            "Krogh and Hertz, NIPS 1991, eq. 1")
