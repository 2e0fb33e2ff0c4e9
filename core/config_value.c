/* config_value.c - scalars as values, by the core schema of YAML 1.2.2 (chapter
 * 10.3.2), whatever the process's locale says a decimal point is. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"

const tn_cfg *tn_cfg_get(const tn_cfg *map, const char *key)
{
    if (!map || map->type != TN_CFG_MAP) return NULL;
    for (int32_t i = 0; i < map->count; i++)
        if (!strcmp(map->item[i]->key, key)) return map->item[i];
    return NULL;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(text, *words)) return true;
    return false;
}

bool tn_cfg_null(const tn_cfg *cfg)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return cfg->type == TN_CFG_SCALAR && !cfg->quoted && is_one_of(cfg->text, words);
}

/* ---- messages -------------------------------------------------------------------- */

tn_status tn_cfg_error(const tn_cfg *cfg, tn_error *e, tn_status status,
                       const char *format, ...)
{
    char text[sizeof e->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tn_error_set(e, status, "%s", text);
    tn_cfg_in(cfg, e);
    return status;
}

/* The first value below that does not come from a file; NULL: all do. */
static const tn_cfg *find_set(const tn_cfg *cfg)
{
    if (!cfg->line) return cfg;
    for (int32_t i = 0; i < cfg->count; i++) {
        const tn_cfg *found = find_set(cfg->item[i]);
        if (found) return found;
    }
    return NULL;
}

/* What is wrong with a plugin may be the option that a --set has given it. Not so for the whole
 * config, which has no key. */
void tn_cfg_in(const tn_cfg *cfg, tn_error *e)
{
    if (!cfg) return;
    const tn_cfg *set = cfg->key ? find_set(cfg) : NULL;
    if (!cfg->line)
        tn_error_in(e, "%s", cfg->file);
    else if (set)
        tn_error_in(e, "%s:%d:%d, with %s", cfg->file, cfg->line, cfg->column, set->file);
    else
        tn_error_in(e, "%s:%d:%d", cfg->file, cfg->line, cfg->column);
}

const char *tn_cfg_place(const tn_cfg *cfg, char *text, size_t size)
{
    if (cfg->line)
        snprintf(text, size, "%s:%d", cfg->file, cfg->line);
    else
        snprintf(text, size, "%s", cfg->file);
    return text;
}

static tn_status not_expected(const tn_cfg *cfg, tn_error *e, const char *expected)
{
    char got[80];
    if (cfg->type != TN_CFG_SCALAR)
        snprintf(got, sizeof got, "%s", cfg->type == TN_CFG_LIST ? "a list" : "a map");
    else if (cfg->quoted)
        snprintf(got, sizeof got, "the text \"%.60s\"", cfg->text);
    else if (!*cfg->text)
        snprintf(got, sizeof got, "nothing");
    else
        snprintf(got, sizeof got, "'%.60s'", cfg->text);
    return tn_cfg_error(cfg, e, TN_EINVAL, "%s%sexpected %s, got %s",
                        cfg->key ? cfg->key : "", cfg->key ? ": " : "", expected, got);
}

/* ---- numbers --------------------------------------------------------------------- */

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

static const char *after_sign(const char *text)
{
    return text + (*text == '-' || *text == '+');
}

/* 10 or -3, 0x1F, 0o17: the base and where the digits begin; 0: not a whole number. */
static int whole(const char *text, const char **start)
{
    *start = text;
    if (!strncmp(text, "0x", 2)) *start = text + 2;
    if (!strncmp(text, "0o", 2)) *start = text + 2;
    const int base = *start == text ? 10 : text[1] == 'x' ? 16 : 8;
    const char *first = base == 10 ? after_sign(text) : *start;
    const char *allowed = base == 10   ? "0123456789"
                          : base == 16 ? "0123456789abcdefABCDEF"
                                       : "01234567";
    return *first && !first[strspn(first, allowed)] ? base : 0;
}

tn_status tn_cfg_int(const tn_cfg *cfg, int64_t lo, int64_t hi, int64_t *out, tn_error *e)
{
    const char *start;
    char expected[100];
    bool outside = false; /* not even an int64: then both limits are told */
    const int base = cfg->type == TN_CFG_SCALAR && !cfg->quoted ? whole(cfg->text, &start)
                                                                : 0;
    if (base) {
        errno = 0;
        const long long value = strtoll(start, NULL, base);
        if (!errno && value >= lo && value <= hi) return *out = value, TN_OK;
        outside = errno != 0;
    }
    if (!base || (lo == INT64_MIN && hi == INT64_MAX && !outside))
        snprintf(expected, sizeof expected, "a whole number");
    else if (hi == INT64_MAX && !outside)
        snprintf(expected, sizeof expected, "a whole number from %lld up", (long long)lo);
    else if (lo == INT64_MIN && !outside)
        snprintf(expected, sizeof expected, "a whole number up to %lld", (long long)hi);
    else
        snprintf(expected, sizeof expected, "a whole number from %lld to %lld",
                 (long long)lo, (long long)hi);
    return not_expected(cfg, e, expected);
}

/* [-+]? (digits [. digits?]? | . digits) ([eE] [-+]? digits)? */
static bool is_decimal(const char *text)
{
    text = after_sign(text);
    const size_t before = digits(text);
    text += before;
    size_t behind = 0;
    if (*text == '.') behind = digits(++text);
    text += behind;
    if (!before && !behind) return false;
    if (*text == 'e' || *text == 'E') {
        text = after_sign(text + 1);
        const size_t exponent = digits(text);
        if (!exponent) return false;
        text += exponent;
    }
    return !*text;
}

/* .inf, -.inf, .nan */
static bool special(const char *text, double *out)
{
    static const char *const inf[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nan[] = {".nan", ".NaN", ".NAN", NULL};
    if (is_one_of(text, nan)) return *out = NAN, true;
    if (!is_one_of(after_sign(text), inf)) return false;
    *out = *text == '-' ? -INFINITY : INFINITY;
    return true;
}

static double parse_decimal(const char *text)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const double value = plain ? strtod_l(text, NULL, plain) : strtod(text, NULL);
    if (plain) freelocale(plain);
    return value;
}

tn_status tn_cfg_real(const tn_cfg *cfg, double *out, tn_error *e)
{
    const char *start;
    if (cfg->type != TN_CFG_SCALAR || cfg->quoted)
        return not_expected(cfg, e, "a number");
    if (special(cfg->text, out)) return TN_OK;
    if (is_decimal(cfg->text)) {
        const double value = parse_decimal(cfg->text);
        if (isinf(value)) return not_expected(cfg, e, "a number below 1.8e308");
        return *out = value, TN_OK;
    }
    const int base = whole(cfg->text, &start);
    if (!base) return not_expected(cfg, e, "a number");
    errno = 0;
    const unsigned long long value = strtoull(start, NULL, base);
    if (errno) return not_expected(cfg, e, "a number below 2^64");
    return *out = (double)value, TN_OK;
}

tn_status tn_cfg_bool(const tn_cfg *cfg, int32_t *out, tn_error *e)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    const bool plain = cfg->type == TN_CFG_SCALAR && !cfg->quoted;
    if (plain && is_one_of(cfg->text, yes)) return *out = 1, TN_OK;
    if (plain && is_one_of(cfg->text, no)) return *out = 0, TN_OK;
    return not_expected(cfg, e, "true or false");
}

/* ---- keys ------------------------------------------------------------------------ */

static tn_status unknown_key(const tn_cfg *item, const char *const *allowed, tn_error *e)
{
    char list[500] = "";
    int32_t count = 0;
    size_t used = 0;
    for (; allowed[count]; count++)
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                     count ? ", " : "", allowed[count]);
    const char *near = tn_nearest(item->key, allowed, count);
    return tn_cfg_error(item, e, TN_EINVAL, "unknown key '%.60s'%s%s%s; allowed: %s",
                        item->key, near ? "; did you mean '" : "", near ? near : "",
                        near ? "'?" : "", count ? list : "none");
}

tn_status tn_cfg_only(const tn_cfg *map, const char *const *allowed, tn_error *e)
{
    if (tn_cfg_null(map)) return TN_OK;
    if (map->type != TN_CFG_MAP) return not_expected(map, e, "a map ('key: value')");
    for (int32_t i = 0; i < map->count; i++)
        if (!is_one_of(map->item[i]->key, allowed))
            return unknown_key(map->item[i], allowed, e);
    return TN_OK;
}
