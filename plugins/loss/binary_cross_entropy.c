/* binary_cross_entropy - of probabilities sigmoid(y) against targets in 0 .. 1, from
 * logits y, as the mean over the elements of a row.
 *
 *     L = 1/n sum_k (max(y_k, 0) - y_k t_k + log(1 + exp(-|y_k|)))
 *     dL/dy_k = (sigmoid(y_k) - t_k) / n
 *
 * which is -t log p - (1 - t) log(1 - p) with no exponential that can overflow and no
 * log of 0. Targets are labels 0 and 1, or numbers. Goodfellow, Bengio, Courville,
 * "Deep learning", 2016, section 6.2.2.2. */
#include <tenon/plugin.h>
#include <tenon/score.h>
#include <tgmath.h>

static tn_status TN(infer)(void *self, tn_call *c, const tn_shape *out,
                           const tn_field_spec *const *field)
{
    const int64_t given = tn_shape_count(&field[0]->shape), wanted = tn_shape_count(out);
    if (!field[0]->real && field[0]->classes > 2)
        return tn_fail(c, TN_EINVAL,
                       "needs labels 0 and 1, the data has %d classes; for them "
                       "use cross_entropy",
                       field[0]->classes);
    if (given != wanted)
        return tn_fail(c, TN_ESHAPE,
                       "each sample has %lld target values but the model has "
                       "%lld outputs",
                       (long long)given, (long long)wanted);
    return TN_OK;
}

static double TN(element)(tn_real y, double target, double n, tn_real *gy)
{
    const double z = (double)y, e = exp(-fabs(z));
    if (gy) *gy = (tn_real)(((z < 0 ? e : 1) / (1 + e) - target) / n);
    return ((z > 0 ? z : 0) - z * target + log1p(e)) / n;
}

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    const tn_real *real = field->real;
    for (int64_t i = 0; i < t->n; i++) {
        if (!real && (field->label[i] < 0 || field->label[i] > 1))
            return tn_fail(c, TN_EINVAL, "label %d of row %lld is neither 0 nor 1",
                           field->label[i], (long long)(t->row + i / t->width));
        const double target = real ? (double)real[i] : (double)field->label[i];
        double *sum = value + i / t->width;
        if (i % t->width == 0) *sum = 0;
        *sum += TN(element)(y[i], target, (double)t->width, gy ? gy + i : NULL);
    }
    return TN_OK;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN(
    loss, binary_cross_entropy, .summary = "Cross-entropy of yes or no, from logits",
    .formula = "L = 1/n sum_k (max(y_k, 0) - y_k t_k + log(1 + exp(-|y_k|)))",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section 6.2.2.2")
