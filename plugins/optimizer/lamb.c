/* lamb.c - adam's direction with, for each weight tensor, a length in proportion to that
 * of the tensor: for large batches.
 *
 *     d = m' / (sqrt(v') + epsilon) + weight_decay w        m', v': as in adam (adam.h)
 *     w <- w - rate ||w|| / ||d|| d        1 in place of the ratio where a norm is 0
 *
 * What is no weight (biases, norms) takes steps of adam: ratio 1, no decay. You et al.,
 * "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020,
 * algorithm 2, with phi(z) = z. The moments move where the norms are summed, so that d is
 * what update makes of them. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#include <tgmath.h>

#include "adam.h"

#define OPTIONS(P)                                     \
    MOMENT_OPTIONS(P, 1e-6)                            \
    P(SCHEDULABLE, weight_decay, 0, 0.01, 0, INFINITY, \
      "added to the direction, times the weight (biases have none)")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 2;
}

typedef struct TN(terms) {
    tn_real size, unbias, epsilon, decay;
} TN(terms);

static TN(terms) TN(terms_of)(const TN(self) * self, const tn_tile *t, const tn_update *u)
{
    const double step = (double)u->step;
    return (TN(terms)){(tn_real)(1 / (1 - pow(self->beta1, step))),
                       (tn_real)(1 / sqrt(1 - pow(self->beta2, step))),
                       (tn_real)self->epsilon,
                       u->decays ? (tn_real)tn_now(t, self->weight_decay) : 0};
}

TN_INLINE tn_real TN(direction)(const TN(terms) * a, tn_real w, tn_real m, tn_real v)
{
    return a->size * m / (sqrt(v) * a->unbias + a->epsilon) + a->decay * w;
}

TN_INLINE double TN(squared)(tn_real x)
{
    return (double)x * (double)x;
}

TN_KERNEL void TN(sum)(const void *me, const tn_tile *t, const tn_update *u,
                       const tn_real *w, const tn_real *g, tn_real *const *slot,
                       double *const *acc)
{
    const TN(self) *self = me;
    const TN(terms) a = TN(terms_of)(self, t, u);
    const tn_real old1 = (tn_real)self->beta1, new1 = (tn_real)(1 - self->beta1);
    const tn_real old2 = (tn_real)self->beta2, new2 = (tn_real)(1 - self->beta2);
    tn_real *m = slot[0], *v = slot[1];
    for (int64_t i = 0; i < t->n; i++) {
        m[i] = old1 * m[i] + new1 * g[i];
        v[i] = old2 * v[i] + new2 * g[i] * g[i];
    }
    acc[0][0] += TN_SUM(i, t->n, (double)w[i] * (double)w[i]);
    acc[1][0] += TN_SUM(i, t->n, TN(squared)(TN(direction)(&a, w[i], m[i], v[i])));
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    const double of_w = sqrt(acc[0][0]), of_d = sqrt(acc[1][0]);
    stat[0][0] = of_w > 0 && of_d > 0 ? (tn_real)(of_w / of_d) : 1;
}

/* The rate times ||w|| / ||d||. */
TN_INLINE tn_real TN(rate_of)(const tn_tile *t, const tn_update *u)
{
    return (tn_real)u->rate * (u->decays ? *(const tn_real *)t->stat[0] : 1);
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(terms) a = TN(terms_of)(me, t, u);
    const tn_real rate = TN(rate_of)(t, u), *m = slot[0], *v = slot[1];
    for (int64_t i = 0; i < t->n; i++) w[i] -= rate * TN(direction)(&a, w[i], m[i], v[i]);
}

TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    tn_update scaled = *u;
    scaled.rate = (double)TN(rate_of)(t, u);
    TN(adam_step)(self->beta2, self->epsilon, t->n, &scaled, slot[1], step);
}

TN_VTABLE(optimizer, .slots = TN(slots), .sum = TN(sum), .update = TN(update),
          .step_size = TN(step_size),
          .reduce = {.over = TN_OVER_TENSOR, .sums = 2, .stats = 1, .finish = TN(finish)})
TN_PLUGIN_WITH(OPTIONS, optimizer, lamb, .learning_rate = 1e-3,
               .summary = "adam with steps in proportion to each weight tensor's length",
               .formula = "d = m' / (sqrt v' + epsilon) + weight_decay w;  "
                          "w <- w - rate ||w|| / ||d|| d",
               .reference =
                   "You et al., Large batch optimization for deep learning, ICLR "
                   "2020, algorithm 2")
