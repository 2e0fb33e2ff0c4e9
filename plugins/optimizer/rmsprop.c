/* rmsprop.c - the gradient over its running root mean square, as PyTorch has it.
 *
 *     s <- alpha s + (1 - alpha) d^2         below = sqrt(s) + epsilon
 *     centered: c <- alpha c + (1 - alpha) d, below = sqrt(s - c^2) + epsilon
 *     b <- momentum b + d / below            w <- w - rate b
 *
 * Tieleman and Hinton, "Lecture 6.5 - rmsprop", Coursera (2012); centered and with
 * momentum: Graves, arXiv 1308.0850 (2013), eq. 38 to 41. Weight decay is added to d. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#include <tgmath.h>

#define OPTIONS(P)                                                                     \
    P(REAL, alpha, TN_BELOW, 0.99, 0, 1, "share of the mean square that is kept")      \
    P(REAL, epsilon, TN_ABOVE, 1e-8, 0, INFINITY,                                      \
      "added to the root of the mean square")                                          \
    P(REAL, momentum, TN_BELOW, 0, 0, 1, "share of the velocity that is kept")         \
    P(BOOL, centered, 0, 0, 0, 1, "by the variance: without the mean of the gradient") \
    P(SCHEDULABLE, weight_decay, 0, 0, 0, INFINITY,                                    \
      "added to the gradient, times the weight (biases have none)")
TN_SELF(OPTIONS, )

/* Mean square, then velocity, then mean. */
static int32_t TN(slots)(const void *me)
{
    const TN(self) *self = me;
    return 1 + (self->momentum > 0) + (self->centered != 0);
}

TN_INLINE tn_real *TN(mean)(const TN(self) * self, tn_real *const *slot)
{
    return self->centered ? slot[1 + (self->momentum > 0)] : NULL;
}

/* Rounding may take the variance below zero. */
TN_INLINE tn_real TN(below)(tn_real square, tn_real mean, tn_real epsilon)
{
    const tn_real variance = square - mean * mean;
    return sqrt(variance > 0 ? variance : 0) + epsilon;
}

/* b and c are NULL where there is no velocity, or no mean. */
TN_INLINE void TN(run)(const TN(self) * self, int64_t n, tn_real rate, tn_real decay,
                       tn_real *w, const tn_real *g, tn_real *s, tn_real *b, tn_real *c)
{
    const tn_real keep = (tn_real)self->alpha, fresh = (tn_real)(1 - self->alpha);
    const tn_real epsilon = (tn_real)self->epsilon, momentum = (tn_real)self->momentum;
    for (int64_t i = 0; i < n; i++) {
        const tn_real d = g[i] + decay * w[i];
        s[i] = keep * s[i] + fresh * d * d;
        if (c) c[i] = keep * c[i] + fresh * d;
        tn_real step = d / TN(below)(s[i], c ? c[i] : 0, epsilon);
        if (b) step = b[i] = momentum * b[i] + step;
        w[i] -= rate * step;
    }
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const tn_real decay = u->decays ? (tn_real)tn_now(t, self->weight_decay) : 0;
    const tn_real rate = (tn_real)u->rate;
    tn_real *c = TN(mean)(self, slot);
    if (self->momentum > 0 && c)
        TN(run)(self, t->n, rate, decay, w, g, slot[0], slot[1], c);
    else if (self->momentum > 0)
        TN(run)(self, t->n, rate, decay, w, g, slot[0], slot[1], NULL);
    else if (c)
        TN(run)(self, t->n, rate, decay, w, g, slot[0], NULL, c);
    else
        TN(run)(self, t->n, rate, decay, w, g, slot[0], NULL, NULL);
}

/* A gradient of 1 at every step so far, over the root mean square as it is now: at rest
 * it is what it was. */
TN_KERNEL void TN(step_size)(const void *me, const tn_tile *t, const tn_update *u,
                             tn_real *const *slot, tn_real *step)
{
    const TN(self) *self = me;
    const double terms = (1 - pow(self->momentum, (double)u->step)) /
                         (1 - self->momentum);
    const tn_real size = (tn_real)(u->rate * terms), *c = TN(mean)(self, slot);
    for (int64_t i = 0; i < t->n; i++)
        step[i] = size / TN(below)(slot[0][i], c ? c[i] : 0, (tn_real)self->epsilon);
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update), .step_size = TN(step_size))
TN_PLUGIN_WITH(OPTIONS, optimizer, rmsprop, .learning_rate = 0.01,
               .summary = "the gradient over its running root mean square",
               .formula =
                   "s <- alpha s + (1 - alpha) g^2;  b <- momentum b + g / (sqrt s + "
                   "epsilon);  w <- w - rate b  (centered: s less the mean squared)",
               .reference = "Tieleman and Hinton, Coursera lecture 6.5 (2012); Graves, "
                            "arXiv 1308.0850 (2013), eq. 38 to 41")
