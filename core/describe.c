/* describe.c - what there is to know of plugins without running them: the list of all, the page of
 * one, and who has an option. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/option_table.h"
#include "core/registry.h"

/* ---- a growing text ---------------------------------------------------------------- */

typedef struct page {
    tn_memory *memory;
    tn_error *error;
    char *text;
    size_t used, room;
    tn_status status;
} page;

__attribute__((format(printf, 2, 3))) static void put(page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (p->status || size < 0) return;
    if (p->used + (size_t)size + 1 > p->room) {
        const size_t room = 2 * (p->used + (size_t)size + 1);
        char *grown = tn_memory_grow(p->memory, p->text, room, p->error);
        if (!grown) {
            p->status = TN_ENOMEM;
            return;
        }
        p->text = grown, p->room = room;
    }
    va_start(args, format);
    vsnprintf(p->text + p->used, p->room - p->used, format, args);
    va_end(args);
    p->used += (size_t)size;
}

/* ---- the table of options ---------------------------------------------------------- */

/* Everything that a row shows but the meaning. */
typedef struct row {
    char name[72], type[200], def[100], range[80];
} row;

static row row_of(const tn_option *o)
{
    row r;
    snprintf(r.name, sizeof r.name, "%s%s", o->name,
             o->flags & TN_POSITIONAL ? " *" : "");
    tn_option_type_text(o, r.type, sizeof r.type);
    tn_option_default_text(o, r.def, sizeof r.def);
    tn_option_range_text(o, r.range, sizeof r.range);
    return r;
}

static int wider(int width, const char *text)
{
    const int length = (int)strlen(text);
    return length > width ? length : width;
}

/* A table that lines up, with the positional option marked. */
static void put_options(page *p, const char *title, const tn_option *option,
                        int32_t count)
{
    static const row head = {"option", "type", "default", "range"};
    int width[4] = {6, 4, 7, 5};
    for (int32_t i = 0; i < count; i++) {
        const row r = row_of(&option[i]);
        width[0] = wider(width[0], r.name), width[1] = wider(width[1], r.type);
        width[2] = wider(width[2], r.def), width[3] = wider(width[3], r.range);
    }
    put(p, "\n%s\n", title);
    for (int32_t i = -1; i < count; i++) {
        const row r = i < 0 ? head : row_of(&option[i]);
        put(p, "  %-*s  %-*s  %-*s  %-*s  %s\n", width[0], r.name, width[1], r.type,
            width[2], r.def, width[3], r.range, i < 0 ? "meaning" : option[i].doc);
    }
}

/* The option that holds what an optimizer wraps; NULL: it wraps none. */
static const tn_option *wrapped_by(const tn_entry *entry)
{
    for (uint32_t i = 0; i < entry->option_count; i++) {
        const tn_option *o = &entry->options[i];
        if (o->type == TN_T_PLUGIN && !strcmp(o->lo.s, "optimizer")) return o;
    }
    return NULL;
}

static void put_host_options(page *p, const tn_entry *entry)
{
    int32_t count;
    char title[120];
    const tn_option *host = tn_host_options(entry->kind, &count);
    if (!count) return;
    if (wrapped_by(entry)) {
        put(p, "\nIts learning rate is that of `%s`.\n", wrapped_by(entry)->name);
        return;
    }
    tn_option first = host[0];
    if (!strcmp(first.name, "lr")) {
        first.def.d = entry->learning_rate;
        if (first.def.d == 0) first.flags |= TN_REQUIRED;
        host = &first;
    }
    snprintf(title, sizeof title, "Options of every %s:", entry->kind);
    put_options(p, title, host, count);
}

static void put_usage(page *p, const tn_entry *entry)
{
    const int32_t positional = tn_option_positional(entry->options,
                                                    (int32_t)entry->option_count);
    if (positional < 0) return;
    put(p, "\n* `%s: VALUE` is short for `%s: {%s: VALUE}`.\n", entry->name, entry->name,
        entry->options[positional].name);
}

static void put_activation(page *p, const tn_entry *entry)
{
    if (entry->gain > 0) put(p, "gain       %.10g\n", entry->gain);
    if (entry->initializer) put(p, "init       %s\n", entry->initializer);
    for (int32_t i = 0; i < entry->kink_count; i++)
        put(p, "%s%.10g", i ? ", " : "kinks      ", entry->kink[i]);
    if (entry->kink_count) put(p, "\n");
}

static void put_better(page *p, const tn_entry *entry)
{
    if (entry->better)
        put(p, "better     %s\n",
            entry->better == TN_BETTER_LARGER ? "larger" : "smaller");
}

static void put_entry(page *p, const tn_entry *entry, const char *file)
{
    put(p, "%s/%s %s\n%s\n\n", entry->kind, entry->name, entry->version, entry->summary);
    put(p, "formula    %s\n", entry->formula);
    put(p, "reference  %s\n", entry->reference);
    put_activation(p, entry);
    put_better(p, entry);
    put(p, "licence    %s\n", entry->licence);
    put(p, "file       %s\n", file);
    if (entry->option_count)
        put_options(p, "Options:", entry->options, (int32_t)entry->option_count);
    else
        put(p, "\nIt has no options of its own.\n");
    put_usage(p, entry);
    put_host_options(p, entry);
}

char *tn_plugin_describe(tn_env *env, const char *kind_and_name, tn_error *e)
{
    char kind[64];
    const char *slash = strchr(kind_and_name, '/');
    const tn_entry *entry;
    if (!slash || slash - kind_and_name >= (ptrdiff_t)sizeof kind) {
        tn_error_set(e, TN_EINVAL, "'%.80s' is not KIND/NAME (e.g. layer/dense)",
                     kind_and_name);
        return NULL;
    }
    snprintf(kind, sizeof kind, "%.*s", (int)(slash - kind_and_name), kind_and_name);
    if (tn_registry_find(env->registry, kind, slash + 1, &entry, e)) return NULL;
    page p = {.memory = &env->memory, .error = e};
    put_entry(&p, entry, tn_registry_file(env->registry, entry));
    if (!p.status) return p.text;
    tn_memory_put(p.memory, p.text);
    return NULL;
}

/* ---- who has an option --------------------------------------------------------------- */

typedef struct option_page {
    page page;
    const char *name;
} option_page;

static int put_owner(void *data, const tn_entry *entry, const char *file)
{
    option_page *o = data;
    const int32_t at = tn_option_find(entry->options, (int32_t)entry->option_count,
                                      o->name);
    char title[160];
    if (at < 0) return 0;
    if (!o->page.used)
        put(&o->page, "'%s' is no plugin but an option, of these:\n", o->name);
    snprintf(title, sizeof title, "%s/%s", entry->kind, entry->name);
    put_options(&o->page, title, &entry->options[at], 1);
    return 0;
}

char *tn_option_describe(tn_env *env, const char *name, tn_error *e)
{
    option_page o = {.page = {.memory = &env->memory, .error = e}, .name = name};
    tn_status status = tn_registry_each(env->registry, put_owner, &o, e);
    if (!status) status = o.page.status;
    if (!status && !o.page.text)
        status = tn_error_set(e, TN_ENOTFOUND, "no plugin has an option '%.80s'", name);
    if (!status) return o.page.text;
    tn_memory_put(o.page.memory, o.page.text);
    return NULL;
}

void tn_text_free(tn_env *env, char *text)
{
    tn_memory_put(&env->memory, text);
}

/* ---- the list ---------------------------------------------------------------------- */

typedef struct visitor {
    int (*each)(void *, const tn_plugin_info *);
    void *data;
} visitor;

static int visit(void *data, const tn_entry *entry, const char *file)
{
    const visitor *v = data;
    const tn_plugin_info info = {entry->kind, entry->name, entry->version, entry->summary,
                                 file};
    return v->each(v->data, &info);
}

tn_status tn_plugins_list(tn_env *env, int (*each)(void *, const tn_plugin_info *),
                          void *data, tn_error *e)
{
    visitor v = {each, data};
    return tn_registry_each(env->registry, visit, &v, e);
}
