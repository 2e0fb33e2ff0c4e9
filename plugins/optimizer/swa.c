/* swa.c - wraps an optimizer and, from a certain update on, averages its weights, all
 * alike; the average is what is evaluated and saved, training goes on with the weights
 * themselves.
 *
 *     a <- a + (w - a) / (n + 1)        after updates start, start + every, ...
 *
 * n: how many are in the average; before `start` a = w.
 *
 * Izmailov, Podoprikhin, Garipov, Vetrov, Wilson, "Averaging weights leads to wider
 * optima and better generalization", UAI 2018, algorithm 1, whose rate is constant or
 * cyclic while it averages. Running statistics of batch_norm are those of training, not
 * made anew as there. Zeros of a prox and constraints are the host's, as with ema. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                                  \
    P(PLUGIN, of, TN_POSITIONAL | TN_REQUIRED, 0, "optimizer", 0,                   \
      "whose weights it averages")                                                  \
    P(INT, start, TN_REQUIRED, 0, 1, INT64_MAX, "first update whose weights count") \
    P(INT, every, 0, 1, 1, INT64_MAX, "updates from one to the next")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const int64_t since = u->step - self->start;
    if (since > 0 && since % self->every) return;
    const int64_t averaged = since > 0 ? since / self->every : 0;
    const tn_real share = (tn_real)(1 / ((double)averaged + 1));
    tn_real *a = slot[0];
    for (int64_t i = 0; i < t->n; i++)
        a[i] = averaged ? a[i] + share * (w[i] - a[i]) : w[i];
}

static void TN(view)(const void *me, const tn_tile *t, const tn_real *w,
                     tn_real *const *slot, tn_real *out)
{
    for (int64_t i = 0; i < t->n; i++) out[i] = slot[0][i];
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .view = TN(view))
TN_PLUGIN_WITH(
    OPTIONS, optimizer, swa,
    .summary = "evaluates the plain average of another optimizer's late weights",
    .formula = "a <- a + (w - a) / (n + 1) after updates start, start + every, ...",
    .reference = "Izmailov et al., Averaging weights leads to wider optima and "
                 "better generalization, UAI 2018, algorithm 1")
