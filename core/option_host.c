/* option_host.c - values of the options that the host adds to every plugin of a kind.
 * Those of datasets are the feed's: it takes them out before it makes the dataset. */
#include <string.h>

#include "core/option.h"

#define MAX_NAME 40

static tn_status read_name(tn_making *m, const tn_cfg *cfg)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (tn_cfg_null(cfg)) return TN_OK;
    const size_t size = cfg->type == TN_CFG_SCALAR ? strlen(cfg->text) : 0;
    if (!size || size > MAX_NAME || strspn(cfg->text, allowed) != size)
        return tn_option_error(m, cfg, TN_EINVAL,
                               "option 'name': expected 1 to %d letters, "
                               "digits, '_' or '-'",
                               MAX_NAME);
    m->instance->host.name = cfg->text;
    return TN_OK;
}

static tn_status say(tn_instance *i, int32_t which, const tn_cfg *cfg, int32_t depth,
                     tn_error *e)
{
    static const struct {
        const char *kind, *without;
    } held[TN_SAID] = {
        {"initializer", "auto"}, {"regularizer", "none"}, {"parametrization", "none"}};
    tn_instance **const made[TN_SAID] = {&i->host.init, &i->host.regularizer,
                                         &i->host.parametrization};
    i->host.said[which] = cfg;
    if (cfg->type == TN_CFG_SCALAR && !strcmp(cfg->text, held[which].without))
        return TN_OK;
    if (which == TN_SAID_REGULARIZER)
        return tn_instance_make_list(i->env, held[which].kind, cfg, i->real, depth,
                                     made[which], e);
    return tn_instance_make_at(i->env, held[which].kind, cfg, i->real, depth, NULL,
                               made[which], e);
}

tn_status tn_instance_inherit(tn_instance *i, const tn_instance *block, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t k = 0; !status && k < TN_SAID; k++)
        if (!i->host.said[k] && block->host.said[k])
            status = say(i, k, block->host.said[k], 0, e);
    return status;
}

static tn_status read_node(tn_making *m, const tn_cfg *map)
{
    static const char *const option[TN_SAID] = {"init", "regularizer", "parametrization"};
    tn_instance *i = m->instance;
    const tn_cfg *name = tn_cfg_get(map, "name");
    i->host.inputs = tn_cfg_get(map, "inputs");
    if (i->host.inputs && tn_cfg_null(i->host.inputs)) i->host.inputs = NULL;
    tn_status status = name ? read_name(m, name) : TN_OK;
    for (int32_t k = 0; !status && k < TN_SAID; k++) {
        const tn_cfg *cfg = tn_cfg_get(map, option[k]);
        if (cfg && !tn_cfg_null(cfg)) status = say(i, k, cfg, m->depth + 1, m->error);
    }
    return status;
}

/* It goes by the rate of what it wraps then. */
static bool wraps_optimizer(const tn_instance *o)
{
    for (int32_t i = 0; i < o->children; i++)
        if (!strcmp(o->child[i]->entry->kind, "optimizer")) return true;
    return false;
}

/* The default is the optimizer's own; one that states none needs to be told. */
static tn_status read_rate(tn_making *m, const tn_cfg *map)
{
    int32_t count;
    tn_option lr = *tn_host_options("optimizer", &count);
    tn_argument argument;
    lr.def.d = m->instance->entry->learning_rate;
    if (lr.def.d == 0 && !wraps_optimizer(m->instance)) lr.flags |= TN_REQUIRED;
    const tn_status status = tn_option_read(m, &lr, tn_cfg_get(map, lr.name), &argument);
    m->instance->host.lr_dial = argument.dial.slot;
    return status;
}

tn_status tn_option_read_host(tn_making *m, const tn_cfg *map)
{
    const char *kind = m->instance->entry->kind;
    if (!strcmp(kind, "layer") || !strcmp(kind, "block")) return read_node(m, map);
    if (!strcmp(kind, "optimizer")) return read_rate(m, map);
    if (!strcmp(kind, "metric")) {
        const tn_cfg *name = tn_cfg_get(map, "name");
        return name ? read_name(m, name) : TN_OK;
    }
    return TN_OK;
}
