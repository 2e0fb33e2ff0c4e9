/* noisy_pool - y_c = a_c sum of the window + noise for every position and channel: a window
 * kernel that learns a parameter and draws random numbers. */
#include <tenon/plugin.h>
#include <tenon/random.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const tn_param_spec a = {.name = "a",
                             .role = TN_NORM,
                             .along = TN_PER_COLUMN,
                             .fill = 0.5,
                             .shape = {.rank = 1, .dim = {tn_shape_width(&node->in[0])}}};
    if (node->in[0].rank != 2) return tn_fail(c, TN_ESHAPE, "needs (time, channels)");
    node->axes = 1, node->window[0] = 2, node->stride[0] = 1;
    node->out.dim[0] = node->in[0].dim[0] - 1;
    return c->host->param(c, &a);
}

static void TN(take)(const void *self, const tn_tile *t, const tn_real *x, tn_real *acc)
{
    for (int64_t i = 0; i < t->n; i++) acc[i] += x[i];
}

static void TN(end)(const void *self, const tn_tile *t, int64_t taken, const tn_real *acc,
                    tn_real *y)
{
    const tn_real *a = t->param[0];
    for (int64_t i = 0; i < t->n; i++) {
        const uint64_t index = tn_tile_index(t) + (uint64_t)i;
        y[i] = a[i] * acc[i] + (tn_real)tn_random_uniform(t->key, index);
    }
}

static void TN(give)(const void *self, const tn_tile *t, int64_t taken, const tn_real *x,
                     const tn_real *y, const tn_real *gy, tn_real *seen, tn_real *gx)
{
    const tn_real *a = t->param[0];
    tn_real *ga = t->gparam[0];
    for (int64_t i = 0; i < t->n; i++) {
        if (gx) gx[i] += a[i] * gy[i];
        if (ga) ga[i] += gy[i] * x[i];
    }
}

TN_VTABLE(layer, .kernel = TN_WINDOW, .flags = TN_NEEDS_X, .infer = TN(infer),
          .take = TN(take), .end = TN(end), .give = TN(give))
TN_PLUGIN(layer, noisy_pool, .summary = "Scaled sum of each window, with noise",
          .formula = "y = a sum of x over the window + u, u uniform on (0, 1)",
          .reference = "none: a test's")
