/* config_set.c - `--set optimizer.sgd.lr=0.1`: one value of a tree replaced, by path.
 *
 * A path alternates between sections, which hold one plugin ("optimizer", a list's
 * item), and options, which may hold sections in turn; lists of sections are stepped
 * into by number. Only the root's `input`, `train` and `init_from` are plain options. So it can be
 * told from a path alone where a second plugin would come to stand beside the first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_tree.h"
#include "tenon/utf8.h"

typedef struct setting {
    tn_tree *tree;
    const char *place; /* "--set optimizer.sgd.lr=0.1" */
    const char *path;  /* "optimizer.sgd.lr" */
    char *steps;       /* the same with zeros for dots */
    size_t length;     /* of both */
    tn_cfg *value;
    bool section; /* whether the node that the path has led to so far holds one plugin */
    bool plain;   /* nothing below is a plugin's section */
} setting;

/* Length of the part of the path before `step`, for messages. */
static int walked(const setting *s, const char *step)
{
    return step > s->steps ? (int)(step - s->steps) - 1 : 0;
}

static tn_status second_plugin(const setting *s, const tn_cfg *map, const char *step,
                               const char *there, tn_error *e)
{
    const int length = walked(s, step);
    return tn_error_set(e, TN_EINVAL,
                        "%s: %.*s is '%s' in %s:%d:%d and can hold only one; to "
                        "change it set the whole: --set '%.*s={%s: ...}'",
                        s->place, length, s->path, there, map->file, map->line,
                        map->column, length, s->path, step);
}

static tn_status step_list(const setting *s, tn_cfg *list, const char *step,
                           tn_cfg ***slot, tn_error *e)
{
    const size_t length = strlen(step);
    const bool number = length && length < 10 && strspn(step, "0123456789") == length;
    const long index = number ? strtol(step, NULL, 10) : -1;
    if (index >= 0 && index < list->count) return *slot = &list->item[index], TN_OK;
    const int done = walked(s, step);
    if (!list->count)
        return tn_error_set(e, TN_EINVAL, "%s: %.*s is an empty list", s->place, done,
                            s->path);
    return tn_error_set(e, TN_EINVAL,
                        "%s: %.*s is a list; expected the number of an item, 0 to "
                        "%d, got '%s'",
                        s->place, done, s->path, list->count - 1, step);
}

/* A scalar has to become a map before a step can lead on: `adam` {adam: {}}, nothing
 * {}. */
static tn_status open_scalar(const setting *s, tn_cfg *node, const char *step,
                             tn_error *e)
{
    const bool same = !strcmp(node->text, step) && !node->quoted;
    if (!same && !tn_cfg_null(node)) {
        const bool name = node->text[0] >= 'a' && node->text[0] <= 'z';
        if (name && s->section) return second_plugin(s, node, step, node->text, e);
        const int length = walked(s, step);
        return tn_error_set(e, TN_EINVAL,
                            "%s: %.*s is the value '%s' and has no '%s'; set the "
                            "whole: --set '%.*s={%s: ...}'",
                            s->place, length, s->path, node->text, step, length, s->path,
                            step);
    }
    node->type = TN_CFG_MAP;
    node->text = "";
    node->quoted = false;
    return TN_OK;
}

static tn_status add_entry(const setting *s, tn_cfg *map, const char *step,
                           tn_cfg ***slot, tn_error *e)
{
    if (s->section && map->count)
        return second_plugin(s, map, step, map->item[0]->key, e);
    tn_cfg *entry = tn_tree_node(s->tree, TN_CFG_SCALAR, s->place, e);
    if (!entry) return tn_error_in(e, "%s", s->place);
    entry->key = step;
    const tn_status status = tn_tree_append(s->tree, map, entry, e);
    if (!status) *slot = &map->item[map->count - 1];
    return status;
}

static tn_status step_map(const setting *s, tn_cfg *map, const char *step, tn_cfg ***slot,
                          tn_error *e)
{
    for (int32_t i = 0; i < map->count; i++)
        if (!strcmp(map->item[i]->key, step)) return *slot = &map->item[i], TN_OK;
    return add_entry(s, map, step, slot, e);
}

static bool is_plain(const char *key)
{
    return !strcmp(key, "input") || !strcmp(key, "train") || !strcmp(key, "init_from");
}

/* One step down from *slot, which then points at the place of that name. */
static tn_status step_down(setting *s, tn_cfg ***slot, const char *step, tn_error *e)
{
    tn_cfg *node = **slot;
    if (node->type == TN_CFG_LIST) return step_list(s, node, step, slot, e);
    tn_status status = TN_OK;
    if (node->type == TN_CFG_SCALAR) status = open_scalar(s, node, step, e);
    if (!status) status = step_map(s, node, step, slot, e);
    if (step == s->steps) s->plain = is_plain(step);
    s->section = !s->section && !s->plain;
    return status;
}

static bool is_clean(const char *text, size_t size)
{
    uint32_t code;
    for (size_t at = 0, length; at < size; at += length) {
        length = tn_utf8_next(text + at, size - at, &code);
        if (!length || tn_utf8_control(code)) return false;
    }
    return true;
}

/* Cuts the path into steps. Whatever can be wrong with it alone is found before the
 * tree is touched. */
static tn_status cut(setting *s, tn_error *e)
{
    int32_t depth = 1 + tn_tree_depth(s->value);
    const char *begin = s->steps;
    if (!is_clean(s->path, s->length))
        return tn_error_set(e, TN_EINVAL,
                            "%s: the path is not UTF-8 or has a control character "
                            "in it",
                            s->place);
    for (size_t i = 0; i <= s->length; i++) {
        if (s->steps[i] && s->steps[i] != '.') continue;
        if (s->steps + i == begin)
            return tn_error_set(e, TN_EINVAL,
                                "%s: a name is missing in the path; write "
                                "a.b.c=value",
                                s->place);
        if (s->steps + i - begin > TN_CFG_KEY)
            return tn_error_set(e, TN_EINVAL,
                                "%s: a name in the path has more than %d bytes", s->place,
                                TN_CFG_KEY);
        depth += s->steps[i] == '.';
        s->steps[i] = 0;
        begin = s->steps + i + 1;
    }
    if (depth <= TN_CFG_DEPTH) return TN_OK;
    return tn_error_set(e, TN_EINVAL, "%s: nested more than %d deep", s->place,
                        TN_CFG_DEPTH);
}

static tn_status put_value(setting *s, tn_cfg **root, tn_error *e)
{
    tn_cfg **slot = root;
    for (const char *step = s->steps; step <= s->steps + s->length;
         step += strlen(step) + 1) {
        const tn_status status = step_down(s, &slot, step, e);
        if (status) return status;
    }
    s->value->key = (*slot)->key;
    *slot = s->value;
    return TN_OK;
}

/* "--set optimizer.sgd.lr=0.1", of a long value only the beginning. */
static const char *name_place(tn_tree *t, const char *assignment, size_t path,
                              tn_error *e)
{
    enum { SHOWN = 200 };
    char text[SHOWN + 16];
    const int length = snprintf(text, sizeof text, "--set %.*s%s", SHOWN, assignment,
                                path < SHOWN && strlen(assignment) <= SHOWN ? "" : "...");
    return tn_tree_text(t, text, (size_t)length, e);
}

tn_status tn_config_set(tn_config *config, const char *assignment, tn_error *e)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return tn_error_set(e, TN_EINVAL,
                            "--set %s: there is no '='; write path=value, for "
                            "example optimizer.sgd.lr=0.1",
                            assignment);
    setting s = {.tree = config->blocks, .length = (size_t)(equals - assignment)};
    s.place = name_place(s.tree, assignment, s.length, e);
    s.path = tn_tree_text(s.tree, assignment, s.length, e);
    /* The keys of new entries point into the steps, so these stay too. */
    s.steps = tn_tree_text(s.tree, assignment, s.length, e);
    if (!s.place || !s.path || !s.steps) return TN_ENOMEM;
    s.value = tn_tree_parse(s.tree, equals + 1, strlen(equals + 1), s.place, false, e);
    if (!s.value) return TN_EINVAL;
    const tn_status status = cut(&s, e);
    return status ? status : put_value(&s, &config->root, e);
}
