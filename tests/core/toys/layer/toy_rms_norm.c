/* toy_rms_norm - y_j = a_j x_j / r, r^2 = mean of x^2 over the row (Zhang, Sennrich,
 * NeurIPS 2019, eq. 4): a row kernel with parameters. */
#include <tenon/plugin.h>
#include <tgmath.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const tn_param_spec a = {.name = "a",
                             .role = TN_NORM,
                             .along = TN_PER_COLUMN,
                             .fill = 1,
                             .shape = {.rank = 1, .dim = {tn_shape_width(&node->in[0])}}};
    return c->host->param(c, &a);
}

static tn_real TN(inverse)(int64_t n, const tn_real *x)
{
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += (double)x[j] * (double)x[j];
    return (tn_real)(1 / sqrt(sum / (double)n));
}

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    const tn_real *a = t->param[0];
    for (int64_t i = 0; i < t->n; i += t->width) {
        const tn_real inverse = TN(inverse)(t->width, x + i);
        for (int64_t j = 0; j < t->width; j++) y[i + j] = a[j] * x[i + j] * inverse;
    }
}

static void TN(backward_row)(const tn_tile *t, const tn_real *x, const tn_real *gy,
                             tn_real *gx)
{
    const tn_real *a = t->param[0], inverse = TN(inverse)(t->width, x);
    tn_real *ga = t->gparam[0];
    double sum = 0;
    for (int64_t j = 0; j < t->width; j++) sum += (double)(gy[j] * a[j] * x[j] * inverse);
    const tn_real mean = (tn_real)(sum / (double)t->width);
    for (int64_t j = 0; ga && j < t->width; j++) ga[j] += gy[j] * x[j] * inverse;
    for (int64_t j = 0; gx && j < t->width; j++)
        gx[j] = inverse * (gy[j] * a[j] - x[j] * inverse * mean);
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i += t->width)
        TN(backward_row)(t, x + i, gy + i, gx ? gx + i : NULL);
}

TN_VTABLE(layer, .kernel = TN_ROW, .flags = TN_NEEDS_X, .infer = TN(infer),
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(layer, toy_rms_norm, .summary = "Rows brought to a mean square of 1",
          .formula = "y_j = a_j x_j / sqrt(mean(x^2))",
          .reference =
              "Zhang, Sennrich, Root mean square layer normalization, NeurIPS 2019, "
              "eq. 4")
