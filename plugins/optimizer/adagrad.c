/* adagrad.c - each weight's step shrinks with all the gradients it has seen.
 *
 *     s <- s + d^2
 *     w <- w - rate / (1 + (t - 1) lr_decay) * d / (sqrt(s) + epsilon)
 *
 * s begins with `initial`. Duchi, Hazan, Singer, "Adaptive subgradient methods for online
 * learning and stochastic optimization", JMLR 12 (2011), eq. 1 with diagonal matrices;
 * options as PyTorch has them. Weight decay is added to d. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include <tgmath.h>

#define OPTIONS(P)                                                                      \
    P(REAL, lr_decay, 0, 0, 0, INFINITY, "the rate is divided by 1 + (t - 1) lr_decay") \
    P(REAL, initial, 0, 0, 0, INFINITY, "what the sums of squares begin with")          \
    P(REAL, epsilon, TN_ABOVE, 1e-10, 0, INFINITY, "added to the root of the sum")      \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY,                                     \
      "added to the gradient, times the weight (biases have none)")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

static tn_real TN(rate)(const TN(self) * self, const tn_update *u)
{
    return (tn_real)(u->rate / (1 + (double)(u->step - 1) * self->lr_decay));
}

/* The slot is the sum without what it begins with, because slots begin as zeros. */
TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const tn_real decay = u->decays ? (tn_real)tn_now(t, self->weight_decay) : 0;
    const tn_real rate = TN(rate)(self, u), initial = (tn_real)self->initial;
    const tn_real epsilon = (tn_real)self->epsilon;
    tn_real *sum = slot[0];
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real d = g[i] + decay * w[i];
        sum[i] += d * d;
        w[i] -= rate * (d / (sqrt(initial + sum[i]) + epsilon));
    }
}

TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    const tn_real rate = TN(rate)(self, u), initial = (tn_real)self->initial;
    for (int64_t i = 0; i < t->n; i++)
        step[i] = rate / (sqrt(initial + slot[0][i]) + (tn_real)self->epsilon);
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size))
TN_PLUGIN_WITH(OPTIONS, optimizer, adagrad, .learning_rate = 0.01,
               .summary = "steps that shrink with the sum of squared gradients",
               .formula = "s <- s + g^2;  w <- w - rate / (1 + (t - 1) lr_decay) g / "
                          "(sqrt s + epsilon)",
               .reference = "Duchi, Hazan, Singer, JMLR 12 (2011), eq. 1")
