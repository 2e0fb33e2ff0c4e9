/* graph_rule.c - the section `parameters`: learning rates, decays and freezing of those whose names
 * match a pattern.
 *
 *     parameters:
 *       - {match: [conv2d, "norm*"], freeze: true}
 *       - {match: "*.bias", lr_factor: 2, weight_decay: 0}
 *
 * Each key of an entry holds until a later entry that matches says otherwise; lr and lr_factor are
 * about the same thing, so either takes the place of both. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/graph_build.h"

#define MOST 1000 /* patterns: files are untrusted, and each is tried on every name */

/* ---- reading --------------------------------------------------------------------------- */

/* Pattern i of an entry; NULL: it has no more. */
static const char *pattern_at(const tn_cfg *entry, int32_t i)
{
    const tn_cfg *match = tn_cfg_get(entry, "match");
    if (match->type == TN_CFG_SCALAR) return i ? NULL : match->text;
    return i < match->count ? match->item[i]->text : NULL;
}

static bool is_word(const tn_cfg *c)
{
    return c->type == TN_CFG_SCALAR && *c->text;
}

static tn_status check_match(const tn_cfg *entry, tn_error *e)
{
    const tn_cfg *match = tn_cfg_get(entry, "match");
    const bool list = match && match->type == TN_CFG_LIST;
    bool good = list ? match->count > 0 : match && is_word(match);
    for (int32_t i = 0; good && list && i < match->count; i++)
        good = is_word(match->item[i]);
    if (good) return TN_OK;
    return tn_cfg_error(match ? match : entry, e, TN_EINVAL,
                        "parameters: match: expected a name of layers or parameters, "
                        "which may have * in it, or a list of such");
}

/* Schedules are made when training begins; what is a number is checked here. */
static tn_status check_number(const tn_cfg *entry, const char *key, tn_error *e)
{
    const tn_cfg *given = tn_cfg_get(entry, key);
    double value = 0;
    if (!given) return TN_OK;
    const bool number = !tn_cfg_real(given, &value, NULL);
    const bool factor = !strcmp(key, "lr_factor");
    const bool plugin = is_word(given) ||
                        (given->type == TN_CFG_MAP && given->count == 1);
    if (number ? value >= 0 && isfinite(value) : !factor && plugin) return TN_OK;
    return tn_cfg_error(given, e, TN_EINVAL, "parameters: %s: expected a number from 0%s",
                        key, factor ? "" : " or a schedule");
}

static tn_status check_keys(const tn_cfg *entry, tn_error *e)
{
    static const char *const keys[] = {"match",        "lr",     "lr_factor",
                                       "weight_decay", "freeze", NULL};
    int32_t freeze = 0;
    if (entry->type != TN_CFG_MAP)
        return tn_cfg_error(entry, e, TN_EINVAL,
                            "parameters: expected {match: ..., ...}, e.g. {match: "
                            "\"*.bias\", lr_factor: 2}");
    tn_status status = tn_cfg_only(entry, keys, e);
    if (!status) status = check_match(entry, e);
    for (int32_t i = 1; !status && i < 4; i++) status = check_number(entry, keys[i], e);
    const tn_cfg *frozen = tn_cfg_get(entry, "freeze");
    if (!status && frozen) status = tn_cfg_bool(frozen, &freeze, e);
    if (status) return status;
    if (tn_cfg_get(entry, "lr") && tn_cfg_get(entry, "lr_factor"))
        return tn_cfg_error(entry, e, TN_EINVAL,
                            "parameters: has both lr, which takes the place of the "
                            "optimizer's, and lr_factor, by which that is multiplied; "
                            "give one of the two");
    if (freeze && entry->count > 2)
        return tn_cfg_error(entry, e, TN_EINVAL,
                            "parameters: what is frozen has no learning rate and no "
                            "decay; leave them out, or freeze");
    return TN_OK;
}

static tn_status matches_nothing(const tn_graph *g, const tn_cfg *entry,
                                 const char *pattern, tn_error *e)
{
    char word[64], list[200] = "";
    size_t used = 0;
    for (const char *c = pattern; *c && used < sizeof word - 1; c++)
        if (!strchr("*?[]", *c)) word[used++] = *c;
    word[used] = 0;
    const char *near = tn_graph_meant(g, word);
    used = 0;
    for (int32_t i = 0; !near && i < g->params && used < sizeof list - 1; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                 g->param[i].name);
    const tn_cfg *match = tn_cfg_get(entry, "match");
    if (near)
        return tn_cfg_error(
            match, e, TN_EINVAL,
            "parameters: '%.100s' matches no parameter; did you mean '%s'?", pattern,
            near);
    return tn_cfg_error(
        match, e, TN_EINVAL, "parameters: '%.100s' matches no parameter; there are %s%s",
        pattern, *list ? list : "none", used < sizeof list - 1 ? "" : " ...");
}

/* ---- applying -------------------------------------------------------------------------- */

static void apply(const tn_cfg *entry, tn_rule *rule)
{
    const tn_cfg *factor = tn_cfg_get(entry, "lr_factor"), *lr = tn_cfg_get(entry, "lr"),
                 *decay = tn_cfg_get(entry, "weight_decay"),
                 *freeze = tn_cfg_get(entry, "freeze");
    int32_t frozen;
    if (lr || factor) {
        rule->lr = lr;
        rule->lr_factor = 1;
        if (factor) tn_cfg_real(factor, &rule->lr_factor, NULL);
    }
    if (decay) rule->weight_decay = decay;
    if (freeze && !tn_cfg_bool(freeze, &frozen, NULL)) rule->frozen = frozen;
}

static tn_status apply_entry(tn_graph *g, const tn_cfg *entry, int32_t *patterns,
                             tn_error *e)
{
    const char *pattern;
    for (int32_t k = 0; (pattern = pattern_at(entry, k)); k++) {
        bool any = false;
        if (++*patterns > MOST)
            return tn_cfg_error(entry, e, TN_EINVAL, "parameters: more than %d patterns",
                                MOST);
        for (int32_t i = 0; i < g->params; i++) {
            if (!tn_name_fits(g->param[i].name, pattern)) continue;
            apply(entry, &g->param[i].rule);
            any = true;
        }
        if (!any) return matches_nothing(g, entry, pattern, e);
    }
    return TN_OK;
}

/* Of a config that has been read before. */
bool tn_rules_freeze(const tn_cfg *root, const char *name)
{
    const tn_cfg *list = tn_cfg_get(root, "parameters");
    const char *pattern;
    tn_rule rule = {0};
    for (int32_t i = 0; list && i < list->count; i++) {
        if (check_keys(list->item[i], NULL)) continue;
        for (int32_t k = 0; (pattern = pattern_at(list->item[i], k)); k++)
            if (tn_name_fits(name, pattern)) apply(list->item[i], &rule);
    }
    return rule.frozen;
}

/* ---- texts ----------------------------------------------------------------------------- */

/* A number as it stands there, a schedule by its name. */
static const char *word_of(const tn_cfg *value)
{
    return value->type == TN_CFG_MAP ? value->item[0]->key : value->text;
}

static void describe(tn_rule *r)
{
    char *text = r->text;
    const size_t size = sizeof r->text;
    size_t used = 0;
    if (r->frozen) {
        snprintf(text, size, "frozen");
        return;
    }
    if (r->lr)
        used = (size_t)snprintf(text, size, "lr %.24s", word_of(r->lr));
    else if (r->lr_factor != 1)
        used = (size_t)snprintf(text, size, "lr x %.4g", r->lr_factor);
    if (r->weight_decay)
        snprintf(text + used, size - used, "%sdecay %.20s", used ? ", " : "",
                 word_of(r->weight_decay));
}

/* Parameter k of a node, its own ones first, then those of its parametrizations; NULL: no more. */
static const tn_graph_param *param_at(const tn_graph *g, const tn_graph_node *node,
                                      int32_t k)
{
    if (k < node->params) return &g->param[node->first_param + k];
    k -= node->params;
    for (int32_t i = 0; i < node->params; i++) {
        const tn_graph_param *p = &g->param[node->first_param + i];
        if (k < p->own) return &g->param[p->first_own + k];
        k -= p->own;
    }
    return NULL;
}

/* One text where all have the same, else one for each that has any: "weight frozen". */
static void describe_node(const tn_graph *g, tn_graph_node *node)
{
    const tn_graph_param *p, *first = param_at(g, node, 0);
    bool same = true;
    size_t used = 0;
    for (int32_t k = 1; (p = param_at(g, node, k)); k++)
        same = same && !strcmp(p->rule.text, first->rule.text);
    if (first && same) snprintf(node->rules, sizeof node->rules, "%s", first->rule.text);
    for (int32_t k = 0; !same && (p = param_at(g, node, k)) && used < sizeof node->rules;
         k++)
        if (*p->rule.text)
            used += (size_t)snprintf(node->rules + used, sizeof node->rules - used,
                                     "%s%s: %s", used ? "; " : "",
                                     p->name + strlen(node->name) + 1, p->rule.text);
}

tn_status tn_graph_read_rules(tn_graph *g, const tn_cfg *root, tn_error *e)
{
    const tn_cfg *list = tn_cfg_get(root, "parameters");
    int32_t patterns = 0;
    tn_status status = TN_OK;
    for (int32_t i = 0; i < g->params; i++) g->param[i].rule.lr_factor = 1;
    if (!list) return TN_OK;
    if (list->type != TN_CFG_LIST)
        return tn_cfg_error(list, e, TN_EINVAL,
                            "parameters: expected a list, e.g. [{match: \"*.bias\", "
                            "lr_factor: 2}]");
    for (int32_t i = 0; !status && i < list->count; i++) {
        status = check_keys(list->item[i], e);
        if (!status) status = apply_entry(g, list->item[i], &patterns, e);
    }
    if (status) return status;
    for (int32_t i = 0; i < g->params; i++) describe(&g->param[i].rule);
    for (int32_t i = g->inputs; i < g->nodes; i++) describe_node(g, &g->node[i]);
    return TN_OK;
}
