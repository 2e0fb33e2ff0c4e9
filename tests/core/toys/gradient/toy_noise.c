/* toy_noise - puts noise in the place of the gradient, to show which random numbers a transform
 * draws. */
#include <tenon/plugin.h>
#include <tenon/random.h>
#include <tenon/update.h>

static void TN(map)(const void *self, const tn_tile *t, const tn_real *w, tn_real *g)
{
    for (int64_t i = 0; i < t->n; i++)
        g[i] = (tn_real)tn_random_uniform(t->key, tn_tile_index(t) + (uint64_t)i);
}

TN_VTABLE(gradient, .map = TN(map))
TN_PLUGIN(gradient, toy_noise, .summary = "noise in the place of the gradient",
          .formula = "g = u, u uniform on (0, 1)", .reference = "none: a test's")
