/* model_memory.c - what a model's batches take of memory, from a plan that is only laid out. */
#include "core/model.h"

static size_t bytes_of(const tn_tensor *t)
{
    return (size_t)tn_count(t) * tn_dtype_size(t->dtype);
}

static void add_parameters(const tn_graph *g, bool training, tn_memory_use *use)
{
    for (int32_t i = 0; i < g->params; i++) {
        use->parameters += bytes_of(&g->param[i].value);
        if (training && !g->param[i].rule.frozen)
            use->gradients += bytes_of(&g->param[i].value);
    }
    for (int32_t i = 0; i < g->states; i++)
        use->parameters += bytes_of(&g->state[i].value);
}

static tn_status measure(const tn_model *model, const tn_plan_options *options,
                         tn_plan_size *size, tn_error *e)
{
    tn_plan *plan;
    const tn_status status = tn_plan_make(model->graph, options, &plan, e);
    if (status) return status;
    *size = tn_plan_memory(plan);
    tn_plan_free(plan);
    return TN_OK;
}

tn_status tn_model_memory(const tn_model *model, int64_t samples, bool training,
                          tn_memory_use *use, tn_error *e)
{
    tn_plan_options options = {
        .samples = samples, .training = training, .measures = true};
    tn_plan_size size, normal = {0};
    *use = (tn_memory_use){0};
    if (samples < 1)
        return tn_error_set(e, TN_EINVAL, "a batch has 1 sample or more, not %lld",
                            (long long)samples);
    tn_status status = measure(model, &options, &normal, e);
    size = normal;
    options.low = model->low;
    if (!status && options.low) status = measure(model, &options, &size, e);
    if (status) return status;
    add_parameters(model->graph, training, use);
    use->values = size.shared, use->least = size.least, use->apart = size.apart;
    use->normal = normal.shared;
    return TN_OK;
}
