/* running_sum - y_j = sum of x_i^2 for i <= j along a sample: whole, with its own
 * loops and a cache, and without a product. */
#include <tenon/plugin.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    node->cache = sizeof(tn_real);
    return TN_OK;
}

static tn_status TN(run)(const void *self, tn_call *c, const tn_io *io)
{
    const int64_t samples = io->in[0]->dim[0], n = tn_count(io->in[0]) / samples;
    const tn_real *x = io->in[0]->data;
    tn_real *y = io->out->data, *factor = io->cache;
    for (int64_t s = 0; s < samples; s++) factor[s] = 2; /* what backward must remember */
    for (int64_t i = 0; i < samples * n; i++) y[i] = (i % n ? y[i - 1] : 0) + x[i] * x[i];
    return TN_OK;
}

static tn_status TN(run_back)(const void *self, tn_call *c, const tn_io *io)
{
    const int64_t samples = io->in[0]->dim[0], n = tn_count(io->in[0]) / samples;
    const tn_real *x = io->in[0]->data, *gy = io->gout->data, *factor = io->cache;
    if (!io->gin[0]) return TN_OK;
    tn_real *gx = io->gin[0]->data, sum = 0;
    for (int64_t i = samples * n; i-- > 0;) {
        sum = gy[i] + (i % n == n - 1 ? 0 : sum);
        gx[i] = factor[i / n] * x[i] * sum;
    }
    return TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X, .infer = TN(infer),
          .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN(layer, running_sum, .summary = "Running sum of squares along a sample",
          .formula = "y_j = sum_{i <= j} x_i^2", .reference = "none: a test's")
