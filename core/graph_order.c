/* graph_order.c - in what order the features of each node stand, for files of frameworks that keep
 * channels first.
 *
 * A flattened image is (position, channel) here and (channel, position) there. That goes on through
 * layers that keep each feature where it is, and ends at one that makes features of its own. */
#include "core/graph_build.h"

#define MIXED (-1)

/* Of a view of features in the order `before`. */
static int64_t through_view(const tn_node *n, int64_t before)
{
    const int64_t width = tn_shape_width(&n->in[0]);
    if (tn_shape_same(&n->in[0], &n->out)) return before;
    if (before) return MIXED;
    if (n->in[0].rank < 2 || width == tn_shape_width(&n->out)) return 0;
    if (n->out.rank > 1) return MIXED;
    if (n->in[0].rank > 3 && width > 1)
        return MIXED; /* channels of each image of several */
    return width > 1 ? width : 0;
}

static int64_t order_of(const tn_graph *g, int32_t number, const int64_t *channels)
{
    const tn_graph_node *n = &g->node[number];
    const tn_layer_facts f = tn_real_ops_of(g->real)->facts(n->layer->vtable);
    const int64_t before = channels[n->input[0]];
    if (f.flags & TN_VIEW) return through_view(&n->spec, before);
    if (f.kernel == TN_WHOLE && n->params) return 0;
    bool same = true, any = before != 0;
    for (int32_t k = 1; k < n->inputs; k++) {
        same = same && channels[n->input[k]] == before;
        any = any || channels[n->input[k]];
    }
    if (!any) return 0;
    return same && tn_runs_on_tiles(&f) ? before : MIXED;
}

void tn_graph_channels(const tn_graph *g, int64_t *channels)
{
    for (int32_t i = 0; i < g->inputs; i++) channels[i] = 0;
    for (int32_t i = g->inputs; i < g->nodes; i++) channels[i] = order_of(g, i, channels);
}

int32_t tn_graph_feature_axis(const tn_graph_param *p)
{
    if (p->owner >= 0) return -1;
    if (p->spec.along == TN_PER_COLUMN && p->value.rank == 1) return 0;
    return p->spec.feature_axis - 1;
}

/* The weight whose parametrization a state is of; NULL: it is of a layer. */
static const tn_graph_param *weight_of(const tn_graph *g, int64_t state)
{
    for (int32_t i = 0; i < g->params; i++) {
        const tn_graph_param *p = &g->param[i];
        if (p->parametrization && state >= p->first_own_state &&
            state < p->first_own_state + p->own_states)
            return p;
    }
    return NULL;
}

/* Along the weight's columns, and those are features. */
static bool along_features(const tn_graph_param *p, const tn_tensor *value, bool first)
{
    const bool either = p->raw.dim[0] == p->raw.dim[1]; /* the first is along the rows */
    return tn_graph_feature_axis(p) == 1 && value->rank == 1 &&
           value->dim[0] == p->raw.dim[1] && !(either && first);
}

int32_t tn_graph_state_axis(const tn_graph *g, const tn_graph_state *s)
{
    const tn_graph_node *n = &g->node[s->node];
    const int64_t number = s - g->state;
    const tn_graph_param *p = weight_of(g, number);
    if (p) return along_features(p, &s->value, number == p->first_own_state) ? 0 : -1;
    const bool fits = s->value.rank == 1 &&
                      s->value.dim[0] == tn_shape_width(&n->spec.in[0]);
    return fits && (n->spec.flags & TN_COLUMNS) ? 0 : -1;
}
