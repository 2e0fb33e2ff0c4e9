/* l2.c - weight decay as a penalty: R(w) = lambda/2 sum w^2, gradient lambda w.
 *
 * With the factor 1/2 the same lambda under plain SGD is the textbook weight decay: each
 * step multiplies a weight by 1 - rate lambda. Under other optimizers that is something else
 * than the penalty, whose gradient they scale or average: with decoupled: true the weights decay
 * beside the gradient, under any optimizer, and there is no penalty.
 *
 * Hoerl and Kennard, "Ridge regression", Technometrics 12 (1970), eq. 2.1; Krogh and Hertz,
 * "A simple weight decay can improve generalization", NIPS 1991, eq. 1; decoupled: Loshchilov
 * and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithms 1 and 2. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                       \
    P(SCHEDULABLE, lambda, TN_POSITIONAL, 0.01, 0, INFINITY, "strength") \
    P(BOOL, decoupled, 0, 0, 0, 1, "decay the weight itself, not through the gradient")
TN_SELF(OPTIONS, )

TN_KERNEL double TN(penalty)(const void *me, const tn_tile *t, const tn_real *w)
{
    const TN(self) *self = me;
    if (self->decoupled) return 0;
    return 0.5 * tn_now(t, self->lambda) * TN_SUM(i, t->n, (double)w[i] * (double)w[i]);
}

TN_KERNEL void TN(gradient)(const void *me, const tn_tile *t, const tn_real *w,
                            tn_real *g)
{
    const TN(self) *self = me;
    const tn_real lambda = (tn_real)tn_now(t, self->lambda);
    if (self->decoupled) return;
    for (int64_t i = 0; i < t->n; i++) g[i] += lambda * w[i];
}

TN_KERNEL void TN(decay)(const void *me, const tn_tile *t, double rate, tn_real *w)
{
    const TN(self) *self = me;
    const tn_real keep = (tn_real)(1 - rate * tn_now(t, self->lambda));
    if (!self->decoupled) return;
    for (int64_t i = 0; i < t->n; i++) w[i] *= keep;
}

static double TN(violation)(const void *me, const tn_tile *t, const tn_real *w,
                            const tn_real *g)
{
    const TN(self) *self = me;
    const double lambda = tn_now(t, self->lambda);
    double most = 0;
    if (self->decoupled)
        return NAN; /* of what it would be a minimum hangs on the optimizer */
    for (int64_t i = 0; i < t->n; i++) {
        const double off = fabs((double)g[i] + lambda * (double)w[i]);
        most = tn_worse(most, off);
    }
    return most;
}

TN_VTABLE(regularizer, .penalty = TN(penalty), .gradient = TN(gradient),
          .decay = TN(decay), .violation = TN(violation))
TN_PLUGIN_WITH(OPTIONS, regularizer, l2, .summary = "half the sum of squared weights",
               .formula = "R(w) = lambda/2 sum w^2;  dR/dw = lambda w;  decoupled: "
                          "w <- (1 - rate lambda) w",
               .reference = "Hoerl and Kennard, Technometrics 12 (1970), eq. 2.1; "
                            "Krogh and Hertz, NIPS 1991, eq. 1; Loshchilov and Hutter, "
                            "ICLR 2019, algorithms 1 and 2")
