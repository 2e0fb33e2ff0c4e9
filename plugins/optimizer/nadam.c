/* nadam.c - adam with Nesterov's momentum: the step looks ahead along the first moment,
 * whose share mu grows as training goes on. As PyTorch has it:
 *
 *     mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)       M_t = mu_1 mu_2 ... mu_t
 *     m <- beta1 m + (1 - beta1) d        v <- beta2 v + (1 - beta2) d^2
 *     w <- w - rate ((1 - mu_t) / (1 - M_t) d + mu_(t+1) / (1 - M_(t+1)) m) / below
 *     below = sqrt(v / (1 - beta2^t)) + epsilon
 *
 * Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop, algorithm 2,
 * and for mu Sutskever et al., ICML 2013. Weight decay is added to d, or taken from the
 * weight itself (decoupled: Loshchilov and Hutter, ICLR 2019). */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include <tgmath.h>

#include "adam.h"

#define OPTIONS(P)                                                        \
    MOMENT_OPTIONS(P, 1e-8)                                               \
    P(REAL, momentum_decay, 0, 4e-3, 0, INFINITY,                         \
      "how fast the share of the momentum grows from beta1 / 2 to beta1") \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY,                       \
      "added to the gradient, times the weight (biases have none)")       \
    P(BOOL, decoupled, 0, 0, 0, 1, "decay the weight itself, not through the gradient")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 2;
}

/* Step sizes along the gradient and along the first moment, without what is below the
 * line. */
typedef struct TN(sizes) {
    double gradient, moment;
} TN(sizes);

/* A product below 2^-60 changes nothing any more. */
static TN(sizes) TN(sizes_at)(const TN(self) * self, const tn_update *u)
{
    const double each = pow(0.96, self->momentum_decay);
    double share = each, mu = self->beta1 * (1 - 0.5 * share), product = mu;
    for (int64_t t = 2; t <= u->step && product > 0x1p-60; t++) {
        share *= each;
        mu = self->beta1 * (1 - 0.5 * share);
        product *= mu;
    }
    const double t = (double)u->step;
    const double now = self->beta1 * (1 - 0.5 * pow(each, t));
    const double next = self->beta1 * (1 - 0.5 * pow(each, t + 1));
    return (TN(sizes)){u->rate * (1 - now) / (1 - product),
                       u->rate * next / (1 - product * next)};
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const double decay = u->decays ? tn_now(t, self->weight_decay) : 0;
    const TN(sizes) size = TN(sizes_at)(self, u);
    const tn_real by_g = (tn_real)size.gradient, by_m = (tn_real)size.moment;
    const tn_real unbias = (tn_real)(1 / sqrt(1 - pow(self->beta2, (double)u->step)));
    const tn_real old1 = (tn_real)self->beta1, new1 = (tn_real)(1 - self->beta1);
    const tn_real old2 = (tn_real)self->beta2, new2 = (tn_real)(1 - self->beta2);
    const tn_real epsilon = (tn_real)self->epsilon;
    const tn_real coupled = self->decoupled ? 0 : (tn_real)decay;
    const tn_real keep = self->decoupled ? (tn_real)(1 - u->rate * decay) : 1;
    tn_real *m = slot[0], *v = slot[1];
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real d = g[i] + coupled * w[i];
        m[i] = old1 * m[i] + new1 * d;
        v[i] = old2 * v[i] + new2 * d * d;
        w[i] = keep * w[i] - (by_g * d + by_m * m[i]) / (sqrt(v[i]) * unbias + epsilon);
    }
}

/* What a gradient of 1 at every step so far moves. */
TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    const TN(sizes) size = TN(sizes_at)(self, u);
    const double moment = 1 - pow(self->beta1, (double)u->step);
    tn_update by = *u;
    by.rate = size.gradient + size.moment * moment;
    TN(adam_step)(self->beta2, self->epsilon, t->n, &by, slot[1], step);
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size))
TN_PLUGIN_WITH(OPTIONS, optimizer, nadam, .learning_rate = 2e-3,
               .summary = "adam with Nesterov's momentum",
               .formula = "w <- w - rate ((1 - mu) / (1 - M) g + mu' / (1 - M') m) / "
                          "(sqrt v' + epsilon), v' = v / (1 - beta2^t), "
                          "mu = beta1 (1 - 0.96^(t momentum_decay) / 2), M their product",
               .reference = "Dozat, Incorporating Nesterov momentum into Adam, ICLR 2016 "
                            "workshop, algorithm 2")
