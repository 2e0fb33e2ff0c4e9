/* lion.c - steps of one size, along the sign of a momentum that sees the newest gradient
 * more than it keeps of it.
 *
 *     w <- w - rate (sign(beta1 m + (1 - beta1) g) + weight_decay w)
 *     m <- beta2 m + (1 - beta2) g
 *
 * Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, program 1.
 * Weight decay is decoupled; as steps are larger than adam's, rates are 3 to 10 times
 * smaller and decays as much larger. How far a weight goes does not depend on the size of
 * its gradient, so no step_size fits, and a prox is refused. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                                \
    P(REAL, beta1, TN_BELOW, 0.9, 0, 1, "share of the momentum in the direction") \
    P(REAL, beta2, TN_BELOW, 0.99, 0, 1, "share of the momentum that is kept")    \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY,                               \
      "share of a weight that rate 1 takes (biases have none)")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const double decay = u->decays ? tn_now(t, self->weight_decay) : 0;
    const tn_real rate = (tn_real)u->rate, keep = (tn_real)(1 - u->rate * decay);
    const tn_real old1 = (tn_real)self->beta1, new1 = (tn_real)(1 - self->beta1);
    const tn_real old2 = (tn_real)self->beta2, new2 = (tn_real)(1 - self->beta2);
    tn_real *m = slot[0];
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real c = old1 * m[i] + new1 * g[i];
        const tn_real step = c > 0 ? rate : c < 0 ? -rate : 0 * c; /* a NaN stays */
        m[i] = old2 * m[i] + new2 * g[i];
        w[i] = keep * w[i] - step;
    }
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update))
TN_PLUGIN_WITH(OPTIONS, optimizer, lion, .learning_rate = 1e-4,
               .summary = "steps of one size along the sign of a momentum",
               .formula =
                   "w <- w - rate (sign(beta1 m + (1 - beta1) g) + weight_decay w);  "
                   "m <- beta2 m + (1 - beta2) g",
               .reference = "Chen et al., Symbolic discovery of optimization algorithms, "
                            "NeurIPS 2023, program 1")
