/* mae - mean absolute error over the elements of a row.
 *
 *     L = 1/n sum_k |y_k - t_k|,  dL/dy_k = sign(y_k - t_k) / n,  sign(0) = 0
 *
 * Hastie, Tibshirani, Friedman, "The elements of statistical learning", 2nd ed. 2009, section
 * 10.6. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>

TN_INLINE double TN(option)(const void *self)
{
    return 0;
}

TN_INLINE double TN(size)(double d, double option)
{
    return fabs(d);
}

TN_INLINE tn_real TN(slope)(tn_real d, tn_real option)
{
    return (tn_real)((d > 0) - (d < 0));
}

#include "elements.h"

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN(loss, mae, .summary = "Mean absolute error",
          .formula = "L = 1/n sum_k |y_k - t_k|",
          .reference = "Hastie, Tibshirani, Friedman, The elements of statistical "
                       "learning, 2nd ed. 2009, section 10.6")
