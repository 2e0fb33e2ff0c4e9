/* option_plugin.c - options that hold other plugins: PLUGIN, PLUGINS, GRAPH, GRAPHS, and
 * schedules behind SCHEDULABLE numbers. The instances made here are children of the one
 * in the making. */
#include <math.h>

#include "core/option.h"

static tn_status add_child(tn_making *m, const char *kind, const tn_cfg *cfg,
                           tn_instance **out)
{
    tn_instance *i = m->instance;
    tn_memory *memory = &i->env->memory;
    tn_instance **grown = tn_memory_grow(
        memory, i->child, sizeof *grown * ((size_t)i->children + 1), m->error);
    if (!grown) return TN_ENOMEM;
    i->child = grown;
    const tn_status status = tn_instance_make_at(i->env, kind, cfg, i->real, m->depth + 1,
                                                 NULL, out, m->error);
    if (!status) i->child[i->children++] = *out;
    return status;
}

/* ---- schedulable numbers ----------------------------------------------------------- */

static tn_status add_dial(tn_making *m, tn_dial_state state, tn_argument *out)
{
    tn_instance *i = m->instance;
    const size_t count = (size_t)i->dials + 1;
    tn_dial_state *dial = tn_memory_grow(&i->env->memory, i->dial, count * sizeof *dial,
                                         m->error);
    if (!dial) return TN_ENOMEM;
    i->dial = dial;
    double *now = tn_memory_grow(&i->env->memory, i->now, count * sizeof *now, m->error);
    if (!now) return TN_ENOMEM;
    i->now = now;
    out->dial = (tn_dial){.slot = i->dials, .turns = state.schedule != NULL};
    i->dial[i->dials] = state;
    i->now[i->dials++] = state.constant;
    return TN_OK;
}

tn_status tn_option_read_dial(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                              double value, tn_argument *out)
{
    tn_dial_state state = {.constant = value, .option = *o, .where = cfg};
    double number;
    tn_status status = TN_OK;
    if (cfg && !tn_cfg_real(cfg, &number, NULL)) {
        status = tn_option_read_number(m, o, cfg, &state.constant);
    } else if (cfg) {
        if (cfg->type == TN_CFG_LIST || tn_cfg_null(cfg) ||
            (cfg->type == TN_CFG_SCALAR && !tn_name_legal(cfg->text)))
            return tn_option_expected(m, o, cfg, "a number or a schedule");
        status = add_child(m, "schedule", cfg, &state.schedule);
        if (status == TN_ENOTFOUND && cfg->type == TN_CFG_SCALAR) {
            const tn_error why = *m->error;
            return tn_error_set(m->error, TN_EINVAL,
                                "%s; option '%s' takes a number or a "
                                "schedule",
                                why.text, o->name);
        }
    }
    return status ? status : add_dial(m, state, out);
}

/* ---- plugins ----------------------------------------------------------------------- */

static tn_status read_plugin(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                             tn_argument *out)
{
    tn_instance *child;
    const tn_status status = add_child(m, o->lo.s, cfg, &child);
    out->pointer = status ? NULL : &child->ref;
    return status;
}

/* A single plugin is a list of one, nothing an empty list. */
static tn_status read_plugin_list(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                                  tn_argument *out)
{
    const bool list = cfg->type == TN_CFG_LIST;
    const int32_t count = list ? cfg->count : !tn_cfg_null(cfg);
    tn_ref *at = tn_pool_get(m->pool, (size_t)count, sizeof *at, m->error);
    tn_ref_list *head = tn_pool_get(m->pool, 1, sizeof *head, m->error);
    if (!at || !head) return TN_ENOMEM;
    for (int32_t i = 0; i < count; i++) {
        tn_argument one;
        const tn_status status = read_plugin(m, o, list ? cfg->item[i] : cfg, &one);
        if (status) return status;
        at[i] = one.pointer;
    }
    *head = (tn_ref_list){count, at};
    out->pointer = head;
    return TN_OK;
}

/* A single node is a list of one. What the nodes say is checked when the graph is
 * built. */
static tn_status read_graph(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                            tn_argument *out)
{
    if (tn_cfg_null(cfg)) return tn_option_expected(m, o, cfg, "a list of layers");
    struct tn_graph_data *graph = tn_pool_get(m->pool, 1, sizeof *graph, m->error);
    tn_cfg *list = tn_pool_get(m->pool, 1, sizeof *list, m->error);
    tn_cfg **item = tn_pool_get(m->pool, 1, sizeof *item, m->error);
    if (!graph || !list || !item) return TN_ENOMEM;
    *item = (tn_cfg *)cfg;
    *list = *cfg;
    list->type = TN_CFG_LIST, list->count = 1, list->item = item;
    graph->list = cfg->type == TN_CFG_LIST ? cfg : list;
    out->pointer = graph;
    return TN_OK;
}

static tn_status read_graph_list(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                                 tn_argument *out)
{
    if (cfg->type != TN_CFG_LIST)
        return tn_option_expected(m, o, cfg, "a list of lists of layers");
    tn_graph_ref *at = tn_pool_get(m->pool, (size_t)cfg->count, sizeof *at, m->error);
    tn_graph_list *head = tn_pool_get(m->pool, 1, sizeof *head, m->error);
    if (!at || !head) return TN_ENOMEM;
    for (int32_t i = 0; i < cfg->count; i++) {
        tn_argument one = {0};
        const tn_status status = read_graph(m, o, cfg->item[i], &one);
        if (status) return status;
        at[i] = one.pointer;
    }
    *head = (tn_graph_list){cfg->count, at};
    out->pointer = head;
    return TN_OK;
}

tn_status tn_option_read_plugins(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                                 tn_argument *out)
{
    if (o->type == TN_T_PLUGIN) return read_plugin(m, o, cfg, out);
    if (o->type == TN_T_PLUGINS) return read_plugin_list(m, o, cfg, out);
    if (o->type == TN_T_GRAPHS) return read_graph_list(m, o, cfg, out);
    return read_graph(m, o, cfg, out);
}
