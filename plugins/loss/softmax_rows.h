/* softmax_rows.h - softmax of rows, in double where it adds up.
 *
 *     p_k = exp(y_k - m) / sum_j exp(y_j - m),  lse(y) = m + log sum_j exp(y_j - m),  m = max_k y_k
 *
 * Taking m away keeps every exponent at or below 0. Included once per precision, hence no guard but
 * for what stands once. */
#include <tenon/math.h>

#ifndef SOFTMAX_ROWS_ONCE
#define SOFTMAX_ROWS_ONCE
#define ROWS 64   /* that are worked on at a time */
#define NARROW 16 /* rows at most so long are taken side by side instead of one by one */
#endif

/* Of up to ROWS rows: m, sum_k exp(y_k - m), lse(y). With e: the exponentials. */
typedef struct TN(rows_state) {
    tn_real top[ROWS];
    double sum[ROWS], lse[ROWS];
} TN(rows_state);

TN_KERNEL void TN(each_row)(TN(rows_state) * r, int64_t rows, int64_t n, const tn_real *y,
                            tn_real *e)
{
    for (int64_t i = 0; i < rows; i++) {
        const tn_real *row = y + i * n, top = r->top[i] = TN_MAX(k, n, row[k]);
        if (!e)
            r->sum[i] = TN_SUM(k, n, tn_exp(row[k] - top));
        else
            for (int64_t k = 0; k < n; k++) e[i * n + k] = row[k] - top;
    }
    if (!e) return;
    for (int64_t i = 0; i < rows * n; i++) e[i] = tn_exp(e[i]);
    for (int64_t i = 0; i < rows; i++) r->sum[i] = TN_SUM(k, n, e[i * n + k]);
}

/* The same operations on vectors of rows: value k of row i is in z[k * ROWS + i]. */
TN_KERNEL void TN(side_by_side)(TN(rows_state) * r, int64_t rows, int64_t n,
                                const tn_real *y, tn_real *e)
{
    tn_real z[NARROW * ROWS], *top = r->top;
    double *sum = r->sum;
    for (int64_t i = 0; i < rows; i++) {
        top[i] = -INFINITY, sum[i] = 0;
        for (int64_t k = 0; k < n; k++) z[k * ROWS + i] = y[i * n + k];
    }
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < rows; i++)
            top[i] = z[k * ROWS + i] > top[i] ? z[k * ROWS + i] : top[i];
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < rows; i++) {
            const tn_real p = tn_exp(z[k * ROWS + i] - top[i]);
            z[k * ROWS + i] = p;
            sum[i] += (double)p;
        }
    if (!e) return;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < n; k++) e[i * n + k] = z[k * ROWS + i];
}

TN_KERNEL void TN(softmax)(TN(rows_state) * r, int64_t rows, int64_t n, const tn_real *y,
                           tn_real *e)
{
    if (n <= NARROW)
        TN(side_by_side)(r, rows, n, y, e);
    else
        TN(each_row)(r, rows, n, y, e);
    for (int64_t i = 0; i < rows; i++) r->lse[i] = (double)r->top[i] + tn_log(r->sum[i]);
}
