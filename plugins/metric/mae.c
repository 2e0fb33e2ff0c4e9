/* mae - mean absolute error over all elements of the set.
 *
 *     1/n sum_i |y_i - t_i|
 *
 * Willmott, Matsuura, "Advantages of the mean absolute error (MAE) over the root mean square error
 * (RMSE) in assessing average model performance", 2005, eq. 3. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>

#include "numbers.h"

static tn_status TN(infer)(void *self, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    size->sums = 2; /* of errors, of elements */
    return numbers_check(c, out, field[0]);
}

TN_INLINE double TN(error)(tn_real y, tn_real target)
{
    const double d = (double)y - (double)target;
    return fabs(d);
}

TN_KERNEL void TN(rows)(const void *self, const tn_tile *t, const tn_real *y,
                        const tn_field *field, double *sum, double *kept)
{
    const tn_real *target = field->real;
    sum[0] += TN_SUM(i, t->n, TN(error)(y[i], target[i]));
    sum[1] += (double)t->n;
}

static double TN(value)(const void *self, const tn_seen *seen)
{
    return seen->sum[0] / seen->sum[1];
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value))
TN_PLUGIN(metric, mae, .summary = "Mean absolute error",
          .formula = "1/n sum_i |y_i - t_i|",
          .reference = "Willmott, Matsuura, Advantages of the mean absolute error (MAE) "
                       "over the root mean square error (RMSE), 2005, eq. 3")
