/* weight_norm - the weights of each output as a length and a direction, which are learned apart.
 *
 *     w_i = g_i v_i / |v_i|
 *     dL/dg_i = dL/dw_i . v_i / |v_i|,  dL/dv_i = g_i / |v_i| (dL/dw_i - dL/dg_i v_i / |v_i|)
 *
 * for each row i, with all weights of one output (of a convolution: of one filter). Salimans and Kingma,
 * "Weight normalization: a simple reparameterization to accelerate training of deep neural networks",
 * NeurIPS 2016, eqs. 2 and 3. g begins as |v|, so that the weights in use begin as they are drawn. A row
 * of zeros stays zeros: it has no direction. */
#include <tenon/plugin.h>
#include <tenon/math.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const tn_param_spec g = {.name = "g",
                             .role = TN_NORM,
                             .fill = 1,
                             .shape = {.rank = 1, .dim = {node->in[0].dim[0]}}};
    return c->host->param(c, &g);
}

TN_INLINE double TN(length)(int64_t n, const tn_real *v)
{
    return sqrt(TN_SUM(j, n, (double)v[j] * (double)v[j]));
}

TN_KERNEL void TN(lengths)(int64_t rows, int64_t n, const tn_real *v, tn_real *g)
{
    for (int64_t i = 0; i < rows; i++) g[i] = (tn_real)TN(length)(n, v + i * n);
}

static tn_status TN(start)(const void *self, tn_call *c, tn_key key, const tn_tensor *raw,
                           tn_tensor *const *param, tn_tensor *const *state)
{
    if (param[0]) TN(lengths)(raw->dim[0], raw->dim[1], raw->data, param[0]->data);
    return TN_OK;
}

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *v,
                           tn_real *w)
{
    const tn_real *g = (const tn_real *)t->param[0] + t->row;
    const int64_t n = t->width;
    for (int64_t i = 0; i < t->n; i += n, g++) {
        const double length = TN(length)(n, v + i);
        const tn_real factor = (tn_real)(length > 0 ? (double)*g / length : 0);
        for (int64_t j = 0; j < n; j++) w[i + j] = factor * v[i + j];
    }
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *v,
                            const tn_real *w, const tn_real *gw, tn_real *gv)
{
    const tn_real *g = (const tn_real *)t->param[0] + t->row;
    tn_real *gg = t->gparam[0] ? (tn_real *)t->gparam[0] + t->row : NULL;
    const int64_t n = t->width;
    for (int64_t i = 0; i < t->n; i += n, g++) {
        const tn_real *from = gw + i, *at = v + i;
        const double length = TN(length)(n, at), inverse = length > 0 ? 1 / length : 0;
        const double along = inverse * TN_SUM(j, n, (double)from[j] * (double)at[j]);
        const tn_real factor = (tn_real)((double)*g * inverse);
        const tn_real share = (tn_real)(along * inverse);
        if (gg) *gg++ += (tn_real)along;
        for (int64_t j = 0; gv && j < n; j++)
            gv[i + j] = factor * (from[j] - share * at[j]);
    }
}

TN_VTABLE(parametrization, .kernel = TN_ROW, .flags = TN_NEEDS_X, .infer = TN(infer),
          .start = TN(start), .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(parametrization, weight_norm,
          .summary = "Weights as length times direction, for each output",
          .formula = "w_i = g_i v_i / |v_i| for each row i",
          .reference = "Salimans, Kingma, Weight normalization, NeurIPS 2016, eq. 2")
