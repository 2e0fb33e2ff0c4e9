/* orthogonal.h - rows that are orthogonal and of length 1.
 *
 * Normal numbers are made orthogonal by Gram and Schmidt's process, in double, and again where digits
 * cancel (Daniel, Gragg, Kaufman, Stewart, Math. Comp. 30, 1976). Since it gives the R of Q R a
 * positive diagonal, all orthogonal matrices are equally likely (Mezzadri, "How to generate random
 * matrices from the classical compact groups", 2007). Included once per precision, hence no guard. */
#include <tenon/math.h>
#include <tenon/random.h>

/* Takes from v, of n numbers, what lies along the `count` rows of q; the length that is left. */
TN_KERNEL double TN(take_along)(double *v, const double *q, int64_t count, int64_t n)
{
    for (int64_t i = 0; i < count; i++) {
        const double *row = q + i * n;
        const double along = TN_SUM(j, n, row[j] * v[j]);
        for (int64_t j = 0; j < n; j++) v[j] -= along * row[j];
    }
    return sqrt(TN_SUM(j, n, v[j] * v[j]));
}

/* For a rows x cols matrix with orthogonal rows or, if there are more of them, columns: these, one
 * behind the other. Rounding shows where little of one is left: then it is done again. */
static void TN(draw)(double *q, int64_t rows, int64_t cols, tn_key key)
{
    const int64_t few = rows < cols ? rows : cols, many = rows < cols ? cols : rows;
    for (int64_t i = 0; i < few; i++) {
        double *v = q + i * many;
        for (int64_t j = 0; j < many; j++)
            v[j] = tn_random_normal(key, (uint64_t)(i * many + j));
        double before, length = TN(take_along)(v, NULL, 0, many);
        do before = length, length = TN(take_along)(v, q, i, many);
        while (length < before / 2);
        for (int64_t j = 0; j < many; j++) v[j] /= length;
    }
}

/* Element (i, j) of what was drawn. */
static double TN(drawn)(const double *q, int64_t rows, int64_t cols, int64_t i, int64_t j)
{
    return rows < cols ? q[i * cols + j] : q[j * rows + i];
}

/* Each part of a weight, such as a gate's, as a matrix of its own, with rows (or, if there are more of
 * them, columns) of length `gain`; axes behind the first count as columns. */
TN_UNUSED static tn_status TN(fill_orthogonal)(tn_call *c, const tn_param_info *info,
                                               double gain, tn_tensor *w)
{
    tn_real *value = w->data;
    if (w->rank < 2)
        return tn_fail(c, TN_EINVAL, "is no matrix; give it another initializer");
    const int64_t rows = w->dim[0] / info->parts, cols = tn_count(w) / w->dim[0];
    double *q = c->host->alloc(c, sizeof *q * (size_t)(rows * cols));
    if (!q) return TN_ENOMEM;
    for (int32_t part = 0; part < info->parts; part++, value += rows * cols) {
        TN(draw)(q, rows, cols, tn_key_derive(info->key, (uint64_t)part, 0));
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++)
                value[i * cols + j] = (tn_real)(gain * TN(drawn)(q, rows, cols, i, j));
    }
    c->host->release(c, q);
    return TN_OK;
}
