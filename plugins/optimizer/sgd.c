/* sgd.c - stochastic gradient descent, with momentum as PyTorch writes it: the velocity
 * holds gradients, not steps, so that a changed learning rate acts at once.
 *
 *     d = g + weight_decay w     (coupled), or w <- (1 - rate weight_decay) w (decoupled)
 *     v <- momentum v + (1 - dampening) d        at first v = d
 *     w <- w - rate v             Nesterov: w <- w - rate (d + momentum v)
 *
 * Robbins and Monro, Ann. Math. Stat. 22 (1951), eq. 8; Sutskever, Martens, Dahl, Hinton,
 * "On the importance of initialization and momentum in deep learning", ICML 2013, eq. 1
 * to 4; decoupled decay: Loshchilov and Hutter, ICLR 2019, algorithm 1. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                                     \
    P(REAL, momentum, TN_BELOW, 0, 0, 1, "share of the velocity that is kept")         \
    P(REAL, dampening, 0, 0, 0, 1, "share of a gradient that the velocity leaves out") \
    P(BOOL, nesterov, 0, 0, 0, 1, "look ahead along the velocity")                     \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY,                                    \
      "decay of weights (biases have none)")                                           \
    P(BOOL, decoupled, 0, 0, 0, 1, "decay the weight itself, not through the gradient")
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->nesterov && self->momentum == 0)
        return tn_fail(c, TN_EINVAL, "nesterov needs a momentum above 0");
    if (self->dampening > 0 && self->momentum == 0)
        return tn_fail(c, TN_EINVAL, "dampening needs a momentum above 0");
    if (self->dampening > 0 && self->nesterov)
        return tn_fail(c, TN_EINVAL, "nesterov goes with dampening 0 only");
    return TN_OK;
}

static int32_t TN(slots)(const void *me)
{
    const TN(self) *self = me;
    return self->momentum > 0;
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const double decay = u->decays ? tn_now(t, self->weight_decay) : 0;
    const tn_real rate = (tn_real)u->rate, momentum = (tn_real)self->momentum;
    const tn_real coupled = self->decoupled ? 0 : (tn_real)decay;
    const tn_real keep = self->decoupled ? (tn_real)(1 - u->rate * decay) : 1;
    if (self->momentum == 0) {
        for (int64_t i = 0; i < t->n; i++)
            w[i] = keep * w[i] - rate * (g[i] + coupled * w[i]);
        return;
    }
    tn_real *v = slot[0];
    const tn_real fresh = u->step == 1 ? 1 : (tn_real)(1 - self->dampening);
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real d = g[i] + coupled * w[i];
        v[i] = momentum * v[i] + fresh * d;
        w[i] = keep * w[i] - rate * (self->nesterov ? d + momentum * v[i] : v[i]);
    }
}

/* A gradient of 1 at every step so far moves a weight by rate times a sum of powers of
 * the momentum: the first of them undampened, the others not. With this step, a weight at
 * rest under gradient and prox is a minimum of loss plus penalty. */
static void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    const double terms = (double)(self->nesterov ? u->step + 1 : u->step);
    const double first = pow(self->momentum, terms - 1), rest = 1 - self->dampening;
    const double sum = first + rest * (1 - first) / (1 - self->momentum);
    for (int64_t i = 0; i < t->n; i++) step[i] = (tn_real)(u->rate * sum);
}

TN_VTABLE(optimizer, .check = TN(check), .slots = TN(slots), .update = TN(update),
          .step_size = TN(step_size))
TN_PLUGIN_WITH(
    OPTIONS, optimizer, sgd, .learning_rate = 0.01,
    .summary = "stochastic gradient descent, with momentum, Nesterov's or plain",
    .formula = "v <- momentum v + (1 - dampening) g;  w <- w - rate v  "
               "(Nesterov: g + momentum v)",
    .reference = "Robbins and Monro, Ann. Math. Stat. 22 (1951), eq. 8; Sutskever et "
                 "al., ICML 2013, eq. 1 to 4")
