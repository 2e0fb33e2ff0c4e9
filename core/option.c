/* option.c - option values without plugins in them: see option.h. */
#include "core/option.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- messages ---------------------------------------------------------------------- */

tn_status tn_option_error(const tn_making *m, const tn_cfg *cfg, tn_status status,
                          const char *format, ...)
{
    char text[sizeof m->error->text];
    const tn_entry *entry = m->instance->entry;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!cfg) cfg = m->instance->where;
    return tn_cfg_error(cfg, m->error, status, "%s/%s: %s", entry->kind, entry->name,
                        text);
}

tn_status tn_option_expected(const tn_making *m, const tn_option *o, const tn_cfg *cfg,
                             const char *what)
{
    const char *quote = cfg->quoted ? "\"" : "'";
    if (cfg->type != TN_CFG_SCALAR || (!*cfg->text && !cfg->quoted))
        return tn_option_error(m, cfg, TN_EINVAL, "option '%s': expected %s, got %s",
                               o->name, what,
                               cfg->type == TN_CFG_LIST  ? "a list"
                               : cfg->type == TN_CFG_MAP ? "a map"
                                                         : "nothing");
    return tn_option_error(m, cfg, TN_EINVAL, "option '%s': expected %s, got %s%.60s%s",
                           o->name, what, quote, cfg->text, quote);
}

static tn_status outside(const tn_making *m, const tn_option *o, const tn_cfg *cfg)
{
    char range[80];
    tn_option_range_text(o, range, sizeof range);
    return tn_option_error(m, cfg, TN_EINVAL, "option '%s' = %.40s is outside %s",
                           o->name, cfg->text, range);
}

/* ---- scalars ----------------------------------------------------------------------- */

static tn_status read_int(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                          tn_argument *out)
{
    if (tn_cfg_int(cfg, INT64_MIN, INT64_MAX, &out->whole, NULL))
        return tn_option_expected(m, o, cfg, "a whole number");
    return tn_option_allows_int(o, out->whole) ? TN_OK : outside(m, o, cfg);
}

tn_status tn_option_read_number(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                                double *out)
{
    if (tn_cfg_real(cfg, out, NULL)) return tn_option_expected(m, o, cfg, "a number");
    return tn_option_allows_real(o, *out) ? TN_OK : outside(m, o, cfg);
}

static tn_status read_bool(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                           tn_argument *out)
{
    if (tn_cfg_bool(cfg, &out->choice, NULL))
        return tn_option_expected(m, o, cfg, "true or false");
    return TN_OK;
}

static tn_status read_text(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                           tn_argument *out)
{
    if (cfg->type != TN_CFG_SCALAR || tn_cfg_null(cfg))
        return tn_option_expected(m, o, cfg, "a text");
    out->pointer = tn_pool_text(m->pool, cfg->text, m->error);
    return out->pointer ? TN_OK : TN_ENOMEM;
}

/* A single text is a list of one. */
static tn_status read_texts(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                            tn_argument *out)
{
    const bool is_list = cfg->type == TN_CFG_LIST;
    const int32_t count = is_list ? cfg->count : 1;
    const char **at = tn_pool_get(m->pool, (size_t)count, sizeof *at, m->error);
    tn_str_list *list = tn_pool_get(m->pool, 1, sizeof *list, m->error);
    if (!at || !list) return TN_ENOMEM;
    *list = (tn_str_list){count, at};
    for (int32_t i = 0; i < count; i++) {
        tn_argument one = {0};
        const tn_status status = read_text(m, o, is_list ? cfg->item[i] : cfg, &one);
        if (status) return status;
        at[i] = one.pointer;
    }
    out->pointer = list;
    return TN_OK;
}

static tn_status read_choice(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                             tn_argument *out)
{
    char choices[400];
    int32_t length;
    const char *choice;
    for (int32_t i = 0; (choice = tn_option_choice(o, i, &length)); i++)
        if (cfg->type == TN_CFG_SCALAR && strlen(cfg->text) == (size_t)length &&
            !memcmp(cfg->text, choice, (size_t)length))
            return out->choice = i, TN_OK;
    tn_option_type_text(o, choices, sizeof choices);
    return tn_option_expected(m, o, cfg, choices);
}

/* ---- defaults ---------------------------------------------------------------------- */

static tn_status unset(tn_making *m, const tn_option *o, tn_argument *out)
{
    if (o->type == TN_T_INT)
        out->whole = TN_UNSET_INT;
    else if (o->type == TN_T_REAL)
        out->real = NAN;
    else if (o->type == TN_T_SCHEDULABLE)
        return tn_option_read_dial(m, o, NULL, NAN, out);
    else
        out->pointer = NULL;
    return TN_OK;
}

static tn_status read_given(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                            tn_argument *out)
{
    switch (o->type) {
    case TN_T_BOOL: return read_bool(m, o, cfg, out);
    case TN_T_INT: return read_int(m, o, cfg, out);
    case TN_T_REAL: return tn_option_read_number(m, o, cfg, &out->real);
    case TN_T_SCHEDULABLE: return tn_option_read_dial(m, o, cfg, 0, out);
    case TN_T_STR: return read_text(m, o, cfg, out);
    case TN_T_ENUM: return read_choice(m, o, cfg, out);
    case TN_T_INTS:
    case TN_T_REALS: return tn_option_read_list(m, o, cfg, out);
    case TN_T_STRS: return read_texts(m, o, cfg, out);
    default: return tn_option_read_plugins(m, o, cfg, out);
    }
}

static tn_status read_default(tn_making *m, const tn_option *o, tn_argument *out)
{
    const tn_entry *entry = m->instance->entry;
    char name[160];
    switch (o->type) {
    case TN_T_BOOL:
    case TN_T_ENUM: return out->choice = (int32_t)o->def.i, TN_OK;
    case TN_T_INT: return out->whole = o->def.i, TN_OK;
    case TN_T_REAL: return out->real = o->def.d, TN_OK;
    case TN_T_SCHEDULABLE: return tn_option_read_dial(m, o, NULL, o->def.d, out);
    case TN_T_STR: return out->pointer = o->def.s, TN_OK;
    default: break;
    }
    snprintf(name, sizeof name, "%s/%s: default of %s", entry->kind, entry->name,
             o->name);
    const tn_cfg *cfg = tn_pool_read(m->pool, o->name, o->def.s, name, m->error);
    return cfg ? read_given(m, o, cfg, out) : TN_EABI;
}

tn_status tn_option_read(tn_making *m, const tn_option *o, const tn_cfg *given,
                         tn_argument *out)
{
    *out = (tn_argument){0};
    if (given && (o->flags & TN_OPTIONAL) && tn_cfg_null(given)) given = NULL;
    if (given) return read_given(m, o, given, out);
    if (o->flags & TN_REQUIRED)
        return tn_option_error(m, NULL, TN_EINVAL, "option '%s' is required (%s)",
                               o->name, o->doc);
    return o->flags & TN_OPTIONAL ? unset(m, o, out) : read_default(m, o, out);
}

/* ---- lists of numbers -------------------------------------------------------------- */

/* One item has the type's bounds, which are open. */
static tn_status read_item(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                           int64_t *whole, double *real)
{
    if (o->type == TN_T_INTS)
        return tn_cfg_int(cfg, INT64_MIN + 1, INT64_MAX, whole, NULL)
                   ? tn_option_expected(m, o, cfg, "a whole number")
                   : TN_OK;
    return tn_cfg_real(cfg, real, NULL) || !isfinite(*real)
               ? tn_option_expected(m, o, cfg, "a number")
               : TN_OK;
}

/* A single number is a list of one. */
tn_status tn_option_read_list(tn_making *m, const tn_option *o, const tn_cfg *cfg,
                              tn_argument *out)
{
    const bool whole = o->type == TN_T_INTS, list = cfg->type == TN_CFG_LIST;
    if (cfg->type == TN_CFG_MAP)
        return tn_option_expected(m, o, cfg, whole ? "whole numbers" : "numbers");
    const int32_t count = list ? cfg->count : 1;
    int64_t *ints = tn_pool_get(m->pool, (size_t)count, sizeof *ints, m->error);
    double *reals = tn_pool_get(m->pool, (size_t)count, sizeof *reals, m->error);
    void *head = tn_pool_get(m->pool, 1, sizeof(tn_int_list), m->error);
    if (!ints || !reals || !head) return TN_ENOMEM;
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < count; i++)
        status = read_item(m, o, list ? cfg->item[i] : cfg, &ints[i], &reals[i]);
    if (whole)
        *(tn_int_list *)head = (tn_int_list){count, ints};
    else
        *(tn_real_list *)head = (tn_real_list){count, reals};
    out->pointer = head;
    return status;
}
