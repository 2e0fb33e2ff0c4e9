/* trainer_same.c - does a config go on with the run that a checkpoint is of?
 *
 * What a resumed run computes hangs on its seed, precision, data, model, init, loss and
 * regularizer, and on the kinds of its optimizer and gradient plugins: with any of them changed
 * it would be another experiment that began from foreign weights. Metrics and the observers'
 * names say which tensors the checkpoint has, and so does what is frozen. Everything else may
 * differ: more epochs, other learning rates, options of observers. Trees are compared, not texts: 0.001 is 1e-3, and the
 * order of a map's keys says nothing. */
#include <stdio.h>
#include <string.h>

#include "core/trainer.h"

/* The first part of two trees that differs; NULL: not there. */
typedef struct difference {
    char path[300];
    const tn_cfg *before, *now;
} difference;

static bool same_scalar(const tn_cfg *a, const tn_cfg *b)
{
    int64_t i, k;
    double x, y;
    if (!strcmp(a->text, b->text)) return a->quoted == b->quoted;
    if (a->quoted || b->quoted) return false;
    if (!tn_cfg_int(a, INT64_MIN, INT64_MAX, &i, NULL) &&
        !tn_cfg_int(b, INT64_MIN, INT64_MAX, &k, NULL))
        return i == k;
    return !tn_cfg_real(a, &x, NULL) && !tn_cfg_real(b, &y, NULL) && x == y;
}

static bool same(const tn_cfg *before, const tn_cfg *now, difference *d);

/* One step further down; the path stays where a difference is found. */
static bool same_part(const char *step, const tn_cfg *before, const tn_cfg *now,
                      difference *d)
{
    const size_t length = strlen(d->path);
    snprintf(d->path + length, sizeof d->path - length, "%s%s", length ? "." : "", step);
    const bool equal = same(before, now, d);
    if (equal) d->path[length] = 0;
    return equal;
}

static bool same_list(const tn_cfg *before, const tn_cfg *now, difference *d)
{
    char step[16];
    if (before->count != now->count) return false;
    for (int32_t i = 0; i < now->count; i++) {
        snprintf(step, sizeof step, "%d", i);
        if (!same_part(step, before->item[i], now->item[i], d)) return false;
    }
    return true;
}

static bool same_map(const tn_cfg *before, const tn_cfg *now, difference *d)
{
    for (int32_t i = 0; i < now->count; i++) {
        const char *key = now->item[i]->key;
        if (!same_part(key, tn_cfg_get(before, key), now->item[i], d)) return false;
    }
    for (int32_t i = 0; i < before->count; i++) {
        const char *key = before->item[i]->key;
        if (!tn_cfg_get(now, key) && !same_part(key, before->item[i], NULL, d))
            return false;
    }
    return true;
}

static bool same(const tn_cfg *before, const tn_cfg *now, difference *d)
{
    if (!before && !now) return true;
    d->before = before;
    d->now = now;
    if (!before || !now || before->type != now->type) return false;
    if (now->type == TN_CFG_SCALAR) return same_scalar(before, now);
    if (now->type == TN_CFG_MAP && before->count == 1 && now->count == 1 &&
        strcmp(before->item[0]->key, now->item[0]->key))
        return false; /* another plugin: the whole differs */
    return now->type == TN_CFG_LIST ? same_list(before, now, d)
                                    : same_map(before, now, d);
}

/* ---- plugins by name ------------------------------------------------------------------ */

static int32_t plugins_in(const tn_cfg *section)
{
    if (!section || (section->type == TN_CFG_SCALAR && tn_cfg_null(section))) return 0;
    return section->type == TN_CFG_LIST ? section->count : 1;
}

static const char *plugin_name(const tn_cfg *section, int32_t i)
{
    const tn_cfg *one = section->type == TN_CFG_LIST ? section->item[i] : section;
    if (one->type == TN_CFG_SCALAR) return one->text;
    return one->type == TN_CFG_MAP && one->count ? one->item[0]->key : "";
}

static bool same_plugins(const char *key, const tn_cfg *before, const tn_cfg *now,
                         difference *d)
{
    *d = (difference){.before = before, .now = now};
    snprintf(d->path, sizeof d->path, "%s", key);
    const int32_t count = plugins_in(now);
    if (plugins_in(before) != count) return false;
    for (int32_t i = 0; i < count; i++)
        if (strcmp(plugin_name(before, i), plugin_name(now, i))) return false;
    return true;
}

/* ---- both together ---------------------------------------------------------------------- */

/* A value in a few words. */
static const char *show(const tn_cfg *c, char text[160])
{
    if (!c || (c->type == TN_CFG_SCALAR && !*c->text))
        snprintf(text, 160, "nothing");
    else if (c->type == TN_CFG_SCALAR)
        snprintf(text, 160, "%.120s", c->text);
    else if (c->type == TN_CFG_LIST && c->count != 1)
        snprintf(text, 160, "a list of %d", c->count);
    else if (c->type == TN_CFG_MAP && c->count != 1)
        snprintf(text, 160, "a map of %d", c->count);
    else
        snprintf(text, 160, "%.120s", plugin_name(c, 0));
    return text;
}

static bool find(const tn_cfg *before, const tn_cfg *now, difference *d)
{
    static const char *const wholly[] = {"seed", "precision", "data",        "model",
                                         "init", "loss",      "regularizer", "metrics"};
    static const char *const by_name[] = {"optimizer", "gradient", "observe"};
    for (size_t i = 0; i < sizeof wholly / sizeof *wholly; i++) {
        *d = (difference){0};
        if (!same_part(wholly[i], tn_cfg_get(before, wholly[i]),
                       tn_cfg_get(now, wholly[i]), d))
            return true;
    }
    for (size_t i = 0; i < sizeof by_name / sizeof *by_name; i++)
        if (!same_plugins(by_name[i], tn_cfg_get(before, by_name[i]),
                          tn_cfg_get(now, by_name[i]), d))
            return true;
    return false;
}

tn_status tn_trainer_same(const tn_cfg *before, const tn_cfg *now, tn_error *e)
{
    difference d;
    char was[160], is[160];
    if (!find(before, now, &d)) return TN_OK;
    return tn_cfg_error(
        d.now ? d.now : now, e, TN_EINVAL,
        "%s is %s, but the run has %s; a run goes on with its own seed, "
        "precision, data, model, init, loss, regularizer and metrics, and with the same "
        "optimizer, gradient and observe plugins: leave the change out, or begin a new "
        "run",
        d.path, show(d.now, is), show(d.before, was));
}

tn_status tn_trainer_same_frozen(const tn_graph *g, const tn_cfg *before,
                                 const tn_cfg *now, tn_error *e)
{
    const tn_cfg *rules = tn_cfg_get(now, "parameters");
    for (int32_t i = 0; i < g->params; i++) {
        const bool frozen = g->param[i].rule.frozen;
        if (frozen == tn_rules_freeze(before, g->param[i].name)) continue;
        return tn_cfg_error(
            rules ? rules : now, e, TN_EINVAL,
            "parameters: '%s' is %s, but in the run it is %s; a run goes on "
            "with the same ones frozen: leave the change out, or begin a "
            "new run from this one's weights (init_from)",
            g->param[i].name, frozen ? "frozen" : "trained",
            frozen ? "trained" : "frozen");
    }
    return TN_OK;
}
