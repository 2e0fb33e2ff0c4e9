/* adaptive_clip.c - scales the gradient of each unit so that its norm is at most `max` times the norm
 * of the unit's weights: no step changes a unit by more than a given share. A unit is a row of a weight
 * (what makes one output, all taps of a filter), or a whole bias. Weights near zero count as
 * `floor`, so that they can grow. A norm that is not finite scales nothing.
 *
 * Brock, De, Smith, Simonyan, "High-performance large-scale image recognition without normalization",
 * ICML 2021, eq. 3 (they leave the last layer out). */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                                       \
    P(SCHEDULABLE, max, TN_POSITIONAL | TN_ABOVE, 0.01, 0, INFINITY,                     \
      "largest norm of a unit's gradient, as a share of its weights'")                   \
    P(REAL, floor, TN_ABOVE, 1e-3, 0, INFINITY, "smallest norm that weights count with") \
    P(BOOL, penalized, 0, 0, 0, 1,                                                       \
      "whether gradients of regularizers count, and are scaled")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(add)(const void *me, const tn_tile *t, const tn_real *w,
                       const tn_real *g, double *const *acc)
{
    acc[0][0] += TN_SUM(i, t->n, (double)w[i] * (double)w[i]);
    acc[1][0] += TN_SUM(i, t->n, (double)g[i] * (double)g[i]);
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    const TN(self) *self = me;
    const double max = tn_now(t, self->max);
    for (int64_t i = 0; i < groups; i++) {
        const double weights = fmax(sqrt(acc[0][i]), self->floor), norm = sqrt(acc[1][i]);
        const int cut = isfinite(norm) && norm > max * weights;
        stat[0][i] = cut ? (tn_real)(max * weights / norm) : 1;
    }
}

/* A tile may be several rows, or a piece of one. */
TN_KERNEL void TN(map)(const void *me, const tn_tile *t, const tn_real *w, tn_real *g)
{
    const tn_real *scale = t->stat[0];
    int64_t cut = 0;
    for (int64_t first = 0; first < t->n; first += t->width, scale++) {
        const int64_t n = t->n - first < t->width ? t->n - first : t->width;
        if (!(*scale < 1)) continue;
        for (int64_t i = first; i < first + n; i++) g[i] *= *scale;
        cut += n;
    }
    tn_count_changed(t, cut);
}

static int32_t TN(penalized)(const void *me)
{
    return ((const TN(self) *)me)->penalized;
}

TN_VTABLE(gradient, .numbers = TN_COUNTS, .map = TN(map), .penalized = TN(penalized),
          .counts = 1,
          .reduce = {.over = TN_OVER_ROWS,
                     .sums = 2,
                     .stats = 1,
                     .add = TN(add),
                     .finish = TN(finish)})
TN_PLUGIN_WITH(
    OPTIONS, gradient, adaptive_clip,
    .summary = "limits each unit's gradient by the size of its weights",
    .formula = "g_i <- g_i min(1, max max(||w_i||, floor) / ||g_i||), i a unit",
    .reference = "Brock, De, Smith, Simonyan, ICML 2021, eq. 3")
