/* group_lasso.c - removes whole units or inputs: R(W) = lambda sqrt(n) sum over groups |w_g|, of n
 * weights each.
 *
 * By default a proximal step follows the optimizer's own, by the step that each weight takes:
 *
 *     w_i <- w_i s / (s + step_i t),  t = lambda sqrt(n),  where sum w_i^2 / (s + step_i t)^2 = 1,
 *
 * and the group is exactly zero if sum (w_i / (step_i t))^2 <= 1. With equal steps s = |w| - step t, so
 * w <- w max(0, 1 - step t / |w|). 1 / the root of the sum is concave in s: Newton's method comes from
 * the left. With prox: false the gradient t w / |w| (0 at 0) is added instead, and no group vanishes.
 *
 * Yuan and Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68
 * (2006), eq. 2.1 and 2.4; Parikh and Boyd, "Proximal algorithms", Found. Trends Optim. 1 (2014), sec.
 * 6.5.4. */
#include <string.h>
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#include "groups.h"

#define OPTIONS(P)                                                        \
    P(SCHEDULABLE, lambda, TN_POSITIONAL, 0.001, 0, INFINITY, "strength") \
    P(ENUM, over, 0, ROWS, OVER, , OVER_MEANS)                            \
    P(BOOL, prox, 0, 1, 0, 1, "exact zeros by a proximal step, not the gradient")
TN_SELF(OPTIONS, )

#ifndef GROUP_LASSO_ONCE
#define GROUP_LASSO_ONCE
#define MOST_ROUNDS 60
#endif

static double TN(strength)(const TN(self) * self, const tn_call *c, int64_t n)
{
    return tn_now(c, self->lambda) * sqrt((double)n);
}

static double TN(size_of)(const void *me, const tn_call *c, int64_t n, const tn_real *w,
                          tn_real *unused)
{
    return TN(strength)(me, c, n) * TN(length)(n, w);
}

TN_KERNEL double TN(pull)(const void *me, const tn_call *c, int64_t n, const tn_real *w,
                          tn_real *g)
{
    const double length = TN(length)(n, w);
    const tn_real by = (tn_real)(length > 0 ? TN(strength)(me, c, n) / length : 0);
    for (int64_t i = 0; i < n; i++) g[i] += by * w[i];
    return 0;
}

/* ---- the proximal step ----------------------------------------------------------------- */

/* sum (w / (s + step t))^2, of weights that are not zero. */
TN_KERNEL double TN(squares_at)(int64_t n, const tn_real *step, const tn_real *w,
                                double t, double s, double *slope)
{
#define DOWN(i) (s + t * (double)step[i])
#define V(i) (w[i] == 0 ? 0 : (double)w[i] / DOWN(i))
    *slope = TN_SUM(i, n, V(i) * V(i) / DOWN(i));
    return TN_SUM(i, n, V(i) * V(i));
#undef V
#undef DOWN
}

TN_KERNEL void TN(shrink)(int64_t n, const tn_real *step, double t, double s, tn_real *w)
{
    for (int64_t i = 0; i < n; i++)
        w[i] = (tn_real)((double)w[i] * s / (s + t * (double)step[i]));
}

/* The root lies right of |w| - t longest, where it is with equal steps. */
static double TN(move)(const void *me, const tn_call *c, int64_t n, const tn_real *step,
                       tn_real *w)
{
    const double t = TN(strength)(me, c, n), near = sizeof(tn_real) == 4 ? 1e-8 : 1e-14;
    const double all = t * TN(longest_step)(n, step), length = TN(length)(n, w);
    double slope, s = length > all ? length - all : 0;
    if (!(all > 0) || !(length < INFINITY)) return 0;
    double squares = TN(squares_at)(n, step, w, t, s, &slope);
    if (s == 0 && squares <= 1) {
        memset(w, 0, (size_t)n * sizeof *w);
        return 0;
    }
    for (int k = 0; k < MOST_ROUNDS && squares - 1 > near; k++) {
        s += squares / slope * (sqrt(squares) - 1);
        squares = TN(squares_at)(n, step, w, t, s, &slope);
    }
    TN(shrink)(n, step, t, s, w);
    return 0;
}

/* ---- slots ----------------------------------------------------------------------------- */

#include "group_prox.h"

static tn_status TN(penalty)(const void *me, tn_call *c, const tn_tensor *w,
                             void *scratch, double *penalty)
{
    const TN(self) *self = me;
    const int64_t groups = groups_of(self->over, w->dim[0], w->dim[1]);
    const double *value = scratch;
    const tn_status status = TN(each_group)(self, c, TN(size_of), self->over, w, NULL,
                                            scratch);
    *penalty = 0;
    for (int64_t i = 0; !status && i < groups; i++) *penalty += value[i];
    return status;
}

static tn_status TN(gradient)(const void *me, tn_call *c, const tn_tensor *w,
                              tn_tensor *g, void *scratch)
{
    const TN(self) *self = me;
    return TN(each_group)(self, c, TN(pull), self->over, w, g, scratch);
}

static int32_t TN(proximal)(const void *me)
{
    const TN(self) *self = me;
    return self->prox;
}

TN_VTABLE(regularizer, .penalty_whole = TN(penalty), .gradient_whole = TN(gradient),
          .prox_whole = TN(prox), .proximal = TN(proximal), .scratch = TN(scratch))
TN_PLUGIN_WITH(OPTIONS, regularizer, group_lasso,
               .summary = "lengths of groups of weights; sets whole groups to zero",
               .formula = "R(W) = lambda sqrt(n) sum_g |w_g|;  equal steps: w_g <- "
                          "w_g max(0, 1 - step lambda sqrt(n) / |w_g|)",
               .reference = "Yuan and Lin, JRSS B 68 (2006), eq. 2.1 and 2.4; Parikh and "
                            "Boyd, Found. Trends Optim. 1 (2014), sec. 6.5.4")
