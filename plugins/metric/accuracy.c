/* accuracy - share of rows whose predicted class is the true one. A row with a NaN in it is never
 * right. Where the loss asks several questions of yes or no a row, each is counted as a row of one
 * output is: the share of answers that are right. Sokolova, Lapalme, "A systematic analysis of
 * performance measures for classification tasks", 2009, table 2. */
#include <tenon/plugin.h>
#include <tenon/score.h>

#include "truth.h"

#define OPTIONS(P) TRUTH_OPTIONS(P)
TN_SELF(OPTIONS, double threshold; int32_t answers;)

enum { TN(RIGHT), TN(ROWS), TN(SUMS) };

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    TN(self) *self = me;
    self->threshold = truth_threshold(out);
    self->answers = truth_answers(out, field[0]);
    size->sums = TN(SUMS);
    return truth_check(c, out, field[0]);
}

static void TN(rows)(const void *me, const tn_tile *t, const tn_real *y,
                     const tn_field *field, double *sum, double *kept)
{
    const TN(self) *self = me;
    const int64_t n = self->answers ? 1 : t->width;
    for (int64_t i = 0; i < t->n / n; i++, y += n) {
        const int64_t truth = TN(true_class)(field, i, n, self->ignore_label);
        if (truth == TRUTH_IGNORED) continue;
        sum[TN(RIGHT)] += truth == TN(class_of)(n, y, self->threshold);
        sum[TN(ROWS)]++;
    }
}

static double TN(value)(const void *self, const tn_seen *seen)
{
    return seen->sum[TN(RIGHT)] / seen->sum[TN(ROWS)];
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value))
TN_PLUGIN_WITH(
    OPTIONS, metric, accuracy, .summary = "Share of rows whose class is predicted right",
    .formula = "mean over rows of [argmax_k y_k = class]", .better = TN_BETTER_LARGER,
    .reference = "Sokolova, Lapalme, A systematic analysis of performance measures for "
                 "classification tasks, 2009, table 2 (overall accuracy)")
