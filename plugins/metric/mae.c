/* mae - mean absolute error over all elements of the set.
 *
 *     1/n sum_i |y_i - t_i|
 *
 * Willmott, Matsuura, "Advantages of the mean absolute error (MAE) over the root mean square error
 * (RMSE) in assessing average model performance", 2005, eq. 3. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>

#include "../numbers.h"

TN_INLINE double TN(error)(tn_real y, tn_real target)
{
    const double d = (double)y - (double)target;
    return fabs(d);
}

#include "errors.h"

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value))
TN_PLUGIN(metric, mae, .summary = "Mean absolute error",
          .formula = "1/n sum_i |y_i - t_i|", .better = TN_BETTER_SMALLER,
          .reference = "Willmott, Matsuura, Advantages of the mean absolute error (MAE) "
                       "over the root mean square error (RMSE), 2005, eq. 3")
