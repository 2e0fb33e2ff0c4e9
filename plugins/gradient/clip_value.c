/* clip_value.c - clamps every element of the gradient to [-max, max]. Unlike clip_norm it
 * turns the gradient's direction. NaN stays NaN.
 *
 * Mikolov, "Statistical language models based on neural networks", thesis, Brno 2012,
 * chapter 3 (elements of the gradient truncated to [-15, 15]). */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                \
    P(SCHEDULABLE, max, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY, \
      "largest absolute value allowed")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(map)(const void *me, const tn_tile *t, const tn_real *w, tn_real *g)
{
    const TN(self) *self = me;
    const tn_real max = (tn_real)tn_now(t, self->max);
    int64_t cut = 0;
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real below = g[i] > max ? max : g[i];
        cut += g[i] > max || g[i] < -max;
        g[i] = below < -max ? -max : below;
    }
    tn_count_changed(t, cut);
}

TN_VTABLE(gradient, .numbers = TN_COUNTS, .map = TN(map), .counts = 1)
TN_PLUGIN_WITH(
    OPTIONS, gradient, clip_value, .summary = "clamps each element of the gradient",
    .formula = "g <- max(-max, min(max, g))",
    .reference = "Mikolov, thesis, Brno University of Technology (2012), chapter 3")
