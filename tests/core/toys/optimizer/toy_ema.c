/* toy_ema.c - wraps an optimizer and keeps a running average of its weights, which is
 * what is evaluated and saved.
 *
 *     a <- decay a + (1 - decay) w      a = w after the first update
 *
 * Polyak and Juditsky, SIAM J. Control Optim. 30 (1992), with exponential weights as in
 * Kingma and Ba, ICLR 2015, sec. 7.2. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                         \
    P(PLUGIN, of, TN_POSITIONAL, "{sgd: {momentum: 0.9}}", "optimizer", 0, \
      "what it averages")                                                  \
    P(REAL, decay, TN_BELOW, 0.9, 0, 1, "share of the average that is kept")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

static void TN(update)(const void *me, const tn_tile *t, const tn_update *u, tn_real *w,
                       const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const tn_real keep = u->step == 1 ? 0 : (tn_real)self->decay;
    for (int64_t i = 0; i < t->n; i++) slot[0][i] = keep * slot[0][i] + (1 - keep) * w[i];
}

static void TN(view)(const void *me, const tn_tile *t, const tn_real *w,
                     tn_real *const *slot, tn_real *out)
{
    for (int64_t i = 0; i < t->n; i++) out[i] = slot[0][i];
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .view = TN(view))
TN_PLUGIN_WITH(OPTIONS, optimizer, toy_ema, .learning_rate = 0.1,
               .summary = "evaluates a running average of the weights",
               .formula = "a <- decay a + (1 - decay) w",
               .reference =
                   "Polyak and Juditsky, SIAM J. Control Optim. 30 (1992); Kingma and "
                   "Ba, ICLR 2015, sec. 7.2")
