/* graph_declare.c - a graph's parameters and states, as infer declares them; and states that are
 * carried from batch to batch. */
#include "core/graph_build.h"

#include <stdio.h>
#include <string.h>

/* ---- both ---------------------------------------------------------------------------- */

static tn_status make_tensor(tn_graph *g, const char *name, const tn_shape *shape,
                             tn_tensor *t, tn_error *e)
{
    int64_t n, bytes;
    *t = (tn_tensor){.struct_size = sizeof *t,
                     .dtype = g->real ? TN_F64 : TN_F32,
                     .rank = shape->rank};
    if (!tn_shape_size(shape, &n) || !tn_size_mul(n, g->real ? 8 : 4, &bytes))
        return tn_error_set(e, TN_ESHAPE, "the shape of %s is not possible", name);
    if (bytes > g->budget)
        return tn_error_set(e, TN_EDATA, "the file holds less than its config makes: %s",
                            name);
    g->budget -= bytes;
    int64_t stride = 1;
    for (int32_t i = shape->rank; i-- > 0; stride *= shape->dim[i]) {
        t->dim[i] = shape->dim[i];
        t->stride[i] = stride;
    }
    t->data = tn_memory_get(&g->env->memory, (size_t)bytes, e);
    return t->data ? TN_OK : TN_ENOMEM;
}

void tn_graph_fill(tn_tensor *t, int64_t first, int64_t n, double value)
{
    for (int64_t i = first; i < first + n; i++) {
        if (t->dtype == TN_F64)
            ((double *)t->data)[i] = value;
        else
            ((float *)t->data)[i] = (float)value;
    }
}

/* Whoever declares: a node's layer, or the parametrization of one of its weights. */
typedef struct owner {
    const char *name;
    int32_t *params, *states;
} owner;

static owner owner_of(tn_graph *g, const tn_setup *setup)
{
    tn_graph_node *node = &g->node[setup->node];
    if (setup->owner < 0) return (owner){node->name, &node->params, &node->states};
    tn_graph_param *p = &g->param[setup->owner];
    return (owner){p->name, &p->own, &p->own_states};
}

static tn_status join_name(const owner *o, const char *name, char out[128], tn_error *e)
{
    const int length = snprintf(out, 128, "%s.%s", o->name, name);
    return length < 128 ? TN_OK
                        : tn_error_set(e, TN_EINVAL, "the name '%s' is too long", name);
}

/* ---- parameters ---------------------------------------------------------------------- */

/* The names do not live as long as the graph, so it keeps its own. */
static tn_status keep_torch(tn_graph_param *p, tn_error *e)
{
    for (int32_t i = 0; i < TN_MAX_TORCH && p->spec.torch[i].name; i++) {
        tn_torch_part *t = &p->spec.torch[i];
        const int length = snprintf(p->torch[i], TN_TORCH_NAME, "%s", t->name);
        t->name = NULL;
        if (length >= TN_TORCH_NAME)
            return tn_error_set(e, TN_EINVAL, "the name '%s' is too long", p->torch[i]);
        const int64_t rows = p->spec.shape.rank ? p->spec.shape.dim[0] : 1;
        if (!t->rows) t->rows = t->count = rows;
        if (t->from < 0 || t->to < 0 || t->count < 1 || t->from + t->count > t->rows ||
            t->to + t->count > rows)
            return tn_error_set(e, TN_EINVAL, "its rows of '%s' are not there",
                                p->torch[i]);
    }
    return TN_OK;
}

tn_status tn_graph_declare_param(tn_calling *c, const tn_param_spec *spec)
{
    const tn_setup *setup = c->setup;
    if (!setup)
        return tn_error_set(c->error, TN_EINVAL, "parameters are declared in infer only");
    tn_graph *g = setup->graph;
    tn_status status = tn_graph_room(g, (void **)&g->param, g->params, sizeof *g->param,
                                     c->error);
    if (status) return status;
    const owner o = owner_of(g, setup);
    if (*o.params == TN_MAX_OWN)
        return tn_error_set(c->error, TN_ENOTSUP, "more than %d parameters", TN_MAX_OWN);
    if (spec->initializer && strcmp(spec->initializer->kind, "initializer"))
        return tn_error_set(c->error, TN_EINVAL, "%s/%s is no initializer",
                            spec->initializer->kind, spec->initializer->name);
    if (spec->parts < 0 || spec->parts > TN_MAX_PARTS ||
        (spec->parts && (!spec->shape.rank || spec->shape.dim[0] % spec->parts)))
        return tn_error_set(c->error, TN_EINVAL,
                            "%s cannot be cut into %d equal parts (at most %d)",
                            spec->name, (int)spec->parts, TN_MAX_PARTS);
    tn_graph_param p = {.spec = *spec,
                        .node = setup->node,
                        .owner = setup->owner,
                        .decays = spec->role == TN_WEIGHT};
    p.spec.name = NULL; /* it may not live as long */
    status = join_name(&o, spec->name, p.name, c->error);
    if (!status) status = keep_torch(&p, c->error);
    if (!status) status = make_tensor(g, p.name, &spec->shape, &p.value, c->error);
    if (status) return status;
    g->param[g->params++] = p;
    ++*o.params;
    return TN_OK;
}

/* ---- states -------------------------------------------------------------------------- */

static bool carries(const tn_graph *g, const tn_setup *setup)
{
    const tn_instance *layer = g->node[setup->node].layer;
    return setup->owner < 0 &&
           (tn_real_ops_of(g->real)->facts(layer->vtable).flags & TN_CARRIES);
}

tn_status tn_graph_declare_state(tn_calling *c, const char *name, const tn_shape *shape,
                                 double fill)
{
    const tn_setup *setup = c->setup;
    if (!setup)
        return tn_error_set(c->error, TN_EINVAL, "states are declared in infer only");
    tn_graph *g = setup->graph;
    tn_status status = tn_graph_room(g, (void **)&g->state, g->states, sizeof *g->state,
                                     c->error);
    if (status) return status;
    const owner o = owner_of(g, setup);
    if (*o.states == TN_MAX_OWN)
        return tn_error_set(c->error, TN_ENOTSUP, "more than %d states", TN_MAX_OWN);
    tn_graph_state s = {.node = setup->node, .fill = fill, .carried = carries(g, setup)};
    status = join_name(&o, name, s.name, c->error);
    if (!status) status = make_tensor(g, s.name, shape, &s.value, c->error);
    if (status) return status;
    tn_graph_fill(&s.value, 0, tn_count(&s.value), fill);
    g->state[g->states++] = s;
    ++*o.states;
    return TN_OK;
}

void tn_graph_forget(tn_graph *g)
{
    for (int32_t i = 0; i < g->states; i++) {
        tn_graph_state *s = &g->state[i];
        if (s->carried) tn_graph_fill(&s->value, 0, tn_count(&s->value), s->fill);
    }
}

size_t tn_graph_carried_size(const tn_graph *g)
{
    const size_t size = g->real ? sizeof(double) : sizeof(float);
    size_t bytes = 0;
    for (int32_t i = 0; i < g->states; i++)
        if (g->state[i].carried) bytes += size * (size_t)tn_count(&g->state[i].value);
    return bytes;
}

void tn_graph_carried_copy(tn_graph *g, void *bytes, bool back)
{
    const size_t size = g->real ? sizeof(double) : sizeof(float);
    char *at = bytes;
    for (int32_t i = 0; i < g->states; i++) {
        const tn_tensor *value = &g->state[i].value;
        if (!g->state[i].carried) continue;
        const size_t n = size * (size_t)tn_count(value);
        memcpy(back ? value->data : at, back ? at : value->data, n);
        at += n;
    }
}
