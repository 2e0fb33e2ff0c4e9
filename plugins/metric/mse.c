/* mse - mean squared error over all elements of the set.
 *
 *     1/n sum_i (y_i - t_i)^2
 *
 * Goodfellow, Bengio, Courville, "Deep learning", 2016, section 5.1.4. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>

#include "../numbers.h"

TN_INLINE double TN(error)(tn_real y, tn_real target)
{
    const double d = (double)y - (double)target;
    return d * d;
}

#include "errors.h"

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value))
TN_PLUGIN(
    metric, mse, .summary = "Mean squared error", .formula = "1/n sum_i (y_i - t_i)^2",
    .better = TN_BETTER_SMALLER,
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section 5.1.4")
