/* norm_row.h - layer normalization of a row of n numbers (layer_norm.c has the formulas), for
 * whoever normalizes some. The variance is taken about the mean in a second pass, so a mean far
 * from 0 costs no digits. Included once per precision, hence no guard. */
#include <tenon/math.h>

typedef struct TN(moments) {
    tn_real mean, inverse;
} TN(moments);

TN_INLINE TN(moments) TN(look)(int64_t n, const tn_real *x, double eps)
{
    const double mean = TN_SUM(j, n, (double)x[j]) / (double)n;
    const double var = TN_SUM(j, n, ((double)x[j] - mean) * ((double)x[j] - mean)) /
                       (double)n;
    return (TN(moments)){(tn_real)mean, (tn_real)(1 / sqrt(var + eps))};
}

/* What a row adds to the gradients of gamma and beta (NULL: not wanted). */
TN_INLINE void TN(add)(int64_t n, TN(moments) r, const tn_real *x, const tn_real *gy,
                       tn_real *restrict ggamma, tn_real *restrict gbeta)
{
    for (int64_t j = 0; ggamma && j < n; j++)
        ggamma[j] += gy[j] * ((x[j] - r.mean) * r.inverse);
    for (int64_t j = 0; gbeta && j < n; j++) gbeta[j] += gy[j];
}

/* gx may lie where x or gy does. */
TN_INLINE void TN(back)(int64_t n, TN(moments) r, const tn_real *x, const tn_real *gamma,
                        const tn_real *gy, tn_real *gx)
{
#define XHAT(j) ((x[j] - r.mean) * r.inverse)
#define G(j) (gamma ? gamma[j] * gy[j] : gy[j])
    const tn_real mean_g = (tn_real)(TN_SUM(j, n, (double)G(j)) / (double)n);
    const tn_real mean_gx = (tn_real)(TN_SUM(j, n, (double)(G(j) * XHAT(j))) / (double)n);
    for (int64_t j = 0; j < n; j++)
        gx[j] = r.inverse * (G(j) - mean_g - XHAT(j) * mean_gx);
#undef XHAT
#undef G
}
