/* ema.c - wraps an optimizer and keeps an exponential average of its weights, which is
 * what is evaluated and saved; training goes on with the weights themselves.
 *
 *     a <- decay a + (1 - decay) w        a = w after the first update
 *
 * Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J.
 * Control Optim. 30 (1992), with exponential weights as in Kingma and Ba, ICLR 2015,
 * section 7.2. Running statistics of batch_norm are not averaged: they are those of
 * training. Zeros of a prox and constraints are the host's: the average alone would keep neither. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                \
    P(PLUGIN, of, TN_POSITIONAL | TN_REQUIRED, 0, "optimizer", 0, \
      "whose weights it averages")                                \
    P(SCHEDULABLE, decay, 0, 0.999, 0, 1, "share of the average that is kept")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const double decay = u->step == 1 ? 0 : tn_now(t, self->decay);
    const tn_real keep = (tn_real)decay, fresh = (tn_real)(1 - decay);
    tn_real *a = slot[0];
    for (int64_t i = 0; i < t->n; i++) a[i] = keep * a[i] + fresh * w[i];
}

static void TN(view)(const void *me, const tn_tile *t, const tn_real *w,
                     tn_real *const *slot, tn_real *out)
{
    for (int64_t i = 0; i < t->n; i++) out[i] = slot[0][i];
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .view = TN(view))
TN_PLUGIN_WITH(
    OPTIONS, optimizer, ema,
    .summary = "evaluates an exponential average of another optimizer's weights",
    .formula = "a <- decay a + (1 - decay) w",
    .reference = "Polyak and Juditsky, SIAM J. Control Optim. 30 (1992); Kingma "
                 "and Ba, ICLR 2015, section 7.2")
