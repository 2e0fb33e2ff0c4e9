/* confusion_matrix - how many rows of each class (row) are taken for each class (column).
 *
 * A row with a NaN in it is taken for none. Stehman, "Selecting and interpreting measures of thematic
 * classification accuracy", 1997, table 1. */
#include <tenon/plugin.h>
#include <tenon/score.h>
#include <string.h>

#include "truth.h"

#define OPTIONS(P) TRUTH_OPTIONS(P)
TN_SELF(OPTIONS, double threshold; int64_t classes;)

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    TN(self) *self = me;
    self->threshold = truth_threshold(out);
    self->classes = truth_classes(tn_shape_width(&out->shape));
    size->rows = size->columns = self->classes;
    if (self->classes > 100)
        return tn_fail(c, TN_EINVAL,
                       "%lld classes make a table that nobody can read; it is for 100 at "
                       "most, recall and precision with per_class for more",
                       (long long)self->classes);
    size->sums = self->classes * self->classes;
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
        if (truth >= 0 && taken >= 0) sum[truth * self->classes + taken]++;
    }
}

static void TN(table)(const void *me, const tn_seen *seen, double *numbers)
{
    const TN(self) *self = me;
    memcpy(numbers, seen->sum, (size_t)(self->classes * self->classes) * sizeof *numbers);
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .table = TN(table))
TN_PLUGIN_WITH(OPTIONS, metric, confusion_matrix,
               .summary = "How many rows of each class are taken for which",
               .formula = "C[i][j] = rows of class i whose largest output is j",
               .reference = "Stehman, Selecting and interpreting measures of thematic "
                            "classification accuracy, 1997, table 1")
