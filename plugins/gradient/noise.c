/* noise.c - adds normal numbers to every element of the gradient, less and less as training goes on:
 * they carry very deep networks out of bad starts.
 *
 * Neelakantan, Vilnis, Le, Sutskever, Kaiser, Kurach, Martens, "Adding gradient noise improves
 * learning for very deep networks", arXiv:1511.06807, sec. 2 (eta one of 0.01, 0.3 and 1). Update
 * number t, counted from 0. */
#include <tenon/plugin.h>
#include <tenon/random.h>
#include <tenon/update.h>

#define OPTIONS(P)                                        \
    P(SCHEDULABLE, eta, TN_POSITIONAL, 0.01, 0, INFINITY, \
      "variance at the first update")                     \
    P(REAL, gamma, 0, 0.55, 0, INFINITY, "power by which it falls; 0: it stays")
TN_SELF(OPTIONS, )

static void TN(map)(const void *me, const tn_tile *t, const tn_real *w, tn_real *g)
{
    const TN(self) *self = me;
    const double deviation = sqrt(tn_now(t, self->eta) /
                                  pow((double)t->step, self->gamma));
    const uint64_t first = tn_tile_index(t);
    if (deviation == 0) return;
    for (int64_t i = 0; i < t->n; i++)
        g[i] += (tn_real)(deviation * tn_random_normal(t->key, first + (uint64_t)i));
}

TN_VTABLE(gradient, .map = TN(map))
TN_PLUGIN_WITH(OPTIONS, gradient, noise,
               .summary = "adds normal noise that fades as training goes on",
               .formula = "g <- g + N(0, eta / (1 + t)^gamma), t = 0 at the first update",
               .reference = "Neelakantan et al., arXiv:1511.06807, sec. 2")
