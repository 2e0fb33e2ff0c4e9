/* accuracy - share of rows whose predicted class is the true one.
 *
 * The prediction is the largest output of the row, the first of them where several are
 * equal. A row of one output is a logit: class 1 where it is above 0 (a probability
 * above 1/2). The truth is a label, the largest value of a target row, or, for one
 * output, whether the target is above 1/2. A row with a NaN in it is never right. */
#include <tenon/plugin.h>
#include <tenon/score.h>

static tn_status TN(infer)(void *self, tn_call *c, const tn_shape *out,
                           const tn_field_spec *const *field, int64_t *sums)
{
    const int64_t given = tn_shape_count(&field[0]->shape);
    const int64_t wanted = tn_shape_count(out) /
                           (field[0]->real ? 1 : tn_shape_width(out));
    if (given != wanted)
        return tn_fail(c, TN_ESHAPE, "each sample has %lld target values, needs %lld",
                       (long long)given, (long long)wanted);
    *sums = 2; /* right, rows */
    return TN_OK;
}

/* Class of a row of outputs or of target values; -1: none. */
static int64_t TN(class_of)(int64_t n, const tn_real *y, double threshold)
{
    int64_t best = 0;
    if (y[0] != y[0]) return -1;
    if (n == 1) return (double)y[0] > threshold;
    for (int64_t k = 1; k < n; k++) {
        if (y[k] != y[k]) return -1;
        if (y[k] > y[best]) best = k;
    }
    return best;
}

static void TN(rows)(const void *self, const tn_tile *t, const tn_real *y,
                     const tn_field *field, double *sum)
{
    const int64_t n = t->width, rows = t->n / n;
    const tn_real *target = field->real;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t truth = target ? TN(class_of)(n, target + i * n, 0.5)
                                     : field->label[i];
        sum[0] += TN(class_of)(n, y + i * n, 0) == truth;
    }
    sum[1] += (double)rows;
}

static double TN(value)(const void *self, const double *sum)
{
    return sum[0] / sum[1];
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value))
TN_PLUGIN(metric, accuracy, .summary = "Share of rows whose class is predicted right",
          .formula = "mean over rows of [argmax_k y_k = class]",
          .reference =
              "Sokolova, Lapalme, A systematic analysis of performance measures for "
              "classification tasks, 2009, table 2 (overall accuracy)")
