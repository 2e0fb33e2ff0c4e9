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

static tn_status read_plugin(tn_making *m, const char *kind, const tn_cfg *cfg,
                             tn_instance **out)
{
    if (!cfg || tn_cfg_null(cfg)) return TN_OK;
    const tn_instance *i = m->instance;
    return tn_instance_make_at(i->env, kind, cfg, i->real, m->depth + 1, NULL, out,
                               m->error);
}

static tn_status read_node(tn_making *m, const tn_cfg *map)
{
    tn_instance *i = m->instance;
    const tn_cfg *name = tn_cfg_get(map, "name");
    i->host.inputs = tn_cfg_get(map, "inputs");
    if (i->host.inputs && tn_cfg_null(i->host.inputs)) i->host.inputs = NULL;
    tn_status status = name ? read_name(m, name) : TN_OK;
    if (!status)
        status = read_plugin(m, "initializer", tn_cfg_get(map, "init"), &i->host.init);
    if (!status)
        status = read_plugin(m, "regularizer", tn_cfg_get(map, "regularizer"),
                             &i->host.regularizer);
    if (!status)
        status = read_plugin(m, "parametrization", tn_cfg_get(map, "parametrization"),
                             &i->host.parametrization);
    return status;
}

/* The default is the optimizer's own; one that states none needs to be told. */
static tn_status read_rate(tn_making *m, const tn_cfg *map)
{
    int32_t count;
    tn_option lr = *tn_host_options("optimizer", &count);
    tn_argument argument;
    lr.def.d = m->instance->entry->learning_rate;
    if (lr.def.d == 0) lr.flags |= TN_REQUIRED;
    const tn_status status = tn_option_read(m, &lr, tn_cfg_get(map, lr.name), &argument);
    m->instance->host.lr_dial = argument.dial.slot;
    return status;
}

tn_status tn_option_read_host(tn_making *m, const tn_cfg *map)
{
    const char *kind = m->instance->entry->kind;
    if (!strcmp(kind, "layer") || !strcmp(kind, "block")) return read_node(m, map);
    if (!strcmp(kind, "optimizer")) return read_rate(m, map);
    return TN_OK;
}
