/* kl_divergence - of softmax(y) from a distribution q, from logits y.
 *
 *     L = sum_k q_k (log q_k - log p_k) = sum_k q_k (log q_k + lse(y) - y_k),  p = softmax(y)
 *     dL/dy_k = p_k sum_j q_j - q_k
 *
 * That is cross_entropy less the entropy of q: the same gradient, and 0 where p = q. It is PyTorch's
 * kl_div of log_softmax(y) with reduction "batchmean"; behind log_softmax, too, as that changes
 * nothing in what it has made. Kullback, Leibler, "On information and sufficiency", 1951, eq. 2.4. */
#include <tenon/plugin.h>
#include <tenon/score.h>
#include <tenon/math.h>

#include "classes.h"
#include "shares.h"
#include "softmax_rows.h"

static tn_status TN(infer)(void *self, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field)
{
    const tn_status status = logits_check(c, out, "softmax");
    if (status) return status;
    if (!field[0]->real)
        return tn_fail(c, TN_EINVAL,
                       "needs targets that are distributions, the data has labels; for "
                       "labels use cross_entropy");
    return classes_check(c, out, field[0], TN_UNSET_INT);
}

TN_INLINE double TN(row)(int64_t n, const tn_real *y, const tn_real *q, double lse,
                         double sum, tn_real *gy)
{
    const double total = TN_SUM(k, n, (double)q[k]);
    double value = 0;
    for (int64_t k = 0; k < n; k++) /* 0 log 0 is 0 */
        if (q[k] > 0)
            value += (double)q[k] * (tn_log((double)q[k]) + (lse - (double)y[k]));
    for (int64_t k = 0; gy && k < n; k++)
        gy[k] = (tn_real)(gy[k] * (total / sum) - (double)q[k]);
    return value;
}

TN_KERNEL void TN(some_rows)(int64_t rows, int64_t n, const tn_real *y, const tn_real *q,
                             double *value, tn_real *gy)
{
    TN(rows_state) r;
    TN(softmax)(&r, rows, n, y, gy);
    for (int64_t i = 0; i < rows; i++)
        value[i] = TN(row)(n, y + i * n, q + i * n, r.lse[i], r.sum[i],
                           gy ? gy + i * n : NULL);
}

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    const int64_t n = t->width, rows = t->n / n;
    const tn_real *q = field->real;
    const tn_status status = TN(check_shares)(c, t, q, weight);
    for (int64_t i = 0; !status && i < rows; i += ROWS) TN(some_rows)
    (rows - i < ROWS ? rows - i : ROWS, n, y + i * n, q + i * n, value + i,
     gy ? gy + i * n : NULL);
    return status;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN(loss, kl_divergence,
          .summary = "Kullback-Leibler divergence from target distributions, from logits",
          .formula = "L = sum_k q_k (log q_k - log softmax(y)_k)",
          .reference = "Kullback, Leibler, On information and sufficiency, 1951, eq. 2.4")
