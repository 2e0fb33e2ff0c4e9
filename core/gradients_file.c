/* gradients_file.c - loss and gradients of one batch as an archive, for comparing a network with
 * the same one in another framework. */
#include <math.h>

#include "core/real/step.h"
#include "core/trainer.h"

typedef struct gradients {
    tn_graph *graph;
    tn_judge *judge;
    tn_plan *plan;
    tn_handed handed;
    tn_named_tensor *tensor;
} gradients;

static tn_status the_batch(void *data, int64_t i, tn_batch *batch, tn_error *e)
{
    (void)i, (void)e;
    *batch = ((const tn_handed *)data)->batch;
    return TN_OK;
}

static tn_status differentiate(gradients *all, int64_t samples, double *loss, tn_error *e)
{
    tn_judge only_loss = *all->judge;
    double sums[2] = {0};
    only_loss.metrics = 0;
    const tn_sweep sweep = {.graph = all->graph,
                            .plan = all->plan,
                            .judge = &only_loss,
                            .info = &all->handed.info,
                            .parts = 1,
                            .samples = samples,
                            .part = the_batch,
                            .data = &all->handed};
    return tn_sweep_run(&sweep, sums, loss, e);
}

static tn_status write_archive(gradients *all, const char *path, tn_error *e)
{
    const tn_graph *g = all->graph;
    all->tensor = tn_memory_array(&g->env->memory, (size_t)g->params, sizeof *all->tensor,
                                  e);
    if (!all->tensor) return TN_ENOMEM;
    tn_archive archive = {.tensor = all->tensor};
    for (int32_t i = 0; i < g->params; i++)
        if (!g->param[i].rule.frozen)
            all->tensor[archive.tensors++] = (tn_named_tensor){
                g->param[i].name, tn_plan_gradient(all->plan, i)};
    return tn_archive_write(g->env, path, &archive, e);
}

static bool scheduled(const tn_instance *instance)
{
    for (int32_t i = 0; i < instance->dials; i++)
        if (instance->dial[i].schedule) return true;
    return false;
}

/* Over all parameters. What a schedule says was a matter of the run. */
static double violation(const gradients *all)
{
    const tn_graph *g = all->graph;
    double most = 0;
    for (int32_t i = 0; i < g->params; i++) {
        const tn_graph_param *p = &g->param[i];
        if (p->regularizer && scheduled(p->regularizer)) return NAN;
        const double here = tn_real_ops_of(g->real)->step->violation(
            p->regularizer, tn_count(&p->value), p->value.data,
            tn_plan_gradient(all->plan, i).data);
        if (!(here <= most)) most = here;
        if (isnan(most)) return NAN;
    }
    return most;
}

tn_status tn_model_gradients_save_inputs(tn_model *model, const float *const *x,
                                         const float *targets, const int32_t *labels,
                                         int64_t samples, const char *path,
                                         tn_gradients *out, tn_error *e)
{
    gradients all = {.graph = model->graph};
    tn_gradients found = {0};
    const tn_plan_options options = {
        .samples = samples, .training = true, .low = model->low};
    const tn_data_info *info = &all.handed.info;
    all.handed.info = tn_handed_info(all.graph, targets != NULL);
    tn_status status = tn_judge_new(all.graph, model->config->root, info, TN_TRAIN,
                                    &all.judge, e);
    if (!status)
        status = tn_handed_take(&all.handed, all.graph, info, x, targets, labels, samples,
                                e);
    if (!status) status = tn_plan_make(all.graph, &options, &all.plan, e);
    if (!status) status = differentiate(&all, samples, &found.loss, e);
    if (!status) found.violation = violation(&all);
    if (!status) status = write_archive(&all, path, e);
    if (!status && out) *out = found;
    tn_memory_put(&model->env->memory, all.tensor);
    tn_handed_free(model->env, &all.handed);
    tn_plan_free(all.plan);
    tn_judge_free(all.judge);
    return status;
}

tn_status tn_model_gradients_save(tn_model *model, const float *x, const float *targets,
                                  const int32_t *labels, int64_t samples,
                                  const char *path, tn_gradients *out, tn_error *e)
{
    const tn_status status = tn_graph_has_one(model->graph, "tn_model_gradients_save", e);
    if (status) return status;
    return tn_model_gradients_save_inputs(model, &x, targets, labels, samples, path, out,
                                          e);
}
