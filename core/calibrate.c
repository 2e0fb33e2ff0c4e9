/* calibrate.c - data-driven initializers: each sees what its layer makes of a first batch, and
 * changes the weights, layer after layer in the order of computation. */
#include "core/graph_build.h"

#include "core/plan.h"

#define MAX_ROUNDS 100

static bool calibrates(const tn_graph_param *p)
{
    return p->init && !p->given && ((const tn_initializer *)p->init->vtable)->calibrate;
}

static tn_tensor output_of(const tn_plan *plan, const tn_graph *g, int32_t node,
                           int64_t samples)
{
    const tn_shape *shape = &g->node[node].spec.out;
    tn_tensor t = {.struct_size = sizeof t,
                   .dtype = g->real ? TN_F64 : TN_F32,
                   .rank = 1,
                   .dim = {samples},
                   .data = (void *)(uintptr_t)tn_plan_output(plan, node)};
    for (int32_t i = 0; i < shape->rank; i++) t.dim[t.rank++] = shape->dim[i];
    int64_t stride = 1;
    for (int32_t i = t.rank; i-- > 0; stride *= t.dim[i]) t.stride[i] = stride;
    return t;
}

static tn_status calibrate(tn_graph *g, tn_plan *plan, int32_t param,
                           const void *const *x, int64_t samples, tn_error *e)
{
    tn_graph_param *p = &g->param[param];
    const tn_initializer *init = p->init->vtable;
    const tn_param_info info = tn_graph_param_info(g, param);
    const tn_pass pass = {.samples = samples};
    int32_t again = 1;
    for (int32_t round = 0; again && round < MAX_ROUNDS; round++) {
        tn_calling calling;
        tn_status status = tn_plan_run(plan, &pass, x, NULL, e);
        if (status) return status;
        const tn_tensor out = output_of(plan, g, p->node, samples);
        tn_call *call = tn_call_refer(&calling, g->env, p->init, g->real, e);
        again = 0;
        status = tn_call_end(&calling, init->calibrate(p->init->self, call, &info, round,
                                                       &out, &p->value, &again));
        tn_graph_changed(g);
        if (status) return tn_graph_blame_init(g, param, status, e);
    }
    return TN_OK;
}

tn_status tn_graph_calibrate(tn_graph *g, const void *const *x, int64_t samples,
                             tn_error *e)
{
    const tn_plan_options options = {.samples = samples, .keeps = true};
    tn_plan *plan = NULL;
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < g->params; i++) {
        if (!calibrates(&g->param[i])) continue;
        if (!plan) status = tn_plan_make(g, &options, &plan, e);
        if (!status) status = calibrate(g, plan, i, x, samples, e);
    }
    tn_plan_free(plan);
    return status;
}
