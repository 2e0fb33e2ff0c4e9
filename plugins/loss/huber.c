/* huber - squared for small errors, absolute for large ones, as the mean over the elements of a row.
 *
 *     L = 1/n sum_k f(y_k - t_k),  f(d) = d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2)
 *     dL/dy_k = min(max(y_k - t_k, -delta), delta) / n
 *
 * Divided by delta it is PyTorch's smooth L1. Huber, "Robust estimation of a location parameter",
 * 1964, section 3. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>

#define OPTIONS(P)                                           \
    P(REAL, delta, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY, \
      "size of the error from which on it counts in proportion")
TN_SELF(OPTIONS, )

TN_INLINE double TN(option)(const void *me)
{
    return ((const TN(self) *)me)->delta;
}

TN_INLINE double TN(size)(double d, double delta)
{
    const double a = fabs(d), near = a < delta ? a : delta;
    return near * (a - near / 2);
}

TN_INLINE tn_real TN(slope)(tn_real d, tn_real delta)
{
    const tn_real below = d < delta ? d : delta;
    return below > -delta ? below : -delta;
}

#include "elements.h"

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(OPTIONS, loss, huber, .summary = "Squared error near 0, absolute far out",
               .formula =
                   "L = 1/n sum_k f(y_k - t_k), f(d) = d^2 / 2 where |d| <= delta, "
                   "else delta (|d| - delta / 2)",
               .reference = "Huber, Robust estimation of a location parameter, 1964, "
                            "section 3")
