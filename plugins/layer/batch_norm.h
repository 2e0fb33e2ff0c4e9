/* batch_norm.h - batch_norm's loops over columns next to each other: their values, the sums that
 * their gradients need, the gradients (batch_norm.c has the formulas). Included once per
 * precision, hence no guard but for what stands once. */
#include "column_moments.h"

#ifndef BLOCK
#define BLOCK 256 /* columns whose 1 / sqrt(var + eps) is made at a time */
#endif

/* What columns `first` .. of a tile, up to BLOCK, are normalised by. */
typedef struct TN(block) {
    int64_t n;
    const tn_real *mean, *inverse, *gamma, *beta;
    /* For what is nowhere else: 1 / sqrt of running variances, ones, zeros. */
    tn_real spread[BLOCK], one[BLOCK], zero[BLOCK];
} TN(block);

/* n <= STRIP elements of a row, from column j of the block on. */
TN_INLINE void TN(forward_strip)(const TN(block) * b, int64_t j, int64_t n,
                                 const tn_real *x, tn_real *y)
{
    const tn_real *mean = b->mean + j, *inverse = b->inverse + j, *gamma = b->gamma + j,
                  *beta = b->beta + j;
    tn_real made[STRIP]; /* y may be x */
    for (int64_t i = 0; i < n; i++)
        made[i] = gamma[i] * ((x[i] - mean[i]) * inverse[i]) + beta[i];
    for (int64_t i = 0; i < n; i++) y[i] = made[i];
}

/* Adds gy and gy xhat of a row, or of four. */
TN_INLINE void TN(back_add_rows)(const tn_real *x, const tn_real *gy, int four,
                                 int64_t stride, int64_t n, const tn_real *mean,
                                 const tn_real *inverse, double *sum, double *sum_x)
{
    const int64_t b = four ? stride : 0, c = 2 * b, d = 3 * b;
    for (int64_t j = 0; j < n; j++) {
        const tn_real m = mean[j], none = 0;
        const tn_real p = gy[j], q = four ? gy[b + j] : none, r = four ? gy[c + j] : none,
                      t = four ? gy[d + j] : none;
        const tn_real of_two = p * (x[j] - m) + q * (x[b + j] - m),
                      of_more = r * (x[c + j] - m) + t * (x[d + j] - m);
        sum[j] += (double)((p + q) + (r + t));
        sum_x[j] += (double)((of_two + of_more) * inverse[j]);
    }
}

/* All rows of n columns. */
TN_INLINE void TN(back_add_strip)(int64_t rows, int64_t stride, int64_t n,
                                  const tn_real *x, const tn_real *gy,
                                  const tn_real *mean, const tn_real *inverse,
                                  double *sum, double *sum_x)
{
    double a[BLOCK], b[BLOCK];
    int64_t i = 0;
    for (int64_t j = 0; j < n; j++) a[j] = sum[j], b[j] = sum_x[j];
    for (; i + 4 <= rows; i += 4, x += 4 * stride, gy += 4 * stride)
        TN(back_add_rows)(x, gy, 1, stride, n, mean, inverse, a, b);
    for (; i < rows; i++, x += stride, gy += stride)
        TN(back_add_rows)(x, gy, 0, stride, n, mean, inverse, a, b);
    for (int64_t j = 0; j < n; j++) sum[j] = a[j], sum_x[j] = b[j];
}

/* What the gradient of a block is made of beside what its values are. */
typedef struct TN(back_block) {
    TN(block) at;
    tn_real factor[BLOCK], mean_g[BLOCK], mean_gx[BLOCK];
} TN(back_block);

TN_INLINE void TN(backward_strip)(const TN(back_block) * b, int64_t j, int64_t n,
                                  const tn_real *x, const tn_real *gy, tn_real *gx)
{
    const tn_real *mean = b->at.mean + j, *inverse = b->at.inverse + j;
    const tn_real *mean_g = b->mean_g + j, *mean_gx = b->mean_gx + j;
    tn_real made[STRIP]; /* gx may be gy */
    for (int64_t i = 0; i < n; i++) {
        const tn_real xhat = (x[i] - mean[i]) * inverse[i];
        made[i] = b->factor[j + i] * (gy[i] - (mean_g[i] + xhat * mean_gx[i]));
    }
    for (int64_t i = 0; i < n; i++) gx[i] = made[i];
}
