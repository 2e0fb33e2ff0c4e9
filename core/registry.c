/* registry.c - see registry.h.
 *
 * Invariant: the list holds what has been loaded, each entry once; it only grows until
 * the registry goes. The lock is held while the list or the dynamic linker is used, never
 * while the program's log or a visitor runs. */
#include "core/registry.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "core/adopt.h"
#include "core/kinds.h"
#include "core/option_table.h"
#include "core/search.h"
#include "core/shared_object.h"
#include "core/trust.h"

struct tn_registry {
    tn_env *env;
    pthread_mutex_t lock;
    tn_search search;
    tn_adopted *first;
};

tn_registry *tn_registry_new(tn_env *env, const char *extra, tn_error *e)
{
    tn_registry *r = tn_memory_get(&env->memory, sizeof *r, e);
    if (!r) return NULL;
    r->env = env;
    pthread_mutex_init(&r->lock, NULL);
    const bool privileged = getauxval(AT_SECURE) != 0;
    if (!tn_search_make(&env->memory, extra, privileged, &r->search, e)) return r;
    tn_registry_free(r);
    return NULL;
}

void tn_registry_free(tn_registry *r)
{
    if (!r) return;
    tn_memory *m = &r->env->memory;
    while (r->first) {
        tn_adopted *a = r->first;
        r->first = a->next;
        tn_adopted_free(m, a);
    }
    tn_search_free(m, &r->search);
    pthread_mutex_destroy(&r->lock);
    tn_memory_put(m, r);
}

const char *tn_registry_path_text(tn_registry *r)
{
    return r->search.text;
}

const char *tn_registry_file(tn_registry *r, const tn_entry *entry)
{
    return ((const tn_adopted *)entry)->file; /* the entry is its first member */
}

/* ---- loading one file -------------------------------------------------------------- */

/* There is no descriptor of this host's version: is there one of another? */
static tn_status no_descriptor(void *library, const char *file, tn_error *e)
{
    char symbol[32];
    for (int version = 0; version < 100; version++) {
        snprintf(symbol, sizeof symbol, "tn_plugin_v%d", version);
        if (dlsym(library, symbol))
            return tn_error_set(e, TN_EABI,
                                "%s: is built for version %d of the plugin "
                                "interface, this Tenon has version %d; compile it again",
                                file, version, TN_ABI_MAJOR);
    }
    return tn_error_set(e, TN_EABI,
                        "%s: is no plugin of Tenon: it exports no tn_plugin_v%d "
                        "(does the file end with TN_PLUGIN?)",
                        file, TN_ABI_MAJOR);
}

static tn_status load_error(const char *file, tn_error *e)
{
    const char *why = dlerror();
    const size_t length = strlen(file);
    if (!why) why = "the dynamic linker does not say why";
    if (!strncmp(why, file, length) && !strncmp(why + length, ": ", 2)) why += length + 2;
    return tn_error_set(e, TN_EABI, "%s: cannot be loaded: %s", file, why);
}

#define SYMBOL_(major) "tn_plugin_v" #major
#define SYMBOL(major) SYMBOL_(major)

static tn_status load(tn_registry *r, const char *file, const char *kind,
                      const char *name, tn_adopted **out, tn_error *e)
{
    const tn_status status = tn_shared_object_check(file, e);
    if (status) return status;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) return load_error(file, e);
    const tn_plugin *plugin = dlsym(library, SYMBOL(TN_ABI_MAJOR));
    if (!plugin) return no_descriptor(library, file, e);
    return tn_adopt(&r->env->memory, plugin, file, kind, name, out, e);
}

/* ---- names ------------------------------------------------------------------------- */

/* What a folder holds, or the plugins that were found: "layer/dense", sorted, each
 * once. */
typedef struct name_list {
    char **at;
    int32_t count;
} name_list;

static void free_names(tn_memory *m, name_list *list)
{
    for (int32_t i = 0; i < list->count; i++) tn_memory_put(m, list->at[i]);
    tn_memory_put(m, list->at);
}

static tn_status add_name(tn_memory *m, name_list *list, const char *name, tn_error *e)
{
    for (int32_t i = 0; i < list->count; i++)
        if (!strcmp(list->at[i], name)) return TN_OK;
    char **grown = tn_memory_grow(m, list->at, sizeof *grown * ((size_t)list->count + 1),
                                  e);
    if (!grown) return TN_ENOMEM;
    list->at = grown;
    list->at[list->count] = tn_memory_text(m, name, e);
    if (!list->at[list->count]) return TN_ENOMEM;
    list->count++;
    return TN_OK;
}

/* NAME.so of a legal name; cuts the suffix off. */
static bool plugin_file(char *file)
{
    const size_t size = strlen(file);
    if (size < 4 || strcmp(file + size - 3, ".so")) return false;
    file[size - 3] = 0;
    return tn_name_legal(file);
}

static tn_status scan_folder(tn_registry *r, const char *folder, const char *kind,
                             bool with_kind, name_list *list, tn_error *e)
{
    char path[PATH_MAX], name[NAME_MAX + 1], full[2 * NAME_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, kind) >= (int)sizeof path)
        return TN_OK;
    DIR *dir = opendir(path);
    if (!dir) return TN_OK;
    tn_status status = TN_OK;
    for (const struct dirent *d; !status && (d = readdir(dir));) {
        snprintf(name, sizeof name, "%s", d->d_name);
        if (!plugin_file(name)) continue;
        snprintf(full, sizeof full, "%s%s%s", with_kind ? kind : "", with_kind ? "/" : "",
                 name);
        status = add_name(&r->env->memory, list, full, e);
    }
    closedir(dir);
    return status;
}

static tn_status scan(tn_registry *r, const char *kind, bool with_kind, name_list *list,
                      tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < r->search.count; i++)
        status = scan_folder(r, r->search.folder[i], kind, with_kind, list, e);
    return status;
}

/* The first folder that has the file; *at: its index. */
static tn_status locate(tn_registry *r, const char *file, int32_t *at,
                        char real[PATH_MAX], tn_error *e)
{
    tn_status status = TN_ENOTFOUND;
    for (*at = 0; *at < r->search.count; ++*at) {
        status = tn_trust_file(r->search.folder[*at], file, real, e);
        if (status != TN_ENOTFOUND) break;
    }
    return status;
}

/* ---- not found --------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "; known are adam, adamw, sgd", or how to see them where they are many. */
static void list_names(const name_list *list, const char *kind, char *text, size_t size)
{
    enum { FEW = 16 };
    snprintf(text, size, "; tenon plugins %s lists all", kind);
    if (!list->count || list->count > FEW) return;
    qsort(list->at, (size_t)list->count, sizeof *list->at, by_name);
    size_t used = (size_t)snprintf(text, size, "; known are ");
    for (int32_t i = 0; i < list->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 list->at[i]);
}

/* A kind that has a plugin of this name, such as layer for the regularizer "activity"; or NULL. */
static const char *kind_that_has(tn_registry *r, const char *name)
{
    char file[160], real[PATH_MAX];
    int32_t at;
    for (int32_t k = 0; k < TN_KIND_COUNT; k++) {
        const char *kind = tn_kind_at(k, 0)->name;
        snprintf(file, sizeof file, "%s/%s.so", kind, name);
        if (!locate(r, file, &at, real, NULL)) return kind;
    }
    return NULL;
}

/* Where a layer may stand, a block may, too. */
static tn_status scan_place(tn_registry *r, const char *kind, name_list *list,
                            tn_error *e)
{
    const tn_status status = scan(r, kind, false, list, e);
    return status || strcmp(kind, "layer") ? status : scan(r, "block", false, list, e);
}

static tn_status not_found(tn_registry *r, const char *kind, const char *name,
                           tn_error *e)
{
    tn_memory *m = &r->env->memory;
    name_list list = {0};
    char places[sizeof e->text] = "", hint[400] = "";
    size_t used = 0;
    tn_status status = scan_place(r, kind, &list, e);
    for (int32_t i = 0; i < r->search.count && used < sizeof places; i++)
        used += (size_t)snprintf(places + used, sizeof places - used, "%s%s",
                                 i ? ", " : "", r->search.folder[i]);
    const char *near = tn_nearest(name, (const char *const *)list.at, list.count);
    const char *other = kind_that_has(r, name);
    if (other)
        snprintf(hint, sizeof hint, "; there is %s %s of that name",
                 tn_kind_article(other), other);
    else if (near)
        snprintf(hint, sizeof hint, "; did you mean '%s'?", near);
    else
        list_names(&list, kind, hint, sizeof hint);
    if (!status)
        status = tn_error_set(e, TN_ENOTFOUND,
                              "there is no %s '%s'%s (looked for %s/%s.so in %s)", kind,
                              name, hint, kind, name, places);
    free_names(m, &list);
    return status;
}

static tn_status bad_name(tn_registry *r, const char *kind, const char *name, tn_error *e)
{
    name_list list = {0};
    char hint[120] = "";
    const bool glued = strchr(name, ':') != NULL;
    tn_status status = scan_place(r, kind, &list, e);
    const char *near = tn_nearest(name, (const char *const *)list.at, list.count);
    if (near && !glued) snprintf(hint, sizeof hint, " (did you mean '%s'?)", near);
    if (!status)
        status = tn_error_set(e, TN_EINVAL,
                              "'%.80s' cannot be the name of %s %s%s: names are "
                              "lower-case letters, digits and '_', at most 63, and start "
                              "with a letter",
                              name, tn_kind_article(kind), kind,
                              glued ? " (a space is missing behind ':')" : hint);
    free_names(&r->env->memory, &list);
    return status;
}

static tn_status check_names(tn_registry *r, const char *kind, const char *name,
                             tn_error *e)
{
    char kinds[400] = "";
    size_t used = 0;
    if (!tn_kind_find(kind, 0)) {
        for (int32_t i = 0; i < TN_KIND_COUNT; i++)
            used += (size_t)snprintf(kinds + used, sizeof kinds - used, "%s%s",
                                     i ? ", " : "", tn_kind_at(i, 0)->name);
        return tn_error_set(e, TN_EINVAL,
                            "there is no kind of plugin called '%.60s'; there are "
                            "%s",
                            kind, kinds);
    }
    return tn_name_legal(name) ? TN_OK : bad_name(r, kind, name, e);
}

/* ---- finding ----------------------------------------------------------------------- */

/* Whether a plugin from folder `at` hides one of Tenon's own. */
static bool hides_builtin(tn_registry *r, const char *file, int32_t at, const char *real)
{
    char own[PATH_MAX];
    return at < r->search.builtin &&
           !tn_trust_file(r->search.folder[r->search.builtin], file, own, NULL) &&
           strcmp(own, real);
}

static tn_adopted *loaded(tn_registry *r, const char *kind, const char *name)
{
    tn_adopted *a = r->first;
    while (a && (strcmp(a->entry.kind, kind) || strcmp(a->entry.name, name))) a = a->next;
    return a;
}

static tn_status find_locked(tn_registry *r, const char *kind, const char *name,
                             tn_adopted **out, bool *hides, tn_error *e)
{
    char file[160], real[PATH_MAX];
    int32_t at;
    *out = loaded(r, kind, name);
    if (*out) return TN_OK;
    snprintf(file, sizeof file, "%s/%s.so", kind, name);
    tn_status status = locate(r, file, &at, real, e);
    if (status == TN_ENOTFOUND) return not_found(r, kind, name, e);
    if (!status) status = load(r, real, kind, name, out, e);
    if (status) return status;
    (*out)->next = r->first;
    r->first = *out;
    *hides = hides_builtin(r, file, at, real);
    return TN_OK;
}

tn_status tn_registry_find(tn_registry *r, const char *kind, const char *name,
                           const tn_entry **out, tn_error *e)
{
    *out = NULL;
    tn_adopted *found = NULL;
    bool hides = false;
    tn_status status = check_names(r, kind, name, e);
    if (status) return status;
    pthread_mutex_lock(&r->lock);
    status = find_locked(r, kind, name, &found, &hides, e);
    pthread_mutex_unlock(&r->lock);
    if (status) return status;
    if (hides)
        tn_env_log(r->env, TN_LOG_WARNING,
                   "%s/%s comes from %s and not from Tenon's own %s/%s/%s.so", kind, name,
                   found->file, r->search.folder[r->search.builtin], kind, name);
    *out = &found->entry;
    return TN_OK;
}

/* ---- everything -------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int visit_one(tn_registry *r, char *full,
                     int (*each)(void *, const tn_entry *, const char *), void *data)
{
    tn_error error = {0};
    const tn_entry *entry;
    char *slash = strchr(full, '/');
    *slash = 0;
    if (!tn_registry_find(r, full, slash + 1, &entry, &error))
        return each(data, entry, tn_registry_file(r, entry));
    tn_env_log(r->env, TN_LOG_WARNING, "%s", error.text);
    return 0;
}

tn_status tn_registry_each(tn_registry *r,
                           int (*each)(void *, const tn_entry *, const char *),
                           void *data, tn_error *e)
{
    name_list list = {0};
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < TN_KIND_COUNT; i++)
        status = scan(r, tn_kind_at(i, 0)->name, true, &list, e);
    if (!status && list.count)
        qsort(list.at, (size_t)list.count, sizeof *list.at, by_text);
    for (int32_t i = 0; !status && i < list.count; i++)
        if (visit_one(r, list.at[i], each, data)) break;
    free_names(&r->env->memory, &list);
    return status;
}
