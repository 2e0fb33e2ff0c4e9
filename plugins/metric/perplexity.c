/* perplexity - how many equally likely classes a model is as unsure between: exp of the mean cross
 * entropy of the true classes over the whole set, from logits (or log-probabilities, or
 * probabilities).
 *
 *     exp(-1/N sum_i log p(class_i))
 *
 * Without label smoothing and weights it is exp of the loss cross_entropy. Jelinek, Mercer, Bahl,
 * Baker, "Perplexity - a measure of the difficulty of speech recognition tasks", 1977. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>

#include "../loss/softmax_rows.h"
#include "truth.h"

#define OPTIONS(P) TRUTH_OPTIONS(P)
TN_SELF(OPTIONS, int32_t probabilities;)

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    TN(self) *self = me;
    self->probabilities = out->are == TN_PROBABILITIES;
    size->sums = 2; /* of -log p, of rows */
    if (tn_shape_width(&out->shape) < 2)
        return tn_fail(c, TN_ESHAPE, "needs an output for each of two classes or more");
    if (field[0]->real)
        return tn_fail(c, TN_EINVAL, "needs labels, the data has numbers");
    return truth_check(c, out, field[0]);
}

static void TN(some_rows)(const TN(self) * self, int64_t rows, int64_t n,
                          const tn_real *y, const int32_t *label, double *sum)
{
    TN(rows_state) r;
    TN(softmax)(&r, rows, n, y, NULL);
    for (int64_t i = 0; i < rows; i++, y += n) {
        if (label[i] == self->ignore_label || label[i] < 0 || label[i] >= n) continue;
        const double of_class = (double)y[label[i]];
        sum[0] += self->probabilities ? -tn_log(of_class) : r.lse[i] - of_class;
        sum[1]++;
    }
}

static void TN(rows)(const void *self, const tn_tile *t, const tn_real *y,
                     const tn_field *field, double *sum, double *kept)
{
    const int64_t n = t->width, rows = t->n / n;
    for (int64_t i = 0; i < rows; i += ROWS) TN(some_rows)
    (self, rows - i < ROWS ? rows - i : ROWS, n, y + i * n, field->label + i, sum);
}

static double TN(value)(const void *self, const tn_seen *seen)
{
    return tn_exp(seen->sum[0] / seen->sum[1]);
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, metric, perplexity,
               .summary = "exp of the mean cross-entropy of the true classes",
               .formula = "exp(-1/N sum_i log softmax(y_i)_class)",
               .better = TN_BETTER_SMALLER,
               .reference = "Jelinek, Mercer, Bahl, Baker, Perplexity - a measure of the "
                            "difficulty of speech recognition tasks, 1977")
