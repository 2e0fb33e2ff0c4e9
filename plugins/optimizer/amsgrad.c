/* amsgrad.c - adam (adam.h) whose steps never grow because a second moment has been
 * forgotten: the largest so far stands below the line.
 *
 *     v' <- max(v', v)
 *     w <- w - rate / (1 - beta1^t) * m / (sqrt(v') / sqrt(1 - beta2^t) + epsilon)
 *
 * As in PyTorch v is compared before its bias is taken out. Reddi, Kale, Kumar, "On the
 * convergence of Adam and beyond", ICLR 2018, algorithm 2; weight decay as adam has it,
 * or, decoupled, adamw. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include <tgmath.h>

#include "adam.h"

#define OPTIONS(P)                                                  \
    MOMENT_OPTIONS(P, 1e-8)                                         \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY,                 \
      "added to the gradient, times the weight (biases have none)") \
    P(BOOL, decoupled, 0, 0, 0, 1, "decay the weight itself, not through the gradient")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 3;
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const double decay = u->decays ? tn_now(t, self->weight_decay) : 0;
    const TN(adam_terms)
        terms = {self->beta1, self->beta2, self->epsilon, self->decoupled ? 0 : decay,
                 self->decoupled ? 1 - u->rate * decay : 1};
    TN(adam_update)(&terms, t->n, u, w, g, slot[0], slot[1], slot[2]);
}

TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    TN(adam_step)(self->beta2, self->epsilon, t->n, u, slot[2], step);
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size))
TN_PLUGIN_WITH(OPTIONS, optimizer, amsgrad, .learning_rate = 1e-3,
               .summary = "adam with the largest second moment so far",
               .formula = "v' <- max(v', v), then the step of adam by v'",
               .reference = "Reddi, Kale, Kumar, On the convergence of Adam and beyond, "
                            "ICLR 2018, algorithm 2")
