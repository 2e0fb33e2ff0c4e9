/* instance.c - from the name of a plugin in a config to an object: see instance.h.
 *
 * A plugin stands in a config as `name`, as {name: {option: value}}, or as {name: value}
 * where it has a positional option. A map is always a map of options, but for one case:
 * the positional option holds plugins (a schedule, say) or layers, and the only key of
 * the map names such a plugin and no option. */
#include "core/instance.h"

#include <math.h>
#include <string.h>

#include "core/kinds.h"
#include "core/option.h"
#include "core/registry.h"

#define MAX_DEPTH 16

/* ---- name and options -------------------------------------------------------------- */

typedef struct naming {
    const char *name;
    const tn_cfg *where;
    const tn_cfg *body; /* NULL: nothing is set */
} naming;

static tn_status split(const tn_cfg *cfg, const char *kind, naming *n, tn_error *e)
{
    double number;
    const bool schedule = !strcmp(kind, "schedule");
    *n = (naming){.where = cfg};
    if (cfg->type == TN_CFG_SCALAR && !strcmp(kind, "regularizer") &&
        !tn_cfg_real(cfg, &number, NULL))
        return tn_cfg_error(cfg, e, TN_EINVAL,
                            "expected the name of a regularizer, got the number %.40s; "
                            "write {l2: %.40s}",
                            cfg->text, cfg->text);
    if (cfg->type == TN_CFG_SCALAR && schedule && !tn_cfg_real(cfg, &number, NULL)) {
        n->name = "constant", n->body = cfg;
        return TN_OK;
    }
    if (cfg->type == TN_CFG_SCALAR && !tn_cfg_null(cfg))
        return n->name = cfg->text, TN_OK;
    if (cfg->type == TN_CFG_MAP && cfg->count == 1) {
        const tn_cfg *item = cfg->item[0];
        n->name = item->key, n->where = item;
        n->body = tn_cfg_null(item) ? NULL : item;
        return TN_OK;
    }
    if (cfg->type == TN_CFG_MAP && cfg->count > 1)
        return tn_cfg_error(
            cfg, e, TN_EINVAL,
            "expected one %s, got a map with the keys '%.40s' "
            "and '%.40s'; options go below the name: {name: {option: value}}%s",
            kind, cfg->item[0]->key, cfg->item[1]->key,
            strcmp(kind, "regularizer")
                ? ""
                : ", and several stand in a list: [{l1: 1e-3}, {l2: 1e-3}]");
    return tn_cfg_error(cfg, e, TN_EINVAL,
                        "expected the name of %s %s or {name: {option: "
                        "value}}, got %s",
                        tn_kind_article(kind), kind,
                        cfg->type == TN_CFG_LIST  ? "a list"
                        : cfg->type == TN_CFG_MAP ? "an empty map"
                                                  : "nothing");
}

/* Where there is no layer of that name, a block may stand. */
static tn_status find_entry(tn_env *env, const char *kind, const naming *n,
                            const tn_entry **entry, tn_error *e)
{
    tn_status status = tn_registry_find(env->registry, kind, n->name, entry, e);
    if (status == TN_ENOTFOUND && !strcmp(kind, "layer")) {
        tn_error block = {0};
        const tn_status other = tn_registry_find(env->registry, "block", n->name, entry,
                                                 &block);
        if (other != TN_ENOTFOUND) status = other, *e = block;
    }
    if (!status) return TN_OK;
    const tn_error why = *e;
    return tn_cfg_error(n->where, e, status, "%s", why.text);
}

/* ---- options ----------------------------------------------------------------------- */

static bool is_option(const tn_entry *entry, const char *key)
{
    int32_t hosts;
    const tn_option *host = tn_host_options(entry->kind, &hosts);
    return tn_option_find(entry->options, (int32_t)entry->option_count, key) >= 0 ||
           tn_option_find(host, hosts, key) >= 0;
}

/* The kind of plugin that the option holds, or NULL. */
static const char *kind_held(const tn_option *o)
{
    if (o->type == TN_T_PLUGIN || o->type == TN_T_PLUGINS) return o->lo.s;
    if (o->type == TN_T_SCHEDULABLE) return "schedule";
    return o->type == TN_T_GRAPH ? "layer" : NULL;
}

/* Whether there is such a plugin, be it a broken one. */
static bool is_plugin(tn_env *env, const char *kind, const char *name)
{
    const tn_entry *entry;
    if (!tn_name_legal(name)) return false;
    if (tn_registry_find(env->registry, kind, name, &entry, NULL) != TN_ENOTFOUND)
        return true;
    return !strcmp(kind, "layer") && is_plugin(env, "block", name);
}

/* The body as the positional option's value, or NULL: it is a map of options. */
static const tn_cfg *positional_value(tn_env *env, const tn_entry *entry,
                                      int32_t positional, const tn_cfg *body)
{
    if (!body || positional < 0) return NULL;
    if (body->type != TN_CFG_MAP) return body;
    const char *kind = kind_held(&entry->options[positional]);
    if (!kind || body->count != 1 || is_option(entry, body->item[0]->key)) return NULL;
    return is_plugin(env, kind, body->item[0]->key) ? body : NULL;
}

/* Options of layers in Keras that are said elsewhere here. */
static const char *said_elsewhere(const tn_entry *entry, const char *option)
{
    if (strcmp(entry->kind, "layer")) return NULL;
    if (!strcmp(option, "activation"))
        return "an activation is a layer of its own, behind this one: - relu";
    if (!strcmp(option, "trainable"))
        return "what is not trained stands in the section parameters: [{match: NAME, "
               "freeze: true}]";
    return NULL;
}

static tn_status unknown_option(const tn_making *m, const tn_cfg *item)
{
    const tn_entry *entry = m->instance->entry;
    const int32_t own = (int32_t)entry->option_count;
    int32_t hosts, count = 0;
    const tn_option *host = tn_host_options(entry->kind, &hosts);
    const char *names[own + hosts + 1];
    char list[600] = "it has none";
    size_t used = 0;
    for (int32_t i = 0; i < own; i++) names[count++] = entry->options[i].name;
    for (int32_t i = 0; i < hosts; i++) names[count++] = host[i].name;
    const char *where = said_elsewhere(entry, item->key);
    if (where)
        return tn_option_error(m, item, TN_EINVAL, "unknown option '%.60s'; %s",
                               item->key, where);
    const char *near = tn_nearest(item->key, names, count);
    if (near)
        return tn_option_error(m, item, TN_EINVAL,
                               "unknown option '%.60s'; did you mean '%s'?", item->key,
                               near);
    for (int32_t i = 0; i < count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 i ? ", " : "it has ", names[i]);
    return tn_option_error(m, item, TN_EINVAL, "unknown option '%.60s'; %s", item->key,
                           list);
}

static tn_status check_keys(const tn_making *m, const tn_cfg *map)
{
    const tn_entry *entry = m->instance->entry;
    for (int32_t i = 0; map && i < map->count; i++) {
        const tn_cfg *item = map->item[i];
        if (!is_option(entry, item->key)) return unknown_option(m, item);
        if (!strcmp(entry->kind, "dataset") &&
            tn_option_find(entry->options, (int32_t)entry->option_count, item->key) < 0)
            return tn_option_error(m, item, TN_EINVAL,
                                   "option '%s' belongs to the dataset right "
                                   "below `data`",
                                   item->key);
    }
    return TN_OK;
}

static tn_status read_options(tn_making *m, const tn_cfg *body, tn_argument **out)
{
    const tn_entry *entry = m->instance->entry;
    const int32_t count = (int32_t)entry->option_count;
    const int32_t positional = tn_option_positional(entry->options, count);
    const tn_cfg *value = positional_value(m->instance->env, entry, positional, body);
    const tn_cfg *map = value ? NULL : body;
    if (map && map->type != TN_CFG_MAP)
        return tn_option_error(m, map, TN_EINVAL,
                               "takes no value of its own; write {%s: "
                               "{option: value}}",
                               entry->name);
    tn_argument *argument = tn_pool_get(m->pool, (size_t)count, sizeof *argument,
                                        m->error);
    if (!argument) return TN_ENOMEM;
    tn_status status = check_keys(m, map);
    for (int32_t i = 0; !status && i < count; i++)
        status = tn_option_read(
            m, &entry->options[i],
            i == positional && value ? value : tn_cfg_get(map, entry->options[i].name),
            &argument[i]);
    *out = argument;
    return status ? status : tn_option_read_host(m, map);
}

/* ---- the object -------------------------------------------------------------------- */

static tn_status make_self(tn_instance *i, const tn_argument *argument, tn_error *e)
{
    tn_memory *memory = &i->env->memory;
    if (i->impl->self_size) {
        i->self = tn_memory_get(memory, i->impl->self_size, e);
        if (!i->self) return TN_ENOMEM;
    }
    i->vtable = i->impl->vtable; /* from here on there is something to destroy */
    const tn_head *head = i->vtable;
    i->number_count = head->numbers;
    i->numbers = tn_memory_array(memory, (size_t)head->numbers, sizeof *i->numbers, e);
    if (!i->numbers) return TN_ENOMEM;
    i->ref = (tn_ref_data){i->entry->kind, i->entry->name, i->self,
                           i->vtable,      i->now,         i->numbers};
    return i->impl->construct ? tn_instance_construct(i, argument, e) : TN_OK;
}

/* Dials stand as at the start of a run when check sees them. */
static tn_status check_self(tn_instance *i, tn_error *e)
{
    const tn_head *head = i->vtable;
    tn_instance_tick(i, &tn_clock_start);
    if (!head->check) return TN_OK;
    tn_calling calling;
    tn_error why = {0};
    tn_call *call = tn_call_make(&calling, i->env, i, i->real, &why);
    const tn_status status = tn_call_end(&calling, head->check(i->self, call));
    if (!status) return TN_OK;
    return tn_cfg_error(i->where, e, status, "%s/%s: %s", i->entry->kind, i->entry->name,
                        why.text);
}

static tn_status fill(tn_making *m, const char *kind, const tn_cfg *cfg)
{
    tn_instance *i = m->instance;
    naming n;
    tn_argument *argument = NULL;
    tn_status status = split(cfg, kind, &n, m->error);
    if (!status) status = find_entry(i->env, kind, &n, &i->entry, m->error);
    if (status) return status;
    i->where = n.where;
    i->impl = i->entry->impl[i->real];
    if (!i->impl)
        return tn_option_error(m, NULL, TN_ENOTSUP,
                               "has no %s half; choose the other precision",
                               i->real ? "double" : "float");
    status = read_options(m, n.body, &argument);
    if (!status) status = make_self(i, argument, m->error);
    return status ? status : check_self(i, m->error);
}

tn_status tn_instance_make_at(tn_env *env, const char *kind, const tn_cfg *cfg,
                              int32_t real, int32_t depth, tn_pool *pool,
                              tn_instance **out, tn_error *e)
{
    tn_error unwanted;
    tn_making m = {.depth = depth, .error = e ? e : &unwanted};
    tn_status status = TN_ENOMEM;
    *out = NULL;
    m.pool = pool ? pool : tn_pool_new(&env->memory, m.error);
    m.instance = m.pool ? tn_memory_get(&env->memory, sizeof *m.instance, m.error) : NULL;
    if (!m.instance) {
        tn_pool_free(m.pool);
        return TN_ENOMEM;
    }
    m.instance->env = env, m.instance->real = real, m.instance->blocks = m.pool;
    if (depth > MAX_DEPTH)
        status = tn_cfg_error(cfg, m.error, TN_EINVAL,
                              "plugins are nested more than %d deep", MAX_DEPTH);
    else
        status = fill(&m, kind, cfg);
    if (status)
        tn_instance_free(m.instance);
    else
        *out = m.instance;
    return status;
}

tn_status tn_instance_make(tn_env *env, const char *kind, const tn_cfg *cfg, int32_t real,
                           tn_instance **out, tn_error *e)
{
    return tn_instance_make_at(env, kind, cfg, real, 0, NULL, out, e);
}

tn_status tn_instance_make_list(tn_env *env, const char *kind, const tn_cfg *cfg,
                                int32_t real, int32_t depth, tn_instance **out,
                                tn_error *e)
{
    tn_instance **last = out;
    *out = NULL;
    if (cfg->type != TN_CFG_LIST)
        return tn_instance_make_at(env, kind, cfg, real, depth, NULL, out, e);
    for (int32_t i = 0; i < cfg->count; i++, last = &(*last)->next) {
        const tn_status status = tn_instance_make_at(env, kind, cfg->item[i], real, depth,
                                                     NULL, last, e);
        if (!status) continue;
        tn_instance_free(*out);
        *out = NULL;
        return status;
    }
    return TN_OK;
}

tn_status tn_instance_named(tn_env *env, const char *kind, const char *name,
                            const char *options, int32_t real, tn_instance **out,
                            tn_error *e)
{
    char place[160];
    *out = NULL;
    const tn_entry *none;
    if (!tn_name_legal(name))
        return tn_registry_find(env->registry, kind, name, &none, e);
    tn_pool *pool = tn_pool_new(&env->memory, e);
    if (!pool) return TN_ENOMEM;
    tn_error unwanted;
    if (!e) e = &unwanted;
    snprintf(place, sizeof place, "options of %s", name);
    const tn_cfg *item = tn_pool_read(pool, name, options ? options : "", place, e);
    tn_cfg *cfg = item ? tn_pool_get(pool, 1, sizeof *cfg, e) : NULL;
    tn_cfg **only = cfg ? tn_pool_get(pool, 1, sizeof *only, e) : NULL;
    if (!only) {
        tn_pool_free(pool);
        return e->status;
    }
    *only = (tn_cfg *)item;
    *cfg = *item;
    cfg->type = TN_CFG_MAP, cfg->count = 1, cfg->item = only;
    return tn_instance_make_at(env, kind, cfg, real, 0, pool, out, e);
}

/* ---- the end ----------------------------------------------------------------------- */

static void destroy_self(tn_instance *i)
{
    const tn_head *head = i->vtable;
    tn_calling calling;
    if (head && head->destroy)
        head->destroy(i->self, tn_call_make(&calling, i->env, i, i->real, NULL));
}

void tn_instance_free(tn_instance *i)
{
    if (!i) return;
    tn_memory *memory = &i->env->memory;
    destroy_self(i);
    for (int32_t k = i->children; k-- > 0;) tn_instance_free(i->child[k]);
    tn_instance_free(i->host.init);
    tn_instance_free(i->host.regularizer);
    tn_instance_free(i->host.parametrization);
    tn_instance_free(i->next);
    tn_memory_put(memory, i->child);
    tn_memory_put(memory, i->dial);
    tn_memory_put(memory, i->now);
    tn_memory_put(memory, i->numbers);
    tn_memory_put(memory, i->self);
    tn_pool_free(i->blocks);
    tn_memory_put(memory, i);
}
