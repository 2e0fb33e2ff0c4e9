/* counts.h - what precision, recall and f1 share: of each class the rows that are it (TRUE), that are
 * taken for it (TAKEN), and both (HIT), over the whole set.
 *
 *     precision = hit / taken,  recall = hit / true,  f1 = 2 hit / (true + taken)
 *
 *     macro     mean over the classes that are there or predicted
 *     micro     of the sums over the classes: all three are the accuracy then
 *     weighted  mean over the classes by how many rows are of them
 *     binary    of class 1 alone
 *
 * A quotient 0 / 0 counts as 0. Both are scikit-learn's defaults. A row with a NaN in it is taken for no
 * class. Sokolova, Lapalme, "A systematic analysis of performance measures for classification tasks",
 * 2009, tables 2 and 3. A metric defines TN(share) and includes this file, once per precision, hence no
 * guard but for what stands once. */
#include "truth.h"

#ifndef METRIC_COUNTS_ONCE
#define METRIC_COUNTS_ONCE
enum { HIT, TRUE, TAKEN, COUNTS };
enum { MACRO, MICRO, WEIGHTED, BINARY };

static inline double share_of(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}
#endif

#define OPTIONS(P)                                                                   \
    P(ENUM, average, TN_POSITIONAL, MACRO, "macro|micro|weighted|binary", ,          \
      "over classes: their mean; of all rows together; their mean by rows; class 1 " \
      "alone")                                                                       \
    P(BOOL, per_class, 0, 0, , , "whether to give the value of each class as well")  \
    TRUTH_OPTIONS(P)
TN_SELF(OPTIONS, double threshold; int64_t classes;)

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    TN(self) *self = me;
    self->threshold = truth_threshold(out);
    self->classes = truth_classes(tn_shape_width(&out->shape));
    size->sums = COUNTS * self->classes;
    if (self->per_class) size->rows = self->classes, size->columns = 1;
    if (self->average == BINARY && self->classes > 2)
        return tn_fail(c, TN_EINVAL,
                       "average: binary is for two classes, there are %lld; macro, micro "
                       "and weighted are for more",
                       (long long)self->classes);
    return truth_check_classes(c, out, field[0]);
}

static void TN(rows)(const void *me, const tn_tile *t, const tn_real *y,
                     const tn_field *field, double *sum, double *kept)
{
    const TN(self) *self = me;
    const int64_t n = t->width;
    for (int64_t i = 0; i < t->n / n; i++, y += n) {
        const int64_t truth = TN(true_class)(field, i, n, self->ignore_label);
        const int64_t taken = TN(class_of)(n, y, self->threshold);
        if (truth < 0) continue;
        sum[COUNTS * truth + TRUE]++;
        if (taken >= 0) sum[COUNTS * taken + TAKEN]++;
        if (taken == truth) sum[COUNTS * truth + HIT]++;
    }
}

static void TN(table)(const void *me, const tn_seen *seen, double *numbers)
{
    const TN(self) *self = me;
    for (int64_t k = 0; k < self->classes; k++)
        numbers[k] = TN(share)(seen->sum + COUNTS * k);
}

static double TN(value)(const void *me, const tn_seen *seen)
{
    const TN(self) *self = me;
    double all[COUNTS] = {0}, sum = 0, weighted = 0, classes = 0;
    for (int64_t k = 0; k < self->classes; k++) {
        const double *count = seen->sum + COUNTS * k, value = TN(share)(count);
        for (int i = 0; i < COUNTS; i++) all[i] += count[i];
        classes += count[TRUE] + count[TAKEN] > 0;
        sum += value;
        weighted += value * count[TRUE];
    }
    switch (self->average) {
    case MACRO: return share_of(sum, classes);
    case MICRO: return TN(share)(all);
    case WEIGHTED: return share_of(weighted, all[TRUE]);
    default: return TN(share)(seen->sum + COUNTS);
    }
}
