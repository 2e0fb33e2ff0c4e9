/* graph_shape.c - what a layer's kernel class asks of the shapes that its infer left: the kernels
 * rely on it, so it is checked here, once for every node. */
#include "core/graph_build.h"

typedef struct checked {
    const tn_instance *layer;
    const tn_node *node;
    tn_error *error;
} checked;

static tn_status complain(const checked *c, const char *what)
{
    return tn_cfg_error(c->layer->where, c->error, TN_ESHAPE, "%s: %s",
                        c->layer->entry->name, what);
}

static tn_status check_view(const checked *c)
{
    const tn_node *n = c->node;
    if (n->inputs != 1) return complain(c, "a view has one input");
    if (tn_shape_count(&n->out) == tn_shape_count(&n->in[0])) return TN_OK;
    return complain(c, "a view's output has as many elements as its input");
}

static bool alike(const tn_shape *a, const tn_shape *b)
{
    return tn_shape_count(a) == tn_shape_count(b) &&
           tn_shape_width(a) == tn_shape_width(b);
}

static tn_status check_elementwise(const checked *c)
{
    const tn_node *n = c->node;
    if (!alike(&n->out, &n->in[0]))
        return complain(c, "its output must be of its input's size and width");
    for (int32_t i = 1; i < n->inputs; i++)
        if (!alike(&n->in[i], &n->in[0]))
            return complain(c, "its inputs must be of one size and width");
    return TN_OK;
}

/* Every window meets the input if the first and the last do. */
static tn_status check_axis(const checked *c, int32_t i)
{
    const tn_node *n = c->node;
    const int64_t in = n->in[0].dim[i], out = n->out.dim[i];
    int64_t padded, last;
    if (n->window[i] < 1 || n->stride[i] < 1)
        return complain(c, "windows and their strides must be at least 1");
    if (n->before[i] < 0 || n->after[i] < 0)
        return complain(c, "the padding must not be negative");
    if (!tn_size_add(in, n->before[i], &padded) ||
        !tn_size_add(padded, n->after[i], &padded) || n->window[i] > padded ||
        out != (padded - n->window[i]) / n->stride[i] + 1)
        return complain(c, "its output's shape is not that of its windows");
    if (n->before[i] >= n->window[i] || !tn_size_mul(out - 1, n->stride[i], &last) ||
        last - n->before[i] >= in)
        return complain(c, "a window lies in the padding only; pad less");
    return TN_OK;
}

static tn_status check_windows(const checked *c)
{
    const tn_node *n = c->node;
    if (n->inputs != 1) return complain(c, "windows have one input");
    if (n->axes < 1 || n->axes > 2) return complain(c, "windows cover 1 or 2 axes");
    if (n->in[0].rank != n->axes + 1 || n->out.rank != n->axes + 1)
        return complain(c, "its input must have the axes of its windows and channels");
    if (tn_shape_width(&n->out) != tn_shape_width(&n->in[0]))
        return complain(c, "windows keep the channels");
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < n->axes; i++) status = check_axis(c, i);
    return status;
}

static tn_status check_class(const checked *c, const tn_layer_facts *facts)
{
    if (facts->flags & TN_VIEW) return check_view(c);
    switch (facts->kernel) {
    case TN_MAP:
    case TN_ROW:
    case TN_REDUCE: return check_elementwise(c);
    case TN_WINDOW: return check_windows(c);
    default: return TN_OK;
    }
}

static tn_status check_feature_axis(const checked *c, const tn_graph_param *p)
{
    const int32_t axis = p->spec.feature_axis - 1;
    const bool fits = axis >= 0 && axis < p->value.rank &&
                      p->value.dim[axis] == tn_shape_width(&c->node->in[0]);
    return fits || axis == -1 ? TN_OK
                              : complain(c, "a feature_axis is as long as its input has "
                                            "features");
}

tn_status tn_graph_check_shapes(const tn_instance *layer, const tn_layer_facts *facts,
                                const tn_node *node, const tn_graph_param *param,
                                int32_t params, tn_error *e)
{
    int64_t size;
    char text[128];
    const checked c = {layer, node, e};
    if (node->out.rank > TN_MAX_SAMPLE_RANK || !tn_shape_size(&node->out, &size)) {
        tn_shape_text(&node->out, text, sizeof text);
        return tn_cfg_error(layer->where, e, TN_ESHAPE,
                            "%s: the output's shape %s is not possible",
                            layer->entry->name, text);
    }
    tn_status status = check_class(&c, facts);
    for (int32_t i = 0; !status && i < params; i++)
        status = check_feature_axis(&c, &param[i]);
    if (status || facts->kernel == TN_WHOLE) return status;
    for (int32_t i = 0; i < params; i++)
        if (param[i].spec.along == TN_PER_COLUMN &&
            tn_count(&param[i].value) != tn_shape_width(&node->in[0]))
            return complain(&c, "a parameter per column has a value for each feature");
    return TN_OK;
}
