/* linear - L = sum_k t_k y_k: with random targets, the scalar whose gradients are
 * checked. */
#include <tenon/plugin.h>
#include <tenon/score.h>

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    const tn_real *target = field->real;
    for (int64_t i = 0; i < t->n; i++) {
        if (i % t->width == 0) value[i / t->width] = 0;
        value[i / t->width] += (double)target[i] * (double)y[i];
        if (gy) gy[i] = target[i];
    }
    return TN_OK;
}

TN_VTABLE(loss, .rows = TN(rows))
TN_PLUGIN(loss, linear, .summary = "Weighted sum of the outputs",
          .formula = "L = sum_k t_k y_k", .reference = "none: a test's")
