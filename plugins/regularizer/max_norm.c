/* max_norm.c - no group of weights is longer than max: by default those into one unit.
 *
 * The prox of the indicator of {|w| <= max}: after a step that leaves a group longer, it goes to the
 * nearest point of the ball, near as the optimizer's step sizes have it (length.h). Where all are
 * equal, as under sgd, that is w <- w max / |w|.
 *
 * Srebro, Rennie, Jaakkola, "Maximum-margin matrix factorization", NIPS 2004; Srivastava, Hinton,
 * Krizhevsky, Sutskever, Salakhutdinov, "Dropout", JMLR 15 (2014), section 5.1. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#include "groups.h"
#include "length.h"

#define OPTIONS(P)                                                                  \
    P(SCHEDULABLE, max, TN_POSITIONAL | TN_ABOVE, 3, 0, INFINITY, "length at most") \
    P(ENUM, over, 0, ROWS, OVER, , OVER_MEANS)
TN_SELF(OPTIONS, )

static double TN(move)(const void *me, const tn_call *c, int64_t n, const tn_real *step,
                       tn_real *w)
{
    const TN(self) *self = me;
    const double max = tn_now(c, self->max);
    if (TN(length)(n, w) > max) TN(to_length)(n, step, w, max);
    return 0;
}

#include "group_prox.h"

TN_VTABLE(regularizer, .prox_whole = TN(prox), .scratch = TN(scratch), .constraint = 1)
TN_PLUGIN_WITH(OPTIONS, regularizer, max_norm,
               .summary = "constraint: the weights into a unit are no longer than max",
               .formula = "w <- argmin over |v| <= max of sum (v - w)^2 / (2 step);  "
                          "equal steps: w <- w min(1, max / |w|)",
               .reference = "Srebro, Rennie, Jaakkola, NIPS 2004; Srivastava et al., "
                            "JMLR 15 (2014), section 5.1")
