/* toy_descent.c - the smallest optimizer: w <- w - rate g. */
#include <tenon/plugin.h>
#include <tenon/update.h>

TN_KERNEL void TN(update)(const void *self, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const tn_real rate = (tn_real)u->rate;
    for (int64_t i = 0; i < t->n; i++) w[i] -= rate * g[i];
}

TN_VTABLE(optimizer, .update = TN(update))
TN_PLUGIN(optimizer, toy_descent, .learning_rate = 0.1, .summary = "steepest descent",
          .formula = "w <- w - rate g",
          .reference = "Robbins and Monro, Ann. Math. Stat. 22 (1951), eq. 8")
