/* option_check.c - judges the option table of a plugin before anything of it is used. */
#include "core/option_table.h"

#include <math.h>
#include <string.h>

#include "core/kinds.h"

static tn_status wrong(const tn_option *o, tn_error *e, const char *what)
{
    return tn_error_set(e, TN_EABI, "option '%.63s': %s", o->name, what);
}

static bool is_text_default(int32_t type)
{
    return type == TN_T_STR || type == TN_T_INTS || type == TN_T_REALS ||
           type == TN_T_PLUGIN || type == TN_T_PLUGINS || type == TN_T_GRAPH ||
           type == TN_T_GRAPHS || type == TN_T_STRS;
}

static tn_status check_choices(const tn_option *o, tn_error *e)
{
    int32_t count = 0, length, other;
    if (!o->lo.s) return wrong(o, e, "an ENUM needs its choices (\"a|b\")");
    for (const char *c; (c = tn_option_choice(o, count, &length)); count++) {
        if (!length) return wrong(o, e, "a choice is empty");
        for (int32_t i = 0; i < count; i++) {
            const char *earlier = tn_option_choice(o, i, &other);
            if (length == other && !memcmp(c, earlier, (size_t)length))
                return wrong(o, e, "a choice is there twice");
        }
    }
    if (!(o->flags & TN_REQUIRED) && (o->def.i < 0 || o->def.i >= count))
        return wrong(o, e, "the default is none of the choices");
    return TN_OK;
}

static tn_status check_number(const tn_option *o, tn_error *e)
{
    const bool moot = o->flags & (TN_REQUIRED | TN_OPTIONAL);
    const bool whole = o->type == TN_T_INT;
    if (whole ? o->lo.i > o->hi.i : !(o->lo.d <= o->hi.d))
        return wrong(o, e, "the range is empty");
    if (moot ||
        (whole ? tn_option_allows_int(o, o->def.i) : tn_option_allows_real(o, o->def.d)))
        return TN_OK;
    return wrong(o, e, "the default is outside the range");
}

/* A default in YAML flow style. */
static tn_status check_text(tn_memory *m, const tn_option *o, tn_error *e)
{
    const bool names = o->type == TN_T_PLUGIN || o->type == TN_T_PLUGINS;
    if (names && (!o->lo.s || !tn_kind_find(o->lo.s, 0)))
        return wrong(o, e, "`lo` is not the name of a kind");
    if (o->flags & (TN_REQUIRED | TN_OPTIONAL)) return TN_OK;
    if (!o->def.s)
        return wrong(o, e, "the default is NULL; is it TN_OPTIONAL or TN_REQUIRED?");
    if (o->type == TN_T_STR) return TN_OK;
    tn_pool *pool = tn_pool_new(m, e);
    if (!pool) return TN_ENOMEM;
    const tn_cfg *value = tn_pool_read(pool, o->name, o->def.s, "its default", e);
    tn_status status = value ? TN_OK : e ? e->status : TN_EABI;
    const bool numbers = o->type == TN_T_INTS || o->type == TN_T_REALS;
    const bool graphs = o->type == TN_T_GRAPH || o->type == TN_T_GRAPHS;
    const bool list = numbers || graphs || o->type == TN_T_STRS;
    if (!status && list && value->type != TN_CFG_LIST)
        status = wrong(o, e, "the default is not a list");
    for (int32_t i = 0; !status && numbers && i < value->count; i++) {
        int64_t whole;
        double real;
        status = o->type == TN_T_INTS
                     ? tn_cfg_int(value->item[i], INT64_MIN, INT64_MAX, &whole, NULL)
                     : tn_cfg_real(value->item[i], &real, NULL);
        if (status) status = wrong(o, e, "the default is not a list of numbers");
    }
    tn_pool_free(pool);
    return status;
}

static tn_status check_default(tn_memory *m, const tn_option *o, tn_error *e)
{
    if (o->type == TN_T_ENUM) return check_choices(o, e);
    if (is_text_default(o->type)) return check_text(m, o, e);
    if (o->type != TN_T_BOOL) return check_number(o, e);
    if (!(o->flags & TN_REQUIRED) && o->def.i != 0 && o->def.i != 1)
        return wrong(o, e, "the default is neither 0 nor 1");
    return TN_OK;
}

static tn_status check_flags(const tn_option *o, tn_error *e)
{
    const uint32_t known = TN_POSITIONAL | TN_REQUIRED | TN_OPTIONAL | TN_ABOVE |
                           TN_BELOW;
    if (o->type < TN_T_BOOL || o->type > TN_T_STRS) return wrong(o, e, "unknown type");
    if (o->flags & ~known) return wrong(o, e, "unknown flags");
    if ((o->flags & TN_REQUIRED) && (o->flags & TN_OPTIONAL))
        return wrong(o, e, "it cannot be both required and optional");
    if ((o->flags & TN_OPTIONAL) && (o->type == TN_T_BOOL || o->type == TN_T_ENUM))
        return wrong(o, e, "BOOL and ENUM have no unset value; give it a default");
    return TN_OK;
}

tn_status tn_option_table_check(tn_memory *m, const char *kind, const tn_option *option,
                                int32_t count, tn_error *e)
{
    int32_t hosts, positional = 0;
    const tn_option *host = tn_host_options(kind, &hosts);
    for (int32_t i = 0; i < count; i++) {
        const tn_option *o = &option[i];
        if (!o->name || !tn_name_legal(o->name))
            return tn_error_set(e, TN_EABI,
                                "option %d: its name must match [a-z][a-z0-9_]*", i);
        if (tn_option_find(option, i, o->name) >= 0) return wrong(o, e, "is there twice");
        if (tn_option_find(host, hosts, o->name) >= 0)
            return wrong(o, e, "the name belongs to an option of the host");
        if (!o->doc || !*o->doc) return wrong(o, e, "it has no description");
        tn_status status = check_flags(o, e);
        if (!status) status = check_default(m, o, e);
        if (status) return status;
        if ((o->flags & TN_POSITIONAL) && ++positional > 1)
            return wrong(o, e, "a second positional option");
    }
    return TN_OK;
}
