/* truth.h - what metrics of classes share: which class a row is of, and which one is predicted.
 *
 * The prediction is the largest output of the row, the first of them where several are equal. A row
 * of one output tells two classes apart: it is of class 1 above 0, or above 1/2 where it is a
 * probability. The truth is a label, the largest value of a target row, or, for one output, whether
 * the target is above 1/2. */
#ifndef METRIC_TRUTH_H
#define METRIC_TRUTH_H

#include <tenon/plugin.h>
#include <tenon/score.h>

enum {
    TRUTH_IGNORED = -1, /* the row does not count */
    TRUTH_UNKNOWN =
        -2 /* there is a NaN in the target, or the label is that of no output */
};

/* Of all metrics of classes. */
#define TRUTH_OPTIONS(P)                               \
    P(INT, ignore_label, TN_OPTIONAL, 0, 0, INT32_MAX, \
      "label of rows that do not count, such as padding")

/* Whether each number of a row answers a question of its own, so that a row has no class. */
static inline int truth_answers(const tn_outputs *out, const tn_field_spec *target)
{
    return out->questions && target->real && tn_shape_width(&out->shape) > 1;
}

static inline tn_status truth_check(tn_call *c, const tn_outputs *out,
                                    const tn_field_spec *target)
{
    const int64_t given = tn_shape_count(&target->shape);
    const int64_t wanted = tn_shape_count(&out->shape) /
                           (target->real ? 1 : tn_shape_width(&out->shape));
    if (given != wanted)
        return tn_fail(c, TN_ESHAPE, "each sample has %lld target values, needs %lld",
                       (long long)given, (long long)wanted);
    return TN_OK;
}

/* Of metrics that are of one class a row. */
static inline tn_status truth_check_classes(tn_call *c, const tn_outputs *out,
                                            const tn_field_spec *target)
{
    if (!truth_answers(out, target)) return truth_check(c, out, target);
    return tn_fail(
        c, TN_EINVAL,
        "compares classes, one a row, but here each row answers %lld questions "
        "of yes or no; of these there is accuracy",
        (long long)tn_shape_width(&out->shape));
}

/* Classes that a row of outputs tells apart. */
static inline int64_t truth_classes(int64_t width)
{
    return width > 1 ? width : 2;
}

/* Above which one output means class 1. */
static inline double truth_threshold(const tn_outputs *out)
{
    return out->are == TN_PROBABILITIES       ? 0.5
           : out->are == TN_LOG_PROBABILITIES ? -0.6931471805599453
                                              : 0;
}

#endif

/* ---- once per precision ------------------------------------------------------------ */

/* Class of a row of outputs or of target values; -1: none, there is a NaN in it. */
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

/* True class of row i of n outputs, or one of the below. */
static inline int64_t TN(true_class)(const tn_field *field, int64_t i, int64_t n,
                                     int64_t ignored)
{
    const tn_real *target = field->real;
    const int64_t label = target ? TN(class_of)(n, target + i * n, 0.5) : field->label[i];
    if (label == ignored) return TRUTH_IGNORED;
    return label < 0 || label >= truth_classes(n) ? TRUTH_UNKNOWN : label;
}
