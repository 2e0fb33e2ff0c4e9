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
#include <tenon/math.h>

#ifndef BLOCK
#define BLOCK 256 /* elements that are worked on at a time */
#endif

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

/* Losses and gradients of n elements of rows of `width`; exp(-|y|) stands in loss on the
 * way. */
TN_KERNEL void TN(elements)(int64_t n, int64_t width, const tn_real *y,
                            const double *target, double *loss, tn_real *gy)
{
    const double scale = 1 / (double)width;
    for (int64_t i = 0; i < n; i++) loss[i] = tn_exp(-fabs((double)y[i]));
    for (int64_t i = 0; gy && i < n; i++) {
        const double e = loss[i], sigmoid = (y[i] < 0 ? e : 1) / (1 + e);
        gy[i] = (tn_real)(scale * (sigmoid - target[i]));
    }
    for (int64_t i = 0; i < n; i++) {
        const double z = (double)y[i], above = z > 0 ? z : 0;
        loss[i] = scale * (above - z * target[i] + tn_log1p(loss[i]));
    }
}

/* Elements first .. first + n - 1; the number of the first that is no target, or n. */
static int64_t TN(targets)(const tn_field *field, int64_t first, int64_t n,
                           double *target)
{
    const tn_real *real = field->real;
    for (int64_t i = 0; i < n; i++) {
        target[i] = real ? (double)real[first + i] : (double)field->label[first + i];
        if (!real && target[i] != 0 && target[i] != 1) return i;
    }
    return n;
}

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    double target[BLOCK], loss[BLOCK];
    int64_t row = 0, column = 0;
    for (int64_t first = 0; first < t->n; first += BLOCK) {
        const int64_t n = t->n - first < BLOCK ? t->n - first : BLOCK;
        const int64_t good = TN(targets)(field, first, n, target);
        if (good < n)
            return tn_fail(c, TN_EINVAL, "label %d of row %lld is neither 0 nor 1",
                           field->label[first + good],
                           (long long)(t->row + (first + good) / t->width));
        TN(elements)(n, t->width, y + first, target, loss, gy ? gy + first : NULL);
        for (int64_t i = 0; i < n; i++) {
            value[row] = column ? value[row] + loss[i] : loss[i];
            if (++column == t->width) row++, column = 0;
        }
    }
    return TN_OK;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN(
    loss, binary_cross_entropy, .summary = "Cross-entropy of yes or no, from logits",
    .formula = "L = 1/n sum_k (max(y_k, 0) - y_k t_k + log(1 + exp(-|y_k|)))",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section 6.2.2.2")
