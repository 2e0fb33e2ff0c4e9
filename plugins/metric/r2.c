/* r2 - coefficient of determination: the share of the targets' variance that is explained, over the
 * whole set, as the mean over the outputs of a row.
 *
 *     R2 = 1 - sum_i (y_i - t_i)^2 / sum_i (t_i - mean t)^2
 *
 * 1 is perfect, 0 what the mean of the targets would reach, and there is no lower bound. Where
 * targets do not vary it is 1 for a perfect fit, else 0 (as in scikit-learn). Squares are added up about
 * the mean so far, so that a large one takes no digits away (Welford, "Note on a method for calculating
 * corrected sums of squares and products", 1962). Draper, Smith, "Applied
 * regression analysis", 3rd ed. 1998, section 1.3. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/score.h>

#include "../numbers.h"

#ifndef R2_ONCE
#define R2_ONCE
/* Of each output: squared errors; of targets how many, their mean, their squares about it. */
enum { ERRORS, COUNT, MEAN, SQUARES, SUMS };
#endif

#define OPTIONS(P)
TN_SELF(OPTIONS, int64_t width;)

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    TN(self) *self = me;
    self->width = tn_shape_width(&out->shape);
    if (self->width > 100000)
        return tn_fail(c, TN_ESHAPE, "%lld outputs a row are too many",
                       (long long)self->width);
    size->sums = SUMS * self->width;
    return numbers_check(c, out, field[0], "");
}

static void TN(rows)(const void *me, const tn_tile *t, const tn_real *y,
                     const tn_field *field, double *sum, double *kept)
{
    const tn_real *target = field->real;
    for (int64_t i = 0; i < t->n; i++) {
        double *s = sum + SUMS * (i % t->width);
        const double truth = (double)target[i], error = (double)y[i] - truth,
                     before = truth - s[MEAN];
        s[ERRORS] += error * error;
        s[MEAN] += before / ++s[COUNT];
        s[SQUARES] += before * (truth - s[MEAN]);
    }
}

static double TN(value)(const void *me, const tn_seen *seen)
{
    const TN(self) *self = me;
    double sum = 0;
    for (int64_t k = 0; k < self->width; k++) {
        const double *s = seen->sum + SUMS * k;
        sum += s[SQUARES] > 0 ? 1 - s[ERRORS] / s[SQUARES] : s[ERRORS] == 0;
    }
    return sum / (double)self->width;
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, metric, r2, .summary = "Share of the targets' variance explained",
               .formula = "R2 = 1 - sum_i (y_i - t_i)^2 / sum_i (t_i - mean t)^2",
               .better = TN_BETTER_LARGER,
               .reference = "Draper, Smith, Applied regression analysis, 3rd ed. 1998, "
                            "section 1.3")
