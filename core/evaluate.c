/* evaluate.c - loss and metrics of a network over a split of the data. */
#include <math.h>
#include <string.h>

#include "core/judge.h"
#include "core/model.h"

static void tell_layer(const tn_graph_node *node, char *text, size_t size)
{
    const tn_cfg *where = node->layer->where;
    const char *kind = node->layer->entry->name;
    char place[200];
    if (where)
        snprintf(text, size, "in layer '%s' (%s, %s)", node->name, kind,
                 tn_cfg_place(where, place, sizeof place));
    else
        snprintf(text, size, "in layer '%s' (%s)", node->name, kind);
}

tn_status tn_not_finite(const tn_plan *plan, const tn_pass *pass, const tn_graph *g,
                        const char *when, tn_error *e)
{
    const int32_t bad = tn_plan_first_bad(plan, pass);
    char where[400] = "in the loss itself (every layer's output is finite)";
    if (bad == -2) snprintf(where, sizeof where, "somewhere in the network");
    if (bad >= 0 && bad < g->inputs)
        snprintf(where, sizeof where, "in the input data%s%s", g->inputs > 1 ? ", " : "",
                 g->inputs > 1 ? g->node[bad].name : "");
    if (bad >= g->inputs) tell_layer(&g->node[bad], where, sizeof where);
    return tn_error_set(
        e, TN_ENUMERIC,
        "%s: the loss is not finite; NaN or infinity first appears "
        "%s. Try a lower learning rate, gradient: [{clip_norm: 1}], or check the "
        "data",
        when, where);
}

static tn_status add_batch(const tn_judge *j, tn_plan *plan, const tn_graph *g,
                           const tn_batch *batch, const void *const *x,
                           const tn_pass *pass, double *sums, tn_error *e)
{
    tn_status status = tn_plan_run(plan, pass, x, NULL, e);
    if (!status) status = tn_judge_add(j, plan, pass, batch->field, 0, false, sums, e);
    if (!status && !isfinite(sums[0]))
        status = tn_not_finite(plan, pass, g, "evaluation", e);
    if (!status && pass->carries) tn_plan_commit(plan, pass, TN_COMMIT_CARRIED);
    return status;
}

/* `parts`: batches that make up all streams, or 0. */
static tn_status add_batches(const tn_judge *j, tn_plan *plan, const tn_graph *g,
                             tn_feed *feed, int32_t split, int64_t parts,
                             const atomic_bool *cancel, double *sums, tn_error *e)
{
    const tn_inputs in = tn_graph_inputs(g);
    int32_t field[TN_MOST_INPUTS];
    const int64_t batches = tn_feed_batches(feed, split);
    memset(sums, 0, (size_t)j->sums * sizeof *sums);
    tn_inputs_find(&in, tn_feed_info(feed, split == TN_TRAIN), field);
    tn_status status = TN_OK;
    for (int64_t b = 0; !status && b < batches; b++) {
        tn_batch batch;
        const void *x[TN_MOST_INPUTS];
        if (cancel && atomic_load(cancel))
            return tn_error_set(e, TN_ECANCELED, "stopped on request");
        status = tn_feed_batch(feed, split, 0, b, &batch, e);
        if (status) break;
        const tn_pass pass = {.samples = batch.samples,
                              .row = parts ? b % parts * tn_feed_batch_size(feed) : 0,
                              .carries = parts > 0};
        tn_inputs_take(&in, field, &batch, x);
        status = add_batch(j, plan, g, &batch, x, &pass, sums, e);
    }
    return status ? status : tn_judge_weighed(j, sums, split, e);
}

/* How many batches make up all streams, whose states go on; 0: no states do. */
static tn_status find_parts(const tn_graph *g, const tn_feed *feed, int64_t *parts,
                            tn_error *e)
{
    const int64_t batch = tn_feed_batch_size(feed),
                  streams = tn_graph_carried_size(g) ? tn_feed_info(feed, false)->streams
                                                     : 0;
    *parts = streams / batch;
    if (*parts * batch == streams) return TN_OK;
    return tn_error_set(e, TN_EINVAL,
                        "the data has %lld streams, with which states go on, but batches "
                        "have %lld samples; set batch to %lld or a part of it",
                        (long long)streams, (long long)batch, (long long)streams);
}

/* Batches of streams go on with states, from their first values on, as in training; those of training
 * are left as they were. */
tn_status tn_evaluate(const tn_judge *j, tn_plan *plan, tn_graph *g, tn_feed *feed,
                      int32_t split, const atomic_bool *cancel, double *sums, tn_error *e)
{
    int64_t parts;
    const tn_status found = find_parts(g, feed, &parts, e);
    if (found || !parts)
        return found ? found : add_batches(j, plan, g, feed, split, 0, cancel, sums, e);
    tn_memory *memory = &g->env->memory;
    void *states = tn_memory_get(memory, tn_graph_carried_size(g), e);
    if (!states) return TN_ENOMEM;
    tn_graph_carried_copy(g, states, false);
    tn_graph_forget(g);
    const tn_status status = add_batches(j, plan, g, feed, split, parts, cancel, sums, e);
    tn_graph_carried_copy(g, states, true);
    tn_memory_put(memory, states);
    return status;
}

tn_status tn_evaluation_plan(tn_graph *g, const tn_feed *feed, tn_plan **plan,
                             tn_error *e)
{
    int64_t parts;
    const tn_status status = find_parts(g, feed, &parts, e);
    const tn_plan_options options = {.samples = tn_feed_batch_size(feed),
                                     .carries = parts > 0};
    return status ? status : tn_plan_make(g, &options, plan, e);
}

/* ---- tn_model_evaluate --------------------------------------------------------------- */

typedef struct evaluation {
    tn_feed *feed;
    tn_judge *judge;
    tn_plan *plan;
    double *sums;
} evaluation;

static tn_status no_split(const tn_feed *feed, const tn_cfg *data, int32_t split,
                          tn_error *e)
{
    static const char *const names[] = {"train", "validation", "test"};
    const tn_data_info *info = tn_feed_info(feed, false);
    char there[60] = "";
    for (int32_t i = 0; i < TN_SPLITS; i++)
        if (info->count[i])
            snprintf(there + strlen(there), sizeof there - strlen(there), "%s%s",
                     *there ? ", " : "", names[i]);
    return tn_cfg_error(data, e, TN_EINVAL,
                        "the data has no split '%s'; it has %s, which --split can name",
                        names[split], there);
}

static tn_status prepare(evaluation *v, tn_model *model, const tn_cfg *root,
                         int32_t split, tn_error *e)
{
    tn_graph *g = model->graph;
    tn_status status = tn_feed_new(model->env, root, g->real, g->seed, &v->feed, e);
    if (status) return status;
    const tn_data_info *info = tn_feed_info(v->feed, split == TN_TRAIN);
    if (info->count[split] < 1)
        return no_split(v->feed, tn_cfg_get(root, "data"), split, e);
    const tn_inputs in = tn_graph_inputs(g);
    status = tn_inputs_check(&in, info, e);
    if (!status) status = tn_judge_new(g, model->config->root, info, split, &v->judge, e);
    if (!status) status = tn_evaluation_plan(g, v->feed, &v->plan, e);
    if (status) return status;
    v->sums = tn_memory_array(&model->env->memory, (size_t)v->judge->sums, sizeof(double),
                              e);
    return v->sums ? TN_OK : TN_ENOMEM;
}

/* The model keeps them, names behind the numbers. */
static tn_status give_scores(const evaluation *v, tn_model *model,
                             const tn_score **scores, int32_t *count, tn_error *e)
{
    const size_t values = (size_t)v->judge->values;
    tn_memory *m = &model->env->memory;
    tn_judge_read(v->judge, v->sums);
    tn_memory_put(m, model->score);
    model->score = tn_memory_get(
        m, values * (sizeof(tn_score) + sizeof v->judge->value->name), e);
    if (!model->score) return TN_ENOMEM;
    char *name = (char *)(model->score + values);
    for (size_t i = 0; i < values; i++, name += sizeof v->judge->value->name) {
        const tn_judged *from = &v->judge->value[i];
        memcpy(name, from->name, sizeof from->name);
        model->score[i] = (tn_score){name, from->value, from->row, from->column};
    }
    *scores = model->score;
    *count = v->judge->values;
    return TN_OK;
}

tn_status tn_model_evaluate(tn_model *model, const tn_config *data, int32_t split,
                            const tn_score **scores, int32_t *count, tn_error *e)
{
    evaluation v = {0};
    const tn_cfg *root = data ? data->root : model->config->root;
    if (split < 0 || split >= TN_SPLITS)
        return tn_error_set(e, TN_EINVAL, "split %d; there are 0, 1 and 2", split);
    if (!tn_cfg_get(root, "data"))
        return data ? tn_cfg_error(root, e, TN_EINVAL, "no data section")
                    : tn_error_set(e, TN_EINVAL,
                                   "a model file names no data; give a config with "
                                   "a data section");
    static const tn_course once = {.accumulate = 1, .passes = 1};
    tn_status status = prepare(&v, model, root, split, e);
    if (!status) status = tn_feed_start(v.feed, &once, split, 0, 0, e);
    if (!status)
        status = tn_evaluate(v.judge, v.plan, model->graph, v.feed, split, NULL, v.sums,
                             e);
    if (!status) status = give_scores(&v, model, scores, count, e);
    tn_plan_free(v.plan);
    tn_judge_free(v.judge);
    tn_feed_free(v.feed);
    tn_memory_put(&model->env->memory, v.sums);
    return status;
}
