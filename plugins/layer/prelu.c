/* prelu - a rectifier whose slope to the left of zero is learned: one for all features, or one
 * for each.
 *
 *     y = x where x > 0, else a x,  dL/dx = dL/dy where x > 0, else a dL/dy
 *     dL/da = sum of x dL/dy where x <= 0
 *
 * He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, eq. 1 to 3. The gain is that
 * of leaky_relu. Slopes are not decayed (section 2.1): their role is that of a norm's scale. They
 * may become negative, so backward reads x. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include "leaky.h"

#define OPTIONS(P)                                                                     \
    P(REAL, slope, TN_POSITIONAL, 0.25, -INFINITY, INFINITY, "first value of a slope") \
    P(BOOL, per_channel, 0, 0, , , "whether each feature has a slope of its own")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    const tn_param_spec spec = {
        .name = "slope",
        .shape = {.rank = 1,
                  .dim = {self->per_channel ? tn_shape_width(&node->in[0]) : 1}},
        .role = TN_NORM,
        .along = self->per_channel ? TN_PER_COLUMN : TN_ENTIRE,
        .fill = self->slope,
        .torch = {{.name = "weight"}}};
    return c->host->param(c, &spec);
}

/* With a slope for each feature a tile is a run in one row, or whole rows. */
TN_INLINE int64_t TN(run)(const TN(self) * self, const tn_tile *t)
{
    return self->per_channel && t->n > t->width ? t->width : t->n;
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const tn_real *a = t->param[0];
    const int64_t n = TN(run)(self, t);
    for (const tn_real *end = x + t->n; x < end; x += n, y += n)
        for (int64_t j = 0; j < n; j++)
            y[j] = TN(leak)(x[j], x[j], self->per_channel ? a[j] : a[0]);
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const tn_real *a = t->param[0];
    tn_real *ga = t->gparam[0];
    const int64_t n = TN(run)(self, t);
    if (!self->per_channel)
        ga[0] += (tn_real)TN_SUM(i, n, x[i] > 0 ? 0 : (double)(x[i] * gy[i]));
    for (int64_t i = 0; i < t->n; i += n, x += n, gy += n) {
        for (int64_t j = 0; self->per_channel && j < n; j++)
            ga[j] += x[j] > 0 ? 0 : x[j] * gy[j];
        for (int64_t j = 0; gx && j < n; j++)
            gx[i + j] = TN(leak)(x[j], gy[j], self->per_channel ? a[j] : a[0]);
    }
}

static double TN(gain)(const void *me)
{
    const TN(self) *self = me;
    return TN(leaky_gain)(self->slope);
}

TN_VTABLE(layer, .kernel = TN_MAP,
          .flags = TN_NEEDS_X | TN_INPLACE | TN_COLUMNS | TN_MANY_ROWS,
          .infer = TN(infer), .forward = TN(forward), .backward = TN(backward),
          .gain = TN(gain))
TN_PLUGIN_WITH(OPTIONS, layer, prelu,
               .summary = "Rectifier with a learned slope to the left of zero",
               .formula = "y = x if x > 0, else a x",
               .reference = "He, Zhang, Ren, Sun, Delving deep into rectifiers, ICCV "
                            "2015, eq. 1 to 3",
               .gain = 1.3719886811400707, .initializer = "he", .kink_count = 1,
               .kink = {0})
