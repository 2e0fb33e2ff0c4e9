/* unit_norm.c - every group of weights has length 1: by default those into one unit.
 *
 * The prox of the indicator of the sphere |w| = 1: the nearest point, near as the optimizer's step
 * sizes have it (length.h); where all are equal, as under sgd, w <- w / |w|. A group of zeros has no
 * direction and stays.
 *
 * Absil, Mahony, Sepulchre, "Optimization algorithms on matrix manifolds", 2008, section 4.1.1
 * (retraction of the sphere by normalizing); Salimans and Kingma, NIPS 2016, on what lengths do. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#include "groups.h"
#include "length.h"

#define OPTIONS(P) P(ENUM, over, TN_POSITIONAL, ROWS, OVER, , OVER_MEANS)
TN_SELF(OPTIONS, )

static double TN(move)(const void *me, const tn_call *c, int64_t n, const tn_real *step,
                       tn_real *w)
{
    TN(to_length)(n, step, w, 1);
    return 0;
}

#include "group_prox.h"

TN_VTABLE(regularizer, .prox_whole = TN(prox), .scratch = TN(scratch), .constraint = 1)
TN_PLUGIN_WITH(OPTIONS, regularizer, unit_norm,
               .summary = "constraint: the weights into a unit have length 1",
               .formula = "w <- argmin over |v| = 1 of sum (v - w)^2 / (2 step);  "
                          "equal steps: w <- w / |w|",
               .reference = "Absil, Mahony, Sepulchre, Optimization algorithms on matrix "
                            "manifolds, 2008, section 4.1.1")
