/* lars.c - momentum whose steps have, for each weight tensor, a length in proportion to
 * that of the tensor: for large batches and rates.
 *
 *     l = trust ||w|| / (||g|| + weight_decay ||w||)        1 where a norm is 0
 *     v <- momentum v + l (g + weight_decay w)
 *     w <- w - rate v
 *
 * What is no weight (biases, norms) takes plain steps: l = 1, no decay. You, Gitman,
 * Ginsburg, "Large batch training of convolutional networks", arXiv 1708.03888 (2017),
 * algorithm 1; the velocity holds gradients, not steps, so that a changed rate acts at
 * once, as in sgd.c. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                               \
    P(REAL, momentum, TN_BELOW, 0.9, 0, 1, "share of the velocity that is kept") \
    P(REAL, trust, TN_ABOVE, 1e-3, 0, INFINITY,                                  \
      "length of a step of rate 1, over the weight's")                           \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY, "decay of weights (biases have none)")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 1;
}

TN_KERNEL void TN(add)(const void *me, const tn_tile *t, const tn_real *w,
                       const tn_real *g, double *const *acc)
{
    acc[0][0] += TN_SUM(i, t->n, (double)w[i] * (double)w[i]);
    acc[1][0] += TN_SUM(i, t->n, (double)g[i] * (double)g[i]);
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    for (int k = 0; k < 2; k++) stat[k][0] = (tn_real)sqrt(acc[k][0]);
}

/* l */
static tn_real TN(local)(const TN(self) * self, const tn_tile *t, const tn_update *u)
{
    const double of_w = *(const tn_real *)t->stat[0], of_g = *(const tn_real *)t->stat[1];
    if (!u->decays || !(of_w > 0) || !(of_g > 0)) return 1;
    const double decay = tn_now(t, self->weight_decay);
    return (tn_real)(self->trust * of_w / (of_g + decay * of_w));
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const double decay = u->decays ? tn_now(t, self->weight_decay) : 0;
    const tn_real l = TN(local)(self, t, u), momentum = (tn_real)self->momentum,
                  rate = (tn_real)u->rate;
    tn_real *v = slot[0];
    for (int64_t i = 0; i < t->n; i++) {
        v[i] = momentum * v[i] + l * (g[i] + (tn_real)decay * w[i]);
        w[i] -= rate * v[i];
    }
}

/* Of gradients as large at every step so far the velocity is l (1 + momentum + ...) of them. */
static void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    const double left = 1 - pow(self->momentum, (double)u->step);
    const double sum = (double)TN(local)(self, t, u) * left / (1 - self->momentum);
    for (int64_t i = 0; i < t->n; i++) step[i] = (tn_real)(u->rate * sum);
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size),
          .reduce = {.over = TN_OVER_TENSOR,
                     .sums = 2,
                     .stats = 2,
                     .add = TN(add),
                     .finish = TN(finish)})
TN_PLUGIN_WITH(
    OPTIONS, optimizer, lars, .learning_rate = 0.1,
    .summary = "momentum with steps in proportion to each weight tensor's length",
    .formula = "v <- momentum v + l (g + weight_decay w);  w <- w - rate v;  "
               "l = trust ||w|| / (||g|| + weight_decay ||w||)",
    .reference = "You, Gitman, Ginsburg, Large batch training of convolutional "
                 "networks, arXiv 1708.03888 (2017), algorithm 1")
