/* errors.h - metrics that are the mean of an error over all elements of the set: TN(error) of an output
 * and its target. Included behind that, once per precision, hence no guard. */

static tn_status TN(infer)(void *self, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    size->sums = 2; /* of errors, of elements */
    return numbers_check(c, out, field[0], "");
}

TN_KERNEL void TN(rows)(const void *self, const tn_tile *t, const tn_real *y,
                        const tn_field *field, double *sum, double *kept)
{
    const tn_real *target = field->real;
    sum[0] += TN_SUM(i, t->n, TN(error)(y[i], target[i]));
    sum[1] += (double)t->n;
}

static double TN(value)(const void *self, const tn_seen *seen)
{
    return seen->sum[0] / seen->sum[1];
}
