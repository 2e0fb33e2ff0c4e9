/* min_max_norm.c - the length of every group of weights lies between two bounds: by default of those
 * into one unit.
 *
 * The prox of the indicator of {min <= |w| <= max}: a group that a step leaves shorter or longer goes
 * to the nearest point, near as the optimizer's step sizes have it (length.h); where all are equal, as
 * under sgd, w <- w min / |w| or w max / |w|. A group of zeros has no direction and stays.
 *
 * As Keras's MinMaxNorm with rate 1; Srivastava et al., "Dropout", JMLR 15 (2014), section 5.1, for the
 * upper bound. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#include "groups.h"
#include "length.h"

#define OPTIONS(P)                                           \
    P(REAL, min, 0, 0, 0, INFINITY, "length at least")       \
    P(REAL, max, TN_ABOVE, 1, 0, INFINITY, "length at most") \
    P(ENUM, over, 0, ROWS, OVER, , OVER_MEANS)
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->min > self->max)
        return tn_fail(c, TN_EINVAL, "min (%g) is above max (%g)", self->min, self->max);
    return TN_OK;
}

static double TN(move)(const void *me, const tn_call *c, int64_t n, const tn_real *step,
                       tn_real *w)
{
    const TN(self) *self = me;
    const double length = TN(length)(n, w);
    if (length > self->max) TN(to_length)(n, step, w, self->max);
    if (length < self->min) TN(to_length)(n, step, w, self->min);
    return 0;
}

#include "group_prox.h"

TN_VTABLE(regularizer, .check = TN(check), .prox_whole = TN(prox), .scratch = TN(scratch),
          .constraint = 1)
TN_PLUGIN_WITH(OPTIONS, regularizer, min_max_norm,
               .summary = "constraint: bounds of the length of the weights into a unit",
               .formula =
                   "w <- argmin over min <= |v| <= max of sum (v - w)^2 / (2 step);  "
                   "equal steps: w <- w clamp(|w|, min, max) / |w|",
               .reference = "Keras, constraints.MinMaxNorm; Srivastava et al., JMLR 15 "
                            "(2014), section 5.1")
