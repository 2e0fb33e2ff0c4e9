/* adam.c - steps scaled, element by element, by running moments of the gradient; see
 * adam.h. Weight decay, if any, is added to the gradient (coupled), as PyTorch's Adam
 * does; adamw decouples it. Kingma and Ba, ICLR 2015, algorithm 1. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include <tgmath.h>

#include "adam.h"

#define OPTIONS(P)                                  \
    MOMENT_OPTIONS(P, 1e-8)                         \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY, \
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
    const double decay = u->decays ? tn_now(t, self->weight_decay) : 0;
    const TN(adam_terms) terms = {self->beta1, self->beta2, self->epsilon, decay, 1};
    TN(adam_update)(&terms, t->n, u, w, g, slot[0], slot[1], NULL);
}

TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    TN(adam_step)(self->beta2, self->epsilon, t->n, u, slot[1], step);
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size))
TN_PLUGIN_WITH(OPTIONS, optimizer, adam, .learning_rate = 1e-3,
               .summary = "adaptive moments; weight decay through the gradient",
               .formula =
                   "m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;  "
                   "w <- w - rate m' / (sqrt v' + epsilon), "
                   "m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)",
               .reference = "Kingma and Ba, ICLR 2015, algorithm 1")
