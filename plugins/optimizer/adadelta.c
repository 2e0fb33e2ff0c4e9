/* adadelta.c - steps in the units of the weights: the running size of the steps so far,
 * over that of the gradients.
 *
 *     s <- rho s + (1 - rho) d^2        x = sqrt(a + epsilon) / sqrt(s + epsilon) * d
 *     w <- w - rate x                   a <- rho a + (1 - rho) x^2
 *
 * Zeiler, "ADADELTA: an adaptive learning rate method", arXiv 1212.5701 (2012), algorithm
 * 1, whose rate is 1. Weight decay is added to d, as PyTorch does. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include <tgmath.h>

#define OPTIONS(P)                                                                 \
    P(REAL, rho, TN_BELOW, 0.9, 0, 1, "share of the two averages that is kept")    \
    P(REAL, epsilon, TN_ABOVE, 1e-6, 0, INFINITY, "added to both before the root") \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY,                                \
      "added to the gradient, times the weight (biases have none)")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 2;
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const tn_real decay = u->decays ? (tn_real)tn_now(t, self->weight_decay) : 0;
    const tn_real rate = (tn_real)u->rate, epsilon = (tn_real)self->epsilon;
    const tn_real keep = (tn_real)self->rho, fresh = (tn_real)(1 - self->rho);
    tn_real *s = slot[0], *a = slot[1];
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real d = g[i] + decay * w[i];
        s[i] = keep * s[i] + fresh * d * d;
        const tn_real x = sqrt(a[i] + epsilon) / sqrt(s[i] + epsilon) * d;
        w[i] -= rate * x;
        a[i] = keep * a[i] + fresh * x * x;
    }
}

/* By the average that is there after the step: that before it is gone, and at rest they
 * are the same. */
TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    const tn_real rate = (tn_real)u->rate, epsilon = (tn_real)self->epsilon;
    for (int64_t i = 0; i < t->n; i++)
        step[i] = rate * sqrt(slot[1][i] + epsilon) / sqrt(slot[0][i] + epsilon);
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size))
TN_PLUGIN_WITH(OPTIONS, optimizer, adadelta, .learning_rate = 1,
               .summary = "steps as large as steps have been, over the gradients' size",
               .formula = "s <- rho s + (1 - rho) g^2;  x = g sqrt(a + epsilon) / "
                          "sqrt(s + epsilon);  w <- w - rate x;  "
                          "a <- rho a + (1 - rho) x^2",
               .reference = "Zeiler, arXiv 1212.5701 (2012), algorithm 1")
