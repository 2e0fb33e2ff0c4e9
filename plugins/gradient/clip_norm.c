/* clip_norm.c - scales gradients so that their Euclidean norm is at most max: the direction stays.
 * One norm of all gradients together, or one of each parameter's, as Keras's clipnorm, or of each
 * layer's, of its weights, biases and all else. A norm that is not finite scales nothing: bad
 * gradients stay visible.
 *
 * Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks",
 * ICML 2013, algorithm 1. The 1e-6 in the denominator is PyTorch's. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                                     \
    P(SCHEDULABLE, max, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY,                      \
      "largest norm allowed")                                                          \
    P(ENUM, over, 0, 0, "all|each|layer", 0,                                           \
      "norm of all gradients together, of each parameter's (a weight, a bias), or of " \
      "each layer's")                                                                  \
    P(BOOL, penalized, 0, 0, 0, 1,                                                     \
      "whether gradients of regularizers count, and are scaled")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(add)(const void *me, const tn_tile *t, const tn_real *w,
                       const tn_real *g, double *const *acc)
{
    acc[0][0] += TN_SUM(i, t->n, (double)g[i] * (double)g[i]);
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    const TN(self) *self = me;
    const double norm = sqrt(acc[0][0]), scale = tn_now(t, self->max) / (norm + 1e-6);
    stat[0][0] = isfinite(norm) && scale < 1 ? (tn_real)scale : 1;
}

TN_KERNEL void TN(map)(const void *me, const tn_tile *t, const tn_real *w, tn_real *g)
{
    const tn_real scale = *(const tn_real *)t->stat[0];
    for (int64_t i = 0; i < t->n; i++) g[i] *= scale;
    tn_count_changed(t, scale < 1 ? t->n : 0);
}

#define SUMS .sums = 1, .stats = 1, .add = TN(add), .finish = TN(finish)

static const tn_reduction *TN(choose)(const void *me)
{
    static const tn_reduction of[] = {{.over = TN_OVER_ALL, SUMS},
                                      {.over = TN_OVER_TENSOR, SUMS},
                                      {.over = TN_OVER_LAYER, SUMS}};
    return &of[((const TN(self) *)me)->over];
}

static int32_t TN(penalized)(const void *me)
{
    return ((const TN(self) *)me)->penalized;
}

TN_VTABLE(gradient, .numbers = TN_COUNTS, .map = TN(map), .choose = TN(choose),
          .penalized = TN(penalized), .counts = 1)
TN_PLUGIN_WITH(
    OPTIONS, gradient, clip_norm,
    .summary = "limits the norm of all gradients, or of each parameter's or layer's",
    .formula = "g <- g min(1, max / (||g|| + 1e-6)), norm over all parameters, over each "
               "or over those of each layer",
    .reference = "Pascanu, Mikolov, Bengio, ICML 2013, algorithm 1")
