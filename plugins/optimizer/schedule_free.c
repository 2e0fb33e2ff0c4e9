/* schedule_free.c - wraps an optimizer and averages its iterates in place of a falling
 * learning rate. Gradients are taken between the iterate z and its average x, which is
 * what is evaluated and saved.
 *
 *     y = (1 - beta) z + beta x        the weights while training goes on
 *     z <- prox(z + (step of the wrapped optimizer at y))
 *     x <- (1 - c) x + c z             c = rate_t^2 / (rate_1^2 + ... + rate_t^2)
 *
 * Defazio et al., "The road less scheduled", NeurIPS 2024, eq. 5 to 7 and, for c, section
 * 4. beta stands for the momentum, so the wrapped optimizer should have none ({sgd: ...},
 * {adamw: {beta1: 0}}); its rate is constant, perhaps after warm-up. Decay acts at y, as
 * in the authors' code. prox: of regularizers and constraints; taken of y it would leave
 * neither z nor x sparse. Running statistics of batch_norm are those of y. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P)                                                \
    P(PLUGIN, of, TN_POSITIONAL | TN_REQUIRED, 0, "optimizer", 0, \
      "what makes the steps; without momentum")                   \
    P(REAL, beta, TN_BELOW, 0.9, 0, 1, "how near the average gradients are taken")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 2;
}

/* The sum of squared rates, and the newest one's share of it. */
static void TN(count)(const void *me, const tn_update *u, double *numbers)
{
    numbers[0] += u->rate * u->rate;
    numbers[1] = numbers[0] > 0 ? u->rate * u->rate / numbers[0] : 0;
}

TN_INLINE tn_real TN(between_them)(tn_real beta, tn_real z, tn_real x)
{
    return (1 - beta) * z + beta * x;
}

/* y is where it was left, so the difference is the step; but for the first, when z, x and
 * y are one. */
TN_KERNEL void TN(to_iterate)(const void *me, const tn_tile *t, const tn_update *u,
                              tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const tn_real beta = (tn_real)self->beta;
    const tn_real *z = slot[0], *x = slot[1];
    if (u->step == 1) return;
    for (int64_t i = 0; i < t->n; i++)
        w[i] = z[i] + (w[i] - TN(between_them)(beta, z[i], x[i]));
}

TN_KERNEL void TN(update)(const void *me, const tn_tile *t, const tn_update *u,
                          tn_real *w, const tn_real *g, tn_real *const *slot)
{
    const TN(self) *self = me;
    const tn_real beta = (tn_real)self->beta, c = (tn_real)u->numbers[1];
    tn_real *z = slot[0], *x = slot[1];
    for (int64_t i = 0; i < t->n; i++) {
        z[i] = w[i];
        x[i] = u->step == 1 ? z[i] : x[i] + c * (z[i] - x[i]);
        w[i] = u->step == 1 ? z[i] : TN(between_them)(beta, z[i], x[i]);
    }
}

static void TN(view)(const void *me, const tn_tile *t, const tn_real *w,
                     tn_real *const *slot, tn_real *out)
{
    for (int64_t i = 0; i < t->n; i++) out[i] = slot[1][i];
}

TN_VTABLE(optimizer, .numbers = 2, .slots = TN(slots), .count = TN(count),
          .update = TN(update), .view = TN(view), .to_iterate = TN(to_iterate),
          .iterate = 1)
TN_PLUGIN_WITH(
    OPTIONS, optimizer, schedule_free,
    .summary = "averages another optimizer's iterates in place of a schedule",
    .formula = "gradients at y = (1 - beta) z + beta x;  z <- prox(z + step);  "
               "x <- (1 - c) x + c z, c = rate^2 / sum of rate^2",
    .reference = "Defazio et al., The road less scheduled, NeurIPS 2024, eq. 5 "
                 "to 7")
