/* lookahead.c - wraps an optimizer whose weights look ahead: after each `every` updates
 * the slow weights go a part of the way to them, and they begin anew from there. The slow
 * weights are what is evaluated and saved.
 *
 *     s <- s + alpha (w - s)        w <- s        s = w before the first update
 *
 * Zhang, Lucas, Hinton, Ba, "Lookahead optimizer: k steps forward, 1 step back", NeurIPS
 * 2019, algorithm 1. What the wrapped optimizer keeps is left as it is. A weight that a prox (of l1)
 * has left at exactly zero goes all of the way: on its way there it would never arrive. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                                    \
    P(PLUGIN, of, TN_POSITIONAL | TN_REQUIRED, 0, "optimizer", 0, "what looks ahead") \
    P(INT, every, 0, 5, 1, INT64_MAX,                                                 \
      "updates from one step of the slow weights to the next")                        \
    P(REAL, alpha, TN_ABOVE, 0.5, 0, 1, "share of the way that the slow weights go")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

static void TN(before)(const void *me, const tn_tile *t, const tn_update *u, tn_real *w,
                       const tn_real *g, tn_real *const *slot)
{
    for (int64_t i = 0; u->step == 1 && i < t->n; i++) slot[0][i] = w[i];
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const tn_real alpha = (tn_real)self->alpha;
    tn_real *s = slot[0];
    if (u->step % self->every) return;
    for (int64_t i = 0; i < t->n; i++) {
        s[i] = u->sparse && w[i] == 0 ? 0 : s[i] + alpha * (w[i] - s[i]);
        w[i] = s[i];
    }
}

static void TN(view)(const void *me, const tn_tile *t, const tn_real *w,
                     tn_real *const *slot, tn_real *out)
{
    for (int64_t i = 0; i < t->n; i++) out[i] = slot[0][i];
}

TN_VTABLE(optimizer, .slots = TN(slots), .before = TN(before), .update = TN(update),
          .view = TN(view))
TN_PLUGIN_WITH(OPTIONS, optimizer, lookahead,
               .summary = "slow weights that follow another optimizer's part of the way",
               .formula = "after each `every` updates: s <- s + alpha (w - s);  w <- s",
               .reference = "Zhang, Lucas, Hinton, Ba, Lookahead optimizer: k steps "
                            "forward, 1 step back, NeurIPS 2019, algorithm 1")
