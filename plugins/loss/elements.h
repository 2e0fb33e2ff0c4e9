/* elements.h - losses that compare each output with a number: the mean over the elements of a row of
 * a function of the difference.
 *
 *     L = 1/n sum_k f(y_k - t_k),  dL/dy_k = f'(y_k - t_k) / n
 *
 * A loss defines f and f' as TN(size) and TN(slope), of a difference and of the number that
 * TN(option) makes of its options, and includes this file, once per precision, hence no guard. */
#include "../numbers.h"

static tn_status TN(infer)(void *self, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field)
{
    return numbers_check(c, out, field[0], LOSSES_OF_LABELS);
}

TN_KERNEL tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                             const tn_real *y, const tn_field *field, double *value,
                             double *weight, tn_real *gy)
{
    const int64_t n = t->width;
    const double option = TN(option)(self);
    const tn_real *target = field->real, scale = (tn_real)(1 / (double)n);
    for (int64_t i = 0; gy && i < t->n; i++)
        gy[i] = scale * TN(slope)(y[i] - target[i], (tn_real)option);
    for (int64_t i = 0; i < t->n / n; i++, y += n, target += n)
        value[i] = TN_SUM(k, n, TN(size)((double)y[k] - (double)target[k], option)) /
                   (double)n;
    return TN_OK;
}
