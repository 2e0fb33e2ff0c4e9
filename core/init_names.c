/* init_names.c - what the file of `init_from` calls the parameters: see init_state.h. */
#include "core/init_state.h"

#include <stdio.h>
#include <string.h>

bool tn_init_listed(const tn_cfg *list, const char *name)
{
    for (int32_t i = 0; list && i < list->count; i++)
        if (tn_name_fits(name, list->item[i]->text)) return true;
    return false;
}

/* What an entry of names is for: "*" stands for the whole model. */
static const char *stem_of(const tn_cfg *entry)
{
    return strcmp(entry->key, "*") ? entry->key : "";
}

/* The entry of names that says most of it; -1: none. */
static int32_t entry_for(const tn_cfg *names, const char *name)
{
    int32_t best = -1;
    for (int32_t i = 0; names && i < names->count; i++) {
        const char *stem = stem_of(names->item[i]);
        if (tn_name_within(name, stem) &&
            (best < 0 || strlen(stem) > strlen(stem_of(names->item[best]))))
            best = i;
    }
    return best;
}

/* Of an entry for the parameter itself: the tensor, or one for each part. */
static tn_status name_in_entry(const tn_init_source *s, const tn_init_target *t,
                               const tn_cfg *entry, int32_t part, char out[TN_INIT_NAME])
{
    const tn_cfg *one = entry;
    if (entry->type == TN_CFG_LIST && entry->count == t->parts) one = entry->item[part];
    if (one->type == TN_CFG_SCALAR && (t->parts == 1 || one != entry)) {
        snprintf(out, TN_INIT_NAME, "%s", one->text);
        return TN_OK;
    }
    if (t->parts == 1)
        return tn_cfg_error(entry, s->error, TN_EINVAL,
                            "init_from: %s is made of 1 tensor of the file, so name one",
                            t->name);
    return tn_cfg_error(entry, s->error, TN_EINVAL,
                        "init_from: %s is made of %d tensors of the file, so name all in "
                        "a list, that of %s first",
                        t->name, (int)t->parts, t->part[0].name);
}

tn_status tn_init_name(const tn_init_source *s, const tn_init_target *t, int32_t part,
                       char out[TN_INIT_NAME])
{
    const int32_t found = entry_for(s->names, t->name);
    const tn_cfg *entry = found >= 0 ? s->names->item[found] : NULL;
    const char *stem = "", *rest = t->name, *leaf;
    if (entry) {
        s->applied[found] = true;
        const size_t length = strlen(stem_of(entry));
        if (!strcmp(entry->key, t->name)) return name_in_entry(s, t, entry, part, out);
        if (entry->type != TN_CFG_SCALAR)
            return tn_cfg_error(entry, s->error, TN_EINVAL,
                                "init_from: names: expected what the file calls '%s'",
                                entry->key);
        stem = entry->text, rest += length + (length > 0);
    }
    leaf = strrchr(rest, '.') ? strrchr(rest, '.') + 1 : rest;
    snprintf(out, TN_INIT_NAME, "%s%s%.*s%s", stem, *stem ? "." : "", (int)(leaf - rest),
             rest, t->part[part].name ? t->part[part].name : leaf);
    return TN_OK;
}

static tn_status no_such_name(const tn_init_source *s, const tn_cfg *where,
                              const char *key, const char *name, const char *what)
{
    const char *near = tn_graph_meant(s->graph, name);
    return tn_cfg_error(where, s->error, TN_EINVAL,
                        "init_from: %s: '%.100s' is no layer or parameter that is %s"
                        "%s%s%s",
                        key, name, what, near ? "; did you mean '" : "", near ? near : "",
                        near ? "'?" : "");
}

tn_status tn_init_check_names(const tn_init_source *s)
{
    for (int32_t i = 0; s->names && i < s->names->count; i++)
        if (!s->applied[i])
            return no_such_name(s, s->names->item[i], "names", s->names->item[i]->key,
                                "read");
    return TN_OK;
}

static bool is_fresh(const tn_graph *g, const tn_cfg *item)
{
    for (int32_t i = 0; i < g->params; i++)
        if (tn_name_fits(g->param[i].name, item->text)) return true;
    for (int32_t i = 0; i < g->states; i++)
        if (tn_name_fits(g->state[i].name, item->text)) return true;
    return false;
}

tn_status tn_init_check_fresh(const tn_init_source *s)
{
    for (int32_t i = 0; s->fresh && i < s->fresh->count; i++)
        if (!is_fresh(s->graph, s->fresh->item[i]))
            return no_such_name(s, s->fresh->item[i], "fresh", s->fresh->item[i]->text,
                                "drawn");
    return TN_OK;
}
