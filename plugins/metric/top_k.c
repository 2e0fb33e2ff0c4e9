/* top_k - share of rows whose true class is among the k largest outputs.
 *
 * Of equal outputs earlier ones count as larger, so top_k: 1 is accuracy. A row with a NaN in it is
 * never right. Russakovsky et al., "ImageNet large scale visual recognition challenge", 2015,
 * section 4.1 (its error is 1 less this). */
#include <tenon/plugin.h>
#include <tenon/score.h>

#include "truth.h"

#define OPTIONS(P)                                                                     \
    P(INT, k, TN_POSITIONAL, 5, 1, INT32_MAX, "how many of the largest are looked at") \
    TRUTH_OPTIONS(P)
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field, tn_metric_size *size)
{
    const TN(self) *self = me;
    const int64_t classes = tn_shape_width(&out->shape);
    size->sums = 2; /* right, rows */
    if (self->k >= classes)
        return tn_fail(c, TN_EINVAL,
                       "k: %lld of %lld outputs are always right; k must be less",
                       (long long)self->k, (long long)classes);
    return truth_check_classes(c, out, field[0]);
}

/* How many outputs are in front of the true one; n where there is a NaN. */
static int64_t TN(ahead)(int64_t n, const tn_real *y, int64_t truth)
{
    int64_t ahead = 0;
    for (int64_t k = 0; k < n; k++) {
        if (y[k] != y[k]) return n;
        ahead += y[k] > y[truth] || (y[k] == y[truth] && k < truth);
    }
    return ahead;
}

static void TN(rows)(const void *me, const tn_tile *t, const tn_real *y,
                     const tn_field *field, double *sum, double *kept)
{
    const TN(self) *self = me;
    const int64_t n = t->width;
    for (int64_t i = 0; i < t->n / n; i++, y += n) {
        const int64_t truth = TN(true_class)(field, i, n, self->ignore_label);
        if (truth == TRUTH_IGNORED) continue;
        sum[0] += truth >= 0 && TN(ahead)(n, y, truth) < self->k;
        sum[1]++;
    }
}

static double TN(value)(const void *self, const tn_seen *seen)
{
    return seen->sum[0] / seen->sum[1];
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, metric, top_k,
               .summary = "Share of rows whose class is among the k largest outputs",
               .formula = "mean over rows of [fewer than k outputs are ahead of y_class]",
               .better = TN_BETTER_LARGER,
               .reference = "Russakovsky et al., ImageNet large scale visual recognition "
                            "challenge, 2015, section 4.1")
