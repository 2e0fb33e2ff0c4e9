/* judge.c - see judge.h: makes the loss and the metrics of a run, and has them judge. */
#include "core/judge.h"

#include <math.h>
#include <string.h>

#include "core/judge_bind.h"
#include "core/real/bridge.h"
#include "core/real/unit.h"

tn_status tn_blame(const tn_instance *instance, tn_status status, tn_error *e)
{
    const tn_entry *entry = instance->entry;
    if (!status) return TN_OK;
    tn_error_in(e, "%s %s", entry->kind, entry->name);
    tn_cfg_in(instance->where, e);
    return status;
}

/* ---- making ------------------------------------------------------------------------ */

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

static const char *name_of(const tn_criterion *m)
{
    const char *name = m->instance->host.name;
    return name ? name : m->instance->entry->name;
}

/* Columns of the table that observers write, and what early stopping monitors, go by name. */
static tn_status check_name(const tn_judge *j, const tn_cfg *item, tn_error *e)
{
    static const char *const taken[] = {"loss", "penalty", "epoch", "learning_rate",
                                        "seconds"};
    const char *name = name_of(&j->metric[j->metrics]);
    bool other = !strncmp(name, "val_", 4);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        other = other || !strcmp(name, taken[i]);
    if (other)
        return tn_cfg_error(item, e, TN_EINVAL,
                            "metrics: '%s' is what another value is called; give it "
                            "another name",
                            name);
    for (int32_t i = 0; i < j->metrics; i++)
        if (!strcmp(name_of(&j->metric[i]), name))
            return tn_cfg_error(item, e, TN_EINVAL,
                                "metrics: there are two called '%s'; leave one out or "
                                "give it a name of its own, {%s: {name: ...}}",
                                name, j->metric[j->metrics].instance->entry->name);
    return TN_OK;
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
        tn_instance **made = &j->metric[j->metrics].instance;
        /* The loss is always there; naming it among the metrics changes nothing. */
        if (item->type == TN_CFG_SCALAR && !strcmp(item->text, "loss")) continue;
        status = tn_instance_make(j->env, "metric", item, j->real, made, e);
        if (!status) status = check_name(j, item, e);
        if (*made) j->metrics++;
    }
    return status;
}

static void name_cells(tn_judge *j, const tn_criterion *m)
{
    for (int32_t i = 0; i < m->size.rows; i++)
        for (int32_t k = 0; k < m->size.columns; k++) {
            tn_judged *v = &j->value[j->values++];
            v->row = i, v->column = k, v->better = m->instance->entry->better;
            if (m->size.columns == 1)
                snprintf(v->name, sizeof v->name, "%s[%d]", name_of(m), i);
            else
                snprintf(v->name, sizeof v->name, "%s[%d][%d]", name_of(m), i, k);
        }
}

static tn_status name_values(tn_judge *j, tn_error *e)
{
    size_t count = 1;
    for (int32_t i = 0; i < j->metrics; i++)
        count += 1 + (size_t)(j->metric[i].size.rows * j->metric[i].size.columns);
    j->value = tn_memory_array(&j->env->memory, count, sizeof *j->value, e);
    if (j->value) j->cell = tn_memory_array(&j->env->memory, count, sizeof *j->cell, e);
    if (!j->cell) return TN_ENOMEM;
    j->value[j->values++] = (tn_judged){
        .name = "loss", .row = -1, .column = -1, .better = TN_BETTER_SMALLER};
    for (int32_t i = 0; i < j->metrics; i++) {
        const tn_criterion *m = &j->metric[i];
        if (tn_bridge_of(j->real)->metric_has_value(m->instance)) {
            tn_judged *v = &j->value[j->values++];
            v->row = v->column = -1, v->better = m->instance->entry->better;
            snprintf(v->name, sizeof v->name, "%s", name_of(m));
        }
        name_cells(j, m);
    }
    return TN_OK;
}

static tn_status count_rows(tn_judge *j, const tn_graph *g, int64_t samples, tn_error *e)
{
    j->rows_per_sample = tn_rows_per_sample(tn_graph_output(g));
    if (tn_size_mul(samples, j->rows_per_sample, &j->rows)) return TN_OK;
    return tn_error_set(e, TN_ENOMEM, "%lld samples are too many", (long long)samples);
}

static tn_status place_kept(tn_judge *j, tn_criterion *m, tn_error *e)
{
    int64_t kept;
    m->first_kept = j->sums;
    if (tn_size_mul(m->size.kept, j->rows, &kept) && kept < INT64_MAX / 16 - j->sums) {
        j->sums += kept;
        return TN_OK;
    }
    return tn_blame(m->instance,
                    tn_error_set(e, TN_ENOMEM, "keeps %lld numbers of %lld rows",
                                 (long long)m->size.kept, (long long)j->rows),
                    e);
}

tn_status tn_judge_new(const tn_graph *g, const tn_cfg *root, const tn_data_info *info,
                       int32_t split, tn_judge **out, tn_error *e)
{
    *out = NULL;
    tn_judge *j = tn_memory_get(&g->env->memory, sizeof *j, e);
    if (!j) return TN_ENOMEM;
    j->env = g->env, j->real = g->real, j->sums = TN_JUDGE_SUMS;
    tn_status status = make_loss(j, root, e);
    if (!status) status = tn_judge_bind_loss(j, g, info, e);
    if (!status) status = make_metrics(j, root, info, e);
    for (int32_t i = 0; !status && i < j->metrics; i++)
        status = tn_judge_bind_metric(j, &j->metric[i], g, info, e);
    if (!status) status = count_rows(j, g, info->count[split], e);
    for (int32_t i = 0; !status && i < j->metrics; i++)
        status = place_kept(j, &j->metric[i], e);
    if (!status) status = name_values(j, e);
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
    tn_memory_put(m, j->value);
    tn_memory_put(m, j->cell);
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

static tn_status count(const tn_judge *j, const tn_plan *plan, const tn_pass *pass,
                       const tn_field *field, double *sums, tn_error *e)
{
    tn_field picked[TN_MAX_FIELDS];
    if (!j->metrics) return TN_OK; /* the loss alone has no more than two sums */
    const int64_t before = (int64_t)sums[TN_JUDGE_ROWS],
                  after = before + j->rows_per_sample * pass->samples;
    for (int32_t i = 0; i < j->metrics; i++) {
        const tn_criterion *m = &j->metric[i];
        const int64_t kept = m->size.kept;
        if (kept && after > j->rows)
            return tn_error_set(e, TN_EDATA, "there are more samples than the data says");
        pick_fields(m, field, picked);
        tn_plan_metric(plan, pass, m->instance, picked, sums + m->first_sum,
                       kept ? sums + m->first_kept + before * kept : NULL);
    }
    sums[TN_JUDGE_ROWS] = (double)after;
    return TN_OK;
}

tn_status tn_judge_add(const tn_judge *j, tn_plan *plan, const tn_pass *pass,
                       const tn_field *field, double scale, bool gradient, double *sums,
                       tn_error *e)
{
    tn_field picked[TN_MAX_FIELDS];
    double value = 0, weight = 0;
    /* A batch of a program's own has none. */
    const tn_field *given = j->given >= 0 && field[j->given].real ? &field[j->given]
                                                                  : NULL;
    /* Metrics first: preparing backward may use the memory of the outputs. */
    tn_status status = count(j, plan, pass, field, sums, e);
    if (status) return status;
    pick_fields(&j->loss, field, picked);
    status = tn_plan_loss(plan, pass, j->loss.instance, picked, given, scale, gradient,
                          &value, &weight, e);
    sums[0] += value;
    sums[1] += weight;
    return tn_blame(j->loss.instance, status, e);
}

tn_status tn_judge_weighed(const tn_judge *j, const double *sums, int32_t split,
                           tn_error *e)
{
    static const char *const names[TN_SPLITS] = {"training", "validation", "test"};
    if (sums[1] > 0) return TN_OK;
    tn_error_set(e, TN_EDATA,
                 "all rows of the %s set have weight 0, so there is nothing to take the "
                 "mean of; they come from %s",
                 names[split],
                 j->given >= 0
                     ? "the data's field 'weight', and options such as ignore_label"
                     : "options such as class_weights and ignore_label");
    return tn_blame(j->loss.instance, TN_EDATA, e);
}

double tn_judge_loss(const double *sums)
{
    return sums[1] > 0 ? sums[0] / sums[1] : NAN;
}

static tn_judged *read_table(const tn_judge *j, const tn_criterion *m,
                             const tn_seen *seen, tn_judged *v)
{
    const int64_t cells = m->size.rows * m->size.columns;
    tn_bridge_of(j->real)->metric_table(m->instance, seen, j->cell);
    for (int64_t i = 0; i < cells; i++) (v++)->value = j->cell[i];
    return v;
}

void tn_judge_read(tn_judge *j, double *sums)
{
    tn_judged *v = j->value;
    (v++)->value = tn_judge_loss(sums);
    for (int32_t i = 0; i < j->metrics; i++) {
        const tn_criterion *m = &j->metric[i];
        const tn_seen seen = {sums + m->first_sum, sums + m->first_kept,
                              (int64_t)sums[TN_JUDGE_ROWS]};
        const tn_bridge *bridge = tn_bridge_of(j->real);
        if (bridge->metric_has_value(m->instance))
            (v++)->value = bridge->metric_value(m->instance, &seen);
        if (m->size.rows) v = read_table(j, m, &seen, v);
    }
}
