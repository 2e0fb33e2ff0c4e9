/* non_negative.c - weights that are never negative: after each step, w <- max(w, 0).
 *
 * The prox of the indicator of {w >= 0}, in which every weight stands for itself: so it is a step of
 * projected gradients under any optimizer's step sizes. Zeros are +0, NaN stays.
 *
 * Parikh and Boyd, "Proximal algorithms", Found. Trends Optim. 1 (2014), sec. 6.2.4; Lee and Seung,
 * "Learning the parts of objects by non-negative matrix factorization", Nature 401 (1999), on what it
 * is for. */
#include <tenon/plugin.h>
#include <tenon/update.h>

TN_KERNEL void TN(prox)(const void *me, const tn_tile *t, const tn_real *step, tn_real *w)
{
    for (int64_t i = 0; i < t->n; i++) w[i] = w[i] <= 0 ? 0 : w[i];
}

static double TN(violation)(const void *me, const tn_tile *t, const tn_real *w,
                            const tn_real *g)
{
    double most = 0;
    for (int64_t i = 0; i < t->n; i++) {
        const double d = (double)g[i];
        const double off = w[i] > 0 ? fabs(d) : w[i] < 0 ? INFINITY : d < 0 ? -d : d * 0;
        most = tn_worse(most, off);
    }
    return most;
}

TN_VTABLE(regularizer, .prox = TN(prox), .constraint = 1, .violation = TN(violation))
TN_PLUGIN(regularizer, non_negative, .summary = "constraint: no weight is negative",
          .formula = "w <- max(w, 0) after each step",
          .reference =
              "Parikh and Boyd, Found. Trends Optim. 1 (2014), sec. 6.2.4; Lee and "
              "Seung, Nature 401 (1999)")
