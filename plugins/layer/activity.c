/* activity.c - the identity, with a penalty on what passes: small or sparse activations.
 *
 *     J = L + (1 / N) sum over the N samples of R(x),   dJ/dx_i = dL/dy_i + R'(x_i) / N
 *
 * R is the penalty of a regularizer, element by element, in training only. N is the number of samples of
 * an update, however many batches it adds up. The loss that a run reports is L.
 *
 * Olshausen and Field, "Emergence of simple-cell receptive field properties by learning a sparse code
 * for natural images", Nature 381 (1996), eq. 2; Goodfellow, Bengio, Courville, "Deep learning", 2016,
 * section 7.10, eq. 7.48. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                      \
    P(PLUGIN, penalty, TN_POSITIONAL | TN_REQUIRED, 0, "regularizer", , \
      "of the values, with a gradient for each by itself")
TN_SELF(OPTIONS, )

#ifndef ACTIVITY_ONCE
#define ACTIVITY_ONCE
#define RUN 256 /* elements whose gradients are made at a time */
#endif

static const tn_regularizer *TN(slots_of)(const TN(self) * self)
{
    return self->penalty->vtable;
}

/* What cannot tell how far a minimum is, though it can with other options, does to weights what no
 * gradient of a penalty does: decay, or a hard threshold. */
static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    const tn_regularizer *r = TN(slots_of)(self);
    const tn_tile t = {.n = 1, .now = self->penalty->now};
    const tn_real none[1] = {0};
    if (!r->gradient)
        return tn_fail(
            c, TN_ENOTSUP,
            "%s has no gradient for each value by itself; use l1, l2 or elastic_net",
            self->penalty->name);
    if (r->violation && isnan(r->violation(self->penalty->self, &t, none, none)))
        return tn_fail(c, TN_ENOTSUP,
                       "%s is to act beside the gradient (decoupled, threshold: hard), "
                       "which it does to weights alone; leave that option out",
                       self->penalty->name);
    return TN_OK;
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i];
}

TN_KERNEL void TN(add)(int64_t n, const tn_real *gy, tn_real share, const tn_real *g,
                       tn_real *gx)
{
    for (int64_t i = 0; i < n; i++) gx[i] = gy[i] + share * g[i];
}

static void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                         const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    tn_tile run = *t;
    run.now = self->penalty->now;
    for (int64_t first = 0; first < t->n; first += RUN) {
        tn_real g[RUN] = {0};
        run.n = t->n - first < RUN ? t->n - first : RUN;
        TN(slots_of)(self)->gradient(self->penalty->self, &run, y + first, g);
        TN(add)(run.n, gy + first, (tn_real)t->share, g, gx + first);
    }
}

TN_VTABLE(layer, .check = TN(check), .kernel = TN_MAP,
          .flags = TN_NEEDS_Y | TN_INPLACE | TN_IDLE, .forward = TN(forward),
          .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, activity,
               .summary = "the identity, with a penalty on what passes",
               .formula = "y = x;  the loss gets the mean over samples of R(x)",
               .reference = "Olshausen and Field, Nature 381 (1996), eq. 2; Goodfellow, "
                            "Bengio, Courville, Deep learning, 2016, eq. 7.48")
