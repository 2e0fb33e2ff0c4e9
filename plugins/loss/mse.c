/* mse - mean squared error over the elements of a row.
 *
 *     L = 1/n sum_k (y_k - t_k)^2,  dL/dy_k = 2 (y_k - t_k) / n
 *
 * Without the factor 1/2 that some texts have. Goodfellow, Bengio, Courville, "Deep
 * learning", 2016, section 5.1.4. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>

TN_INLINE double TN(option)(const void *self)
{
    return 0;
}

TN_INLINE double TN(size)(double d, double option)
{
    return d * d;
}

TN_INLINE tn_real TN(slope)(tn_real d, tn_real option)
{
    return 2 * d;
}

#include "elements.h"

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN(
    loss, mse, .summary = "Mean squared error", .formula = "L = 1/n sum_k (y_k - t_k)^2",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section 5.1.4")
