/* judge.c - see judge.h. */
#include "core/judge.h"

#include <math.h>
#include <string.h>

#include "core/real/bridge.h"

tn_status tn_blame(const tn_instance *instance, tn_status status, tn_error *e)
{
    const tn_entry *entry = instance->entry;
    if (!status) return TN_OK;
    tn_error_in(e, "%s %s", entry->kind, entry->name);
    if (instance->where) tn_cfg_in(instance->where, e);
    return status;
}

/* ---- making ------------------------------------------------------------------------ */

/* "input, target" */
static void list_fields(const tn_data_info *info, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (int32_t i = 0; i < info->fields && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 info->field[i].name);
}

static tn_status bind_fields(tn_criterion *c, const char *const *names,
                             const tn_data_info *info, const tn_field_spec **spec,
                             tn_error *e)
{
    char there[300];
    for (; names[c->fields]; c->fields++) {
        const int32_t found = c->fields < TN_MAX_FIELDS
                                  ? tn_feed_find(info, names[c->fields])
                                  : -1;
        if (found < 0) {
            list_fields(info, there, sizeof there);
            return tn_error_set(e, TN_ENOTFOUND,
                                "reads field '%s', which the data does not have; "
                                "it has %s",
                                names[c->fields], there);
        }
        c->field[c->fields] = found;
        spec[c->fields] = &info->field[found];
    }
    return TN_OK;
}

/* Behind what a loss says of the outputs' shape: what makes them, and what was likely left out. */
static tn_status add_origin(const tn_graph *g, tn_status status, tn_error *e)
{
    const tn_graph_node *last = &g->node[g->nodes - 1];
    const tn_shape *out = &last->spec.out;
    const tn_cfg *where = last->layer ? last->layer->where : NULL;
    char shape[128], place[200] = "the input", text[sizeof e->text];
    if (!e || status != TN_ESHAPE) return status;
    tn_shape_text(out, shape, sizeof shape);
    if (where) tn_cfg_place(where, place, sizeof place);
    snprintf(text, sizeof text, "%s", e->text);
    return tn_error_set(
        e, status, "%s; the outputs %s come from '%s' (%s)%s", text, shape, last->name,
        place,
        out->rank < 2   ? ""
        : out->rank < 3 ? ": for one prediction a sample end a sequence with a recurrent "
                          "layer without return_sequences, flatten or global_avg_pool"
                        : ": for one prediction a sample put flatten or global_avg_pool "
                          "before the dense layers");
}

static tn_status bind_loss(tn_judge *j, const tn_graph *g, const tn_data_info *info,
                           tn_error *e)
{
    const tn_shape *out = tn_graph_output(g);
    const tn_bridge *bridge = tn_bridge_of(j->real);
    const tn_field_spec *spec[TN_MAX_FIELDS];
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, j->env, j->loss.instance, j->real, e);
    tn_status status = bind_fields(&j->loss, bridge->loss_fields(j->loss.instance), info,
                                   spec, e);
    if (!status)
        status = tn_call_end(&calling,
                             bridge->loss_infer(j->loss.instance, call, out, spec));
    j->loss.sums = 2;
    j->sums = 2;
    return add_origin(g, tn_blame(j->loss.instance, status, e), e);
}

static tn_status bind_metric(tn_judge *j, tn_criterion *m, const tn_shape *out,
                             const tn_data_info *info, tn_error *e)
{
    const tn_bridge *bridge = tn_bridge_of(j->real);
    const tn_field_spec *spec[TN_MAX_FIELDS];
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, j->env, m->instance, j->real, e);
    tn_status status = bind_fields(m, bridge->metric_fields(m->instance), info, spec, e);
    if (!status)
        status = tn_call_end(
            &calling, bridge->metric_infer(m->instance, call, out, spec, &m->sums));
    if (!status && (m->sums < 1 || m->sums > 1000000))
        status = tn_error_set(e, TN_EINVAL, "asks for %lld sums", (long long)m->sums);
    m->first_sum = j->sums;
    j->sums += m->sums;
    return tn_blame(m->instance, status, e);
}

static tn_status make_loss(tn_judge *j, const tn_cfg *root, tn_error *e)
{
    const tn_cfg *cfg = tn_cfg_get(root, "loss");
    if (!cfg)
        return tn_cfg_error(root, e, TN_EINVAL,
                            "no loss; name one, for example loss: cross_entropy");
    return tn_instance_make(j->env, "loss", cfg, j->real, &j->loss.instance, e);
}

static tn_status room_for_metrics(tn_judge *j, int32_t count, tn_error *e)
{
    j->metric = tn_memory_array(&j->env->memory, (size_t)count, sizeof *j->metric, e);
    return j->metric ? TN_OK : TN_ENOMEM;
}

static tn_status make_default_metric(tn_judge *j, const tn_data_info *info, tn_error *e)
{
    const int32_t target = tn_feed_find(info, "target");
    if (target < 0 || info->field[target].real) return TN_OK;
    tn_status status = room_for_metrics(j, 1, e);
    if (status) return status;
    j->metrics = 1;
    return tn_instance_named(j->env, "metric", "accuracy", NULL, j->real,
                             &j->metric[0].instance, e);
}

static tn_status make_metrics(tn_judge *j, const tn_cfg *root, const tn_data_info *info,
                              tn_error *e)
{
    const tn_cfg *list = tn_cfg_get(root, "metrics");
    if (!list) return make_default_metric(j, info, e);
    if (list->type != TN_CFG_LIST)
        return tn_cfg_error(list, e, TN_EINVAL,
                            "metrics: expected a list, e.g. [accuracy]");
    tn_status status = room_for_metrics(j, list->count, e);
    for (int32_t i = 0; !status && i < list->count; i++) {
        const tn_cfg *item = list->item[i];
        /* The loss is always there; naming it among the metrics changes nothing. */
        if (item->type == TN_CFG_SCALAR && !strcmp(item->text, "loss")) continue;
        status = tn_instance_make(j->env, "metric", item, j->real,
                                  &j->metric[j->metrics].instance, e);
        if (!status) j->metrics++;
    }
    return status;
}

tn_status tn_judge_new(const tn_graph *g, const tn_cfg *root, const tn_data_info *info,
                       tn_judge **out, tn_error *e)
{
    *out = NULL;
    tn_judge *j = tn_memory_get(&g->env->memory, sizeof *j, e);
    if (!j) return TN_ENOMEM;
    j->env = g->env, j->real = g->real;
    const tn_shape *shape = tn_graph_output(g);
    tn_status status = make_loss(j, root, e);
    if (!status) status = bind_loss(j, g, info, e);
    if (!status) status = make_metrics(j, root, info, e);
    for (int32_t i = 0; !status && i < j->metrics; i++)
        status = bind_metric(j, &j->metric[i], shape, info, e);
    if (status)
        tn_judge_free(j);
    else
        *out = j;
    return status;
}

void tn_judge_free(tn_judge *j)
{
    if (!j) return;
    tn_memory *m = &j->env->memory;
    tn_instance_free(j->loss.instance);
    for (int32_t i = 0; i < j->metrics; i++) tn_instance_free(j->metric[i].instance);
    tn_memory_put(m, j->metric);
    tn_memory_put(m, j);
}

void tn_judge_walk(const tn_judge *j, void (*visit)(void *, tn_instance *), void *data)
{
    tn_instance_walk(j->loss.instance, visit, data);
    for (int32_t i = 0; i < j->metrics; i++)
        tn_instance_walk(j->metric[i].instance, visit, data);
}

/* ---- judging ----------------------------------------------------------------------- */

static void pick_fields(const tn_criterion *c, const tn_field *all, tn_field *picked)
{
    for (int32_t i = 0; i < c->fields; i++) picked[i] = all[c->field[i]];
}

tn_status tn_judge_add(const tn_judge *j, tn_plan *plan, const tn_pass *pass,
                       const tn_field *field, double scale, bool gradient, double *sums,
                       tn_error *e)
{
    tn_field picked[TN_MAX_FIELDS];
    double value = 0, weight = 0;
    /* Metrics first: preparing backward may use the memory of the outputs. */
    for (int32_t i = 0; i < j->metrics; i++) {
        const tn_criterion *m = &j->metric[i];
        pick_fields(m, field, picked);
        tn_plan_metric(plan, pass, m->instance, picked, sums + m->first_sum);
    }
    pick_fields(&j->loss, field, picked);
    const tn_status status = tn_plan_loss(plan, pass, j->loss.instance, picked, scale,
                                          gradient, &value, &weight, e);
    sums[0] += value;
    sums[1] += weight;
    return tn_blame(j->loss.instance, status, e);
}

int32_t tn_judge_values(const tn_judge *j)
{
    return 1 + j->metrics;
}

const char *tn_judge_name(const tn_judge *j, int32_t i)
{
    return i ? j->metric[i - 1].instance->entry->name : "loss";
}

double tn_judge_value(const tn_judge *j, const double *sums, int32_t i)
{
    if (!i) return sums[1] > 0 ? sums[0] / sums[1] : NAN;
    const tn_criterion *m = &j->metric[i - 1];
    return tn_bridge_of(j->real)->metric_value(m->instance, sums + m->first_sum);
}
