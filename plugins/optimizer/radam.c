/* radam.c - rectified adam: while the second moment rests on too few gradients to be
 * trusted, steps go by the first moment alone; then they grow with the variance of the
 * scale.
 *
 *     R = 2 / (1 - beta2) - 1        r = R - 2 t beta2^t / (1 - beta2^t)
 *     r > 5:  w <- w - rate l m' sqrt(1 - beta2^t) / (sqrt(v) + epsilon)
 *             l^2 = (r - 4) (r - 2) R / ((R - 4) (R - 2) r)
 *     else    w <- w - rate m'        m' = m / (1 - beta1^t); m and v as in adam
 *
 * Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020,
 * algorithm 2, with PyTorch's place of epsilon and its threshold of 5, where the paper
 * has 4. Weight decay is added to the gradient as PyTorch does; the authors' code
 * decouples it, as `decoupled` does. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include <tgmath.h>

#include "adam.h"

#define OPTIONS(P)                                                  \
    MOMENT_OPTIONS(P, 1e-8)                                         \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY,                 \
      "added to the gradient, times the weight (biases have none)") \
    P(BOOL, decoupled, 0, 0, 0, 1, "decay the weight itself, not through the gradient")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 2;
}

/* What stands above sqrt(v) + epsilon; 0: the second moment is not to be trusted yet. */
static double TN(rectified)(const TN(self) * self, int64_t step)
{
    const double t = (double)step, power = pow(self->beta2, t);
    const double all = 2 / (1 - self->beta2) - 1, r = all - 2 * t * power / (1 - power);
    if (!(r > 5)) return 0;
    return sqrt((r - 4) * (r - 2) * all / ((all - 4) * (all - 2) * r) * (1 - power));
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const double decay = u->decays ? tn_now(t, self->weight_decay) : 0;
    const double unbiased = u->rate / (1 - pow(self->beta1, (double)u->step));
    const double above = TN(rectified)(self, u->step);
    const int trusted = above > 0;
    const tn_real size = (tn_real)(trusted ? unbiased * above : unbiased);
    const tn_real old1 = (tn_real)self->beta1, new1 = (tn_real)(1 - self->beta1);
    const tn_real old2 = (tn_real)self->beta2, new2 = (tn_real)(1 - self->beta2);
    const tn_real epsilon = (tn_real)self->epsilon;
    const tn_real coupled = self->decoupled ? 0 : (tn_real)decay;
    const tn_real keep = self->decoupled ? (tn_real)(1 - u->rate * decay) : 1;
    tn_real *m = slot[0], *v = slot[1];
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real d = g[i] + coupled * w[i];
        m[i] = old1 * m[i] + new1 * d;
        v[i] = old2 * v[i] + new2 * d * d;
        const tn_real below = trusted ? sqrt(v[i]) + epsilon : 1;
        w[i] = keep * w[i] - size * (m[i] / below);
    }
}

/* A gradient of 1 at every step so far makes m' one. */
TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    const double above = TN(rectified)(self, u->step);
    const tn_real rate = (tn_real)u->rate, size = (tn_real)(u->rate * above);
    for (int64_t i = 0; i < t->n; i++)
        step[i] = above > 0 ? size / (sqrt(slot[1][i]) + (tn_real)self->epsilon) : rate;
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size))
TN_PLUGIN_WITH(
    OPTIONS, optimizer, radam, .learning_rate = 1e-3,
    .summary = "adam whose first steps wait for a second moment to be trusted",
    .formula = "w <- w - rate l m' sqrt(1 - beta2^t) / (sqrt v + epsilon), l the "
               "rectification; w <- w - rate m' while it does not exist",
    .reference = "Liu et al., On the variance of the adaptive learning rate and "
                 "beyond, ICLR 2020, algorithm 2")
