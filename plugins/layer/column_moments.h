/* column_moments.h - sums over rows, from which mean and variance of each column are made:
 * TN(add) and TN(merge) of a reduction over columns.
 *
 * Sums are taken of x - s with s the first value of the column in its chunk, so that a mean far
 * from 0 costs no digits; chunks are brought to one s when they are joined (Chan, Golub, LeVeque,
 * "Algorithms for computing the sample variance", 1983). Included once per precision, hence no
 * guard but for what stands once. */
#ifndef SHIFT
#define SHIFT 0 /* s */
#define COUNT 1
#define SUM 2     /* of x - s */
#define SQUARES 3 /* of its squares */
#define STRIP 16  /* columns, for which loops have a fixed length */
#endif

/* Adds a row, or four: differences from the shifts and their squares. Four are added in pairs as
 * they are, which costs no digit that counts, and only their sum as a double. */
TN_INLINE void TN(add_rows)(const tn_real *x, int four, int64_t stride, int64_t n,
                            const tn_real *shift, double *sum, double *squares)
{
    const tn_real *b = four ? x + stride : x, *c = four ? b + stride : x,
                  *d = four ? c + stride : x;
    for (int64_t j = 0; j < n; j++) {
        const tn_real s = shift[j], none = 0;
        const tn_real p = x[j] - s, q = four ? b[j] - s : none,
                      r = four ? c[j] - s : none, t = four ? d[j] - s : none;
        sum[j] += (double)((p + q) + (r + t));
        squares[j] += (double)((p * p + q * q) + (r * r + t * t));
    }
}

/* All rows of n <= STRIP columns, whose sums stay in registers meanwhile. */
TN_INLINE void TN(add_strip)(const tn_real *x, int64_t rows, int64_t stride, int64_t n,
                             const double *shift, double *sum, double *squares)
{
    tn_real s[STRIP];
    double a[STRIP], b[STRIP];
    int64_t i = 0;
    for (int64_t j = 0; j < n; j++)
        s[j] = (tn_real)shift[j], a[j] = sum[j], b[j] = squares[j];
    for (; i + 4 <= rows; i += 4) TN(add_rows)(x + i * stride, 1, stride, n, s, a, b);
    for (; i < rows; i++) TN(add_rows)(x + i * stride, 0, stride, n, s, a, b);
    for (int64_t j = 0; j < n; j++) sum[j] = a[j], squares[j] = b[j];
}

TN_KERNEL void TN(add)(const void *self, const tn_tile *t, const tn_real *x,
                       const tn_real *gy, double *const *acc)
{
    double *shift = acc[SHIFT], *count = acc[COUNT], *sum = acc[SUM],
           *squares = acc[SQUARES];
    const int64_t n = t->width, rows = t->n / n;
    for (int64_t j = 0; j < n; j++) {
        shift[j] = count[j] == 0 ? (double)x[j] : shift[j];
        count[j] += (double)rows;
    }
    int64_t j = 0;
    for (; j + STRIP <= n; j += STRIP)
        TN(add_strip)(x + j, rows, n, STRIP, shift + j, sum + j, squares + j);
    TN(add_strip)(x + j, rows, n, n - j, shift + j, sum + j, squares + j);
}

/* sum (x - s)^2 from sums about r: with e = r - s it is sum (x - r)^2 + 2 e sum (x - r) + n e^2. */
TN_KERNEL void TN(merge)(const void *self, int64_t groups, double *const *into,
                         const double *const *from)
{
    double *shift = into[SHIFT], *count = into[COUNT], *sum = into[SUM],
           *squares = into[SQUARES];
    for (int64_t j = 0; j < groups; j++) {
        shift[j] = count[j] == 0 ? from[SHIFT][j] : shift[j];
        const double n = from[COUNT][j], e = n == 0 ? 0 : from[SHIFT][j] - shift[j];
        count[j] += n;
        sum[j] += from[SUM][j] + n * e;
        squares[j] += from[SQUARES][j] + e * (2 * from[SUM][j] + n * e);
    }
}
