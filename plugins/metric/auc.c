/* auc - area under the ROC curve: the probability that a row of a class has a larger score for it than
 * one of the others, where equal scores count half.
 *
 *     A = (sum of the ranks of the m rows of the class - m (m + 1) / 2) / (m (n - m))
 *
 * with ranks 1 to n, equal scores sharing the mean of theirs. With two classes it is that of class 1,
 * with more the mean over the classes, each against all others (scikit-learn's "ovr", macro), by
 * their probabilities. Classes of which the set has all rows or none are left out of the mean; their
 * own area is NaN. A set with a NaN among its scores has none, too. Hanley, McNeil, "The meaning and
 * use of the area under a receiver operating characteristic (ROC) curve", 1982, eq. 1; Provost,
 * Domingos, "Well-trained PETs", 2000. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>
#include <stdlib.h>

#include "truth.h"

#define OPTIONS(P)                                                                 \
    P(BOOL, per_class, 0, 0, , , "whether to give the area of each class as well") \
    TRUTH_OPTIONS(P)
TN_SELF(OPTIONS, int64_t scores; int32_t probabilities;)

/* Kept of a row: its class, then a score for each class, or one where there are two. */

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    TN(self) *self = me;
    const int64_t classes = truth_classes(tn_shape_width(&out->shape));
    self->scores = classes > 2 ? classes : 1;
    self->probabilities = out->are == TN_PROBABILITIES;
    size->kept = 1 + self->scores;
    if (self->per_class) size->rows = self->scores, size->columns = 1;
    if (self->per_class && classes == 2)
        return tn_fail(c, TN_EINVAL, "per_class: with two classes there is one area");
    return truth_check_classes(c, out, field[0]);
}

/* Of several classes log p_k = y_k - lse(y): outputs themselves would put rows in another order. */
TN_KERNEL void TN(scores)(const TN(self) * self, int64_t n, const tn_real *y,
                          double *score)
{
    double lse = 0;
    if (n < 3) {
        score[0] = n == 1 ? (double)y[0] : (double)y[1] - (double)y[0];
        return;
    }
    if (!self->probabilities) {
        const tn_real top = TN_MAX(k, n, y[k]);
        const double sum = TN_SUM(k, n, tn_exp((double)(y[k] - top)));
        lse = (double)top + tn_log(sum);
    }
    for (int64_t k = 0; k < n; k++) score[k] = (double)y[k] - lse;
}

static void TN(rows)(const void *me, const tn_tile *t, const tn_real *y,
                     const tn_field *field, double *sum, double *kept)
{
    const TN(self) *self = me;
    const int64_t n = t->width;
    for (int64_t i = 0; i < t->n / n; i++, y += n, kept += 1 + self->scores) {
        kept[0] = (double)TN(true_class)(field, i, n, self->ignore_label);
        TN(scores)(self, n, y, kept + 1);
    }
}

#ifndef AUC_ONCE
#define AUC_ONCE
static int by_score(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x == x && y == y ? (x > y) - (x < y) : (x != x) - (y != y); /* NaN last */
}

/* Of the rows from the one on whose score is `score`, which are sorted by it: how many have the same. */
static int64_t run_of(const double *row, int64_t left, int64_t size)
{
    int64_t n = 1;
    while (n < left && row[n * size] == row[0]) n++;
    return n;
}
#endif

/* Of class `class`, whose score is number `which`. Sorting needs the score in front: it changes places
 * with the class, and back. */
static void TN(swap)(double *kept, int64_t rows, int64_t size, int64_t which)
{
    for (double *row = kept; row < kept + rows * size; row += size) {
        const double score = row[which];
        row[which] = row[0], row[0] = score;
    }
}

static double TN(area)(const TN(self) * self, const tn_seen *seen, int64_t which,
                       double class)
{
    const int64_t size = 1 + self->scores;
    double *kept = seen->kept, ranks = 0, in = 0, counted = 0;
    TN(swap)(kept, seen->rows, size, which);
    qsort(kept, (size_t)seen->rows, (size_t)size * sizeof *kept, by_score);
    for (int64_t i = 0, run; i < seen->rows; i += run) {
        double there = 0, of_class = 0;
        const double *row = kept + i * size;
        run = run_of(row, seen->rows - i, size);
        for (int64_t k = 0; k < run; k++) {
            there += row[k * size + which] >= 0;
            of_class += row[k * size + which] == class;
        }
        if (there > 0 && row[0] != row[0]) in = NAN;
        ranks += of_class * (counted + (there + 1) / 2);
        counted += there, in += of_class;
    }
    TN(swap)(kept, seen->rows, size, which);
    return (ranks - in * (in + 1) / 2) / (in * (counted - in));
}

static void TN(table)(const void *me, const tn_seen *seen, double *numbers)
{
    const TN(self) *self = me;
    for (int64_t k = 0; k < self->scores; k++)
        numbers[k] = TN(area)(self, seen, 1 + k, (double)k);
}

static double TN(value)(const void *me, const tn_seen *seen)
{
    const TN(self) *self = me;
    double sum = 0, count = 0;
    if (self->scores == 1) return TN(area)(self, seen, 1, 1);
    for (int64_t k = 0; k < self->scores; k++) {
        const double area = TN(area)(self, seen, 1 + k, (double)k);
        if (area == area) sum += area, count++;
    }
    return sum / count;
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value),
          .table = TN(table))
TN_PLUGIN_WITH(OPTIONS, metric, auc, .summary = "Area under the ROC curve",
               .formula = "A = (sum of ranks of the class - m (m + 1) / 2) / (m (n - m))",
               .better = TN_BETTER_LARGER,
               .reference =
                   "Hanley, McNeil, The meaning and use of the area under a receiver "
                   "operating characteristic (ROC) curve, 1982, eq. 1")
