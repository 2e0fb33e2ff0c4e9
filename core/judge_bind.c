/* judge_bind.c - what a loss and metrics read: the fields of the data that they name, and the outputs
 * of the network, of which they say what they can use. */
#include "core/judge_bind.h"

#include <string.h>

#include "core/real/bridge.h"
#include "core/real/unit.h"

/* ---- fields -------------------------------------------------------------------------- */

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

/* ---- outputs ------------------------------------------------------------------------- */

/* What the outputs of a node are (tn_makes). */
static int32_t makes_of(const tn_graph_node *n)
{
    return n->layer ? n->layer->entry->makes : TN_ANYTHING;
}

/* What was likely left out where outputs do not fit the targets. */
static const char *remedy(const tn_shape *out, const tn_field_spec *target)
{
    const bool steps = target && tn_shape_count(&target->shape) > 1;
    if (out->rank < 2)
        return steps && !target->real ? ": for a prediction a step give recurrent layers "
                                        "return_sequences: true"
                                      : "";
    if (steps) return "";
    return out->rank < 3
               ? ": for one prediction a sample end a sequence with a recurrent "
                 "layer without return_sequences, flatten or global_avg_pool"
               : ": for one prediction a sample put flatten or global_avg_pool "
                 "before the dense layers";
}

/* Behind what a loss or a metric says of the outputs: what makes them, and a remedy. */
static tn_status add_origin(const tn_graph *g, const tn_field_spec *target,
                            tn_status status, tn_error *e)
{
    const tn_graph_node *last = &g->node[g->nodes - 1], *origin = tn_graph_origin(g);
    const tn_shape *out = &last->spec.out;
    const bool shape = status == TN_ESHAPE,
               made = status == TN_EINVAL && makes_of(origin);
    const tn_graph_node *node = made ? origin : last;
    char text[sizeof e->text], shown[128] = "", place[200] = "the input";
    if (!e || !(shape || made)) return status;
    if (shape) tn_shape_text(out, shown, sizeof shown);
    if (node->layer && node->layer->where)
        tn_cfg_place(node->layer->where, place, sizeof place);
    snprintf(text, sizeof text, "%s", e->text);
    return tn_error_set(e, status, "%s; the outputs %s%scome from '%s' (%s)%s", text,
                        shown, shape ? " " : "", node->name, place,
                        made ? "" : remedy(out, target));
}

static tn_outputs outputs_of(const tn_graph *g)
{
    return (tn_outputs){.shape = *tn_graph_output(g),
                        .are = makes_of(tn_graph_origin(g))};
}

/* ---- the loss ------------------------------------------------------------------------ */

static tn_status bind_loss(tn_judge *j, const tn_graph *g, const tn_data_info *info,
                           tn_error *e)
{
    const tn_outputs out = outputs_of(g);
    const tn_bridge *bridge = tn_bridge_of(j->real);
    const tn_field_spec *spec[TN_MAX_FIELDS] = {0};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, j->env, j->loss.instance, j->real, e);
    tn_status status = bind_fields(&j->loss, bridge->loss_fields(j->loss.instance), info,
                                   spec, e);
    if (!status)
        status = tn_call_end(&calling,
                             bridge->loss_infer(j->loss.instance, call, &out, spec));
    return add_origin(g, spec[0], tn_blame(j->loss.instance, status, e), e);
}

/* The field "weight", where neither the network nor the loss reads it as it likes. */
static tn_status bind_given(tn_judge *j, const tn_graph *g, const tn_data_info *info,
                            tn_error *e)
{
    const int64_t rows = tn_rows_per_sample(tn_graph_output(g));
    j->given = tn_feed_find(info, "weight");
    for (int32_t i = 0; i < g->inputs; i++)
        if (!strcmp(g->node[i].name, "weight")) j->given = -1;
    for (int32_t i = 0; i < j->loss.fields; i++)
        if (j->loss.field[i] == j->given) j->given = -1;
    if (j->given < 0) return TN_OK;
    const tn_field_spec *spec = &info->field[j->given];
    const int64_t count = tn_shape_count(&spec->shape);
    if (spec->real && (count == 1 || count == rows)) return TN_OK;
    char each[60] = "";
    if (rows > 1)
        snprintf(each, sizeof each, ", or one for each of its %lld rows",
                 (long long)rows);
    return tn_error_set(e, spec->real ? TN_ESHAPE : TN_EINVAL,
                        "the data's field 'weight', which weighs the loss, has %lld %s a "
                        "sample; it needs one number a sample%s (or to be listed under "
                        "input: then it is an input of the model)",
                        (long long)count, spec->real ? "numbers" : "labels", each);
}

tn_status tn_judge_bind_loss(tn_judge *j, const tn_graph *g, const tn_data_info *info,
                             tn_error *e)
{
    const tn_status status = bind_loss(j, g, info, e);
    return status ? status : bind_given(j, g, info, e);
}

/* ---- metrics ------------------------------------------------------------------------- */

/* Room for what it keeps of rows follows when all sums are known. */
static tn_status check_size(const tn_metric_size *s, bool has_value, bool has_table,
                            tn_error *e)
{
    enum { MOST_SUMS = 1000000, MOST_KEPT = 10000, MOST_CELLS = 10000 };
    if (s->sums < 0 || s->sums > MOST_SUMS || s->kept < 0 || s->kept > MOST_KEPT)
        return tn_error_set(e, TN_EINVAL, "asks for %lld sums, and %lld numbers a row",
                            (long long)s->sums, (long long)s->kept);
    if (s->rows < 0 || s->columns < 0 || !s->rows != !s->columns ||
        s->rows > MOST_CELLS || s->columns > MOST_CELLS ||
        s->rows * s->columns > MOST_CELLS)
        return tn_error_set(e, TN_EINVAL,
                            "would make a table of %lld x %lld numbers, more than %d; "
                            "leave it out",
                            (long long)s->rows, (long long)s->columns, MOST_CELLS);
    if (s->rows ? has_table : has_value) return TN_OK;
    return tn_error_set(e, TN_EINVAL, "has no slot for the %s that it is to make",
                        s->rows ? "table" : "number");
}

tn_status tn_judge_bind_metric(tn_judge *j, tn_criterion *m, const tn_graph *g,
                               const tn_data_info *info, tn_error *e)
{
    tn_outputs out = outputs_of(g);
    const tn_bridge *bridge = tn_bridge_of(j->real);
    const tn_field_spec *spec[TN_MAX_FIELDS] = {0};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, j->env, m->instance, j->real, e);
    out.questions = j->loss.instance->entry->questions;
    tn_status status = bind_fields(m, bridge->metric_fields(m->instance), info, spec, e);
    if (!status)
        status = tn_call_end(
            &calling, bridge->metric_infer(m->instance, call, &out, spec, &m->size));
    if (!status)
        status = check_size(&m->size, bridge->metric_has_value(m->instance),
                            bridge->metric_has_table(m->instance), e);
    m->first_sum = j->sums;
    j->sums += m->size.sums;
    return add_origin(g, spec[0], tn_blame(m->instance, status, e), e);
}
