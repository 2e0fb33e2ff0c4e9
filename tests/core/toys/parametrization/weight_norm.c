/* weight_norm - w = g v / |v|, one g for each output (Salimans, Kingma, NeurIPS 2016,
 * eq. 2): a parametrization with a parameter of its own. v comes as one sample of
 * shape (out, in). */
#include <tenon/plugin.h>
#include <tgmath.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const int64_t out = tn_shape_count(&node->in[0]) / tn_shape_width(&node->in[0]);
    const tn_param_spec g = {
        .name = "g", .role = TN_NORM, .fill = 1, .shape = {.rank = 1, .dim = {out}}};
    return c->host->param(c, &g);
}

static double TN(norm)(int64_t n, const tn_real *v)
{
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += (double)v[j] * (double)v[j];
    return sqrt(sum);
}

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *v,
                           tn_real *w)
{
    const tn_real *g = (const tn_real *)t->param[0] + t->row;
    for (int64_t i = 0; i < t->n; i += t->width, g++) {
        const tn_real factor = (tn_real)((double)*g / TN(norm)(t->width, v + i));
        for (int64_t j = 0; j < t->width; j++) w[i + j] = factor * v[i + j];
    }
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *v,
                            const tn_real *w, const tn_real *gw, tn_real *gv)
{
    const tn_real *g = (const tn_real *)t->param[0] + t->row;
    tn_real *gg = t->gparam[0] ? (tn_real *)t->gparam[0] + t->row : NULL;
    for (int64_t i = 0; i < t->n; i += t->width, g++) {
        const double norm = TN(norm)(t->width, v + i);
        double dot = 0;
        for (int64_t j = 0; j < t->width; j++)
            dot += (double)gw[i + j] * (double)v[i + j];
        if (gg) *gg++ += (tn_real)(dot / norm);
        for (int64_t j = 0; gv && j < t->width; j++)
            gv[i + j] =
                (tn_real)((double)*g / norm *
                          ((double)gw[i + j] - dot / (norm * norm) * (double)v[i + j]));
    }
}

TN_VTABLE(parametrization, .kernel = TN_ROW, .flags = TN_NEEDS_X, .infer = TN(infer),
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN(parametrization, weight_norm, .summary = "Weights as length times direction",
          .formula = "w_i = g_i v_i / |v_i|",
          .reference = "Salimans, Kingma, Weight normalization, NeurIPS 2016, eq. 2")
