/* l1_ball.c - the sum of absolute weights is at most radius: sparse weights with a budget in place of a
 * price.
 *
 * The prox of the indicator of {sum |w| <= radius}: weights that a step leaves outside go to the nearest
 * point, near as the optimizer's step sizes have it. That is soft thresholding by theta step, where
 *
 *     theta = (sum over A of |w_i| - radius) / sum over A of step_i,  A = {|w_i| > theta step_i},
 *
 * found from A = all by leaving out what theta says, which only grows: no sorting, and after finitely
 * many rounds A stays. Zeros are +0.
 *
 * Duchi, Shalev-Shwartz, Singer, Chandra, "Efficient projections onto the l1-ball for learning in high
 * dimensions", ICML 2008, eq. 3 and section 3; Michelot, "A finite algorithm for finding the
 * projection of a point onto the canonical simplex of R^n", J. Optim. Theory Appl. 50 (1986). */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#include "groups.h"

#define OPTIONS(P)                                                                  \
    P(SCHEDULABLE, radius, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY, "of the ball") \
    P(ENUM, over, 0, TENSOR, OVER, , OVER_MEANS)
TN_SELF(OPTIONS, )

/* Sums of sizes and of steps over A. */
TN_KERNEL double TN(beyond)(int64_t n, const tn_real *step, const tn_real *w,
                            double theta, double *steps)
{
#define IN(i) (fabs((double)w[i]) > theta * (double)step[i])
    *steps = TN_SUM(i, n, IN(i) ? (double)step[i] : 0);
    return TN_SUM(i, n, IN(i) ? fabs((double)w[i]) : 0);
#undef IN
}

TN_KERNEL void TN(threshold)(int64_t n, const tn_real *step, double theta, tn_real *w)
{
    for (int64_t i = 0; i < n; i++) {
        const tn_real by = (tn_real)(theta * (double)step[i]);
        const tn_real below = w[i] > by ? by : w[i];
        w[i] -= below < -by ? -by : below;
    }
}

static double TN(move)(const void *me, const tn_call *c, int64_t n, const tn_real *step,
                       tn_real *w)
{
    const TN(self) *self = me;
    const double radius = tn_now(c, self->radius);
    double theta = 0, steps, sum = TN(beyond)(n, step, w, -1, &steps);
    if (!(sum > radius) || !(steps > 0)) return 0;
    for (double next = (sum - radius) / steps; next > theta && steps > 0;
         next = (sum - radius) / steps) {
        theta = next;
        sum = TN(beyond)(n, step, w, theta, &steps);
    }
    TN(threshold)(n, step, theta, w);
    return 0;
}

#include "group_prox.h"

TN_VTABLE(regularizer, .prox_whole = TN(prox), .scratch = TN(scratch), .constraint = 1)
TN_PLUGIN_WITH(OPTIONS, regularizer, l1_ball,
               .summary = "constraint: the sum of absolute weights is at most radius",
               .formula =
                   "w <- sign(w) max(|w| - theta step, 0), theta >= 0 the least for "
                   "which sum |w| <= radius",
               .reference = "Duchi, Shalev-Shwartz, Singer, Chandra, ICML 2008, eq. 3; "
                            "Michelot, J. Optim. Theory Appl. 50 (1986)")
