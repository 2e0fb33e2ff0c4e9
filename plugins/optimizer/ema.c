/* ema.c - wraps an optimizer and keeps an exponential average of its weights, which is
 * what is evaluated and saved; training goes on with the weights themselves.
 *
 *     a <- a + c (w - a)        c = (1 - decay) / (1 - decay^t) at update t
 *
 * This is s / (1 - decay^t) of the sum s <- decay s + (1 - decay) w from s = 0: the mean of all
 * weights so far, the ones k updates old counting decay^k, however short the run. With decay 1, the
 * limit, all count alike.
 *
 * Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J.
 * Control Optim. 30 (1992), with exponential weights and their bias corrected as in Kingma and
 * Ba, ICLR 2015, section 7.2. Running statistics of batch_norm are not averaged: they are those of
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

#ifndef EMA_ONCE
#define EMA_ONCE
/* Of the newest weights in the average. */
static double newest_share(double decay, int64_t step)
{
    const double t = (double)step;
    return decay < 1 ? (1 - decay) / (1 - pow(decay, t)) : 1 / t;
}
#endif

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const tn_real share = (tn_real)newest_share(tn_now(t, self->decay), u->step);
    tn_real *a = slot[0];
    for (int64_t i = 0; i < t->n; i++) a[i] += share * (w[i] - a[i]);
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
    .formula = "a <- a + c (w - a), c = (1 - decay) / (1 - decay^t) at update t",
    .reference = "Polyak and Juditsky, SIAM J. Control Optim. 30 (1992); Kingma "
                 "and Ba, ICLR 2015, section 7.2")
