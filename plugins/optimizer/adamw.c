/* adamw.c - adam (adam.h) with decoupled decay: each step also takes rate * weight_decay
 * of the weight itself, untouched by the moments.
 *
 * Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2;
 * as in PyTorch the learning rate itself, not only its schedule, multiplies the decay. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include <tgmath.h>

#include "adam.h"

#define OPTIONS(P)                                     \
    MOMENT_OPTIONS(P, 1e-8)                            \
    P(SCHEDULABLE, weight_decay, 0, 0.01, 0, INFINITY, \
      "share of a weight that rate 1 takes (biases have none)")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 2;
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const double decay = u->decays ? tn_now(t, self->weight_decay) : 0;
    const TN(adam_terms)
        terms = {self->beta1, self->beta2, self->epsilon, 0, 1 - u->rate * decay};
    TN(adam_update)(&terms, t->n, u, w, g, slot[0], slot[1], NULL);
}

TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    TN(adam_step)(self->beta2, self->epsilon, t->n, u, slot[1], step);
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size))
TN_PLUGIN_WITH(OPTIONS, optimizer, adamw, .learning_rate = 1e-3,
               .summary = "adaptive moments with decoupled weight decay",
               .formula = "w <- (1 - rate weight_decay) w, then the step of adam",
               .reference = "Loshchilov and Hutter, ICLR 2019, algorithm 2")
