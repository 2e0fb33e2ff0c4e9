/* shares.h - rows of targets that are distributions over the classes: shares from 0 up with the sum 1.
 * Included once per precision, hence no guard but for what stands once. */
#include <tenon/math.h>

#ifndef LOSS_SHARES_ONCE
#define LOSS_SHARES_ONCE
#define ROUNDING 1e-3 /* no more than that is off by rounding */
#endif

/* All rows of a tile but those of weight 0; an error names the first that is none. */
TN_KERNEL tn_status TN(check_shares)(tn_call *c, const tn_tile *t, const tn_real *q,
                                     const double *weight)
{
    const int64_t n = t->width;
    for (int64_t i = 0; i < t->n / n; i++, q += n) {
        const double sum = TN_SUM(k, n, (double)q[k]),
                     below = (double)TN_MAX(k, n, -q[k]);
        if (weight[i] == 0 || (below <= ROUNDING && fabs(sum - 1) <= ROUNDING)) continue;
        if (below > ROUNDING)
            return tn_fail(c, TN_EINVAL,
                           "target value %g of row %lld is below 0; targets are "
                           "distributions",
                           -below, (long long)(t->row + i));
        return tn_fail(
            c, TN_EINVAL,
            "the target values of row %lld add up to %g, not to 1; targets are "
            "distributions over the classes (for answers yes or no to several "
            "questions use binary_cross_entropy)",
            (long long)(t->row + i), sum);
    }
    return TN_OK;
}
