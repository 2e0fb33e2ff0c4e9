/* search.c - see search.h. */
#include "core/search.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tn_status add(tn_memory *m, tn_search *s, const char *folder, tn_error *e)
{
    char **grown = tn_memory_grow(m, s->folder, sizeof *grown * ((size_t)s->count + 1),
                                  e);
    if (!grown) return TN_ENOMEM;
    s->folder = grown;
    s->folder[s->count] = tn_memory_text(m, folder, e);
    if (!s->folder[s->count]) return TN_ENOMEM;
    s->count++;
    return TN_OK;
}

/* One entry of length `size`, made absolute with the working folder of now. */
static tn_status add_entry(tn_memory *m, tn_search *s, const char *entry, size_t size,
                           tn_error *e)
{
    char here[PATH_MAX] = "", path[2 * PATH_MAX];
    while (size > 1 && entry[size - 1] == '/') size--;
    if (!size) return TN_OK;
    if (size >= PATH_MAX)
        return tn_error_set(e, TN_EINVAL, "plugin path: the entry '%.40s...' is too long",
                            entry);
    if (*entry != '/' && !getcwd(here, sizeof here))
        return tn_error_set(e, TN_EIO,
                            "plugin path: '%.*s' is relative, but the working folder "
                            "cannot be found",
                            (int)size, entry);
    snprintf(path, sizeof path, "%s%s%.*s", here, *here ? "/" : "", (int)size, entry);
    return add(m, s, path, e);
}

static tn_status add_list(tn_memory *m, tn_search *s, const char *list, tn_error *e)
{
    tn_status status = TN_OK;
    while (!status && list && *list) {
        const char *end = strchrnul(list, ':');
        status = add_entry(m, s, list, (size_t)(end - list), e);
        list = *end ? end + 1 : end;
    }
    return status;
}

/* The XDG Base Directory Specification: relative values are invalid and ignored. */
static tn_status add_user(tn_memory *m, tn_search *s, tn_error *e)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char path[PATH_MAX];
    int length;
    if (data && *data == '/')
        length = snprintf(path, sizeof path, "%s/tenon/plugins", data);
    else if (home && *home == '/')
        length = snprintf(path, sizeof path, "%s/.local/share/tenon/plugins", home);
    else
        return TN_OK;
    return length < (int)sizeof path ? add(m, s, path, e) : TN_OK;
}

/* The file that this code is part of: libtenon.so, or a program that holds it. */
static bool own_file(char path[PATH_MAX])
{
    static const char here = 0;
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1(&here, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) return false;
    return realpath(*map->l_name ? map->l_name : "/proc/self/exe", path) != NULL;
}

/* Whether path lies inside folder. */
static bool lies_in(const char *path, const char *folder)
{
    char real[PATH_MAX];
    if (!realpath(folder, real)) return false;
    const size_t length = strlen(real);
    return !strncmp(path, real, length) && path[length] == '/';
}

/* The plugins installed beside the library, wherever its prefix has been moved to. */
static bool beside_library(char path[PATH_MAX])
{
    static const char below[] = "/tenon/plugins";
    char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) + sizeof below > PATH_MAX) return false;
    memcpy(slash, below, sizeof below);
    return access(path, F_OK) == 0;
}

/* Tenon's own plugins: those beside the running code, else those of the build tree as long as
 * that code lies there, else those of the prefix that it was configured for. */
static const char *builtin_folder(char path[PATH_MAX])
{
    if (!own_file(path)) return TN_HOST_LIBDIR;
    const bool built = lies_in(path, TN_HOST_BUILD_TREE "/..");
    if (beside_library(path)) return path;
    return built ? TN_HOST_BUILD_TREE : TN_HOST_LIBDIR;
}

static tn_status write_text(tn_memory *m, tn_search *s, tn_error *e)
{
    size_t size = 1, used = 0;
    for (int32_t i = 0; i < s->count; i++) size += strlen(s->folder[i]) + 1;
    s->text = tn_memory_get(m, size, e);
    if (!s->text) return TN_ENOMEM;
    for (int32_t i = 0; i < s->count; i++)
        used += (size_t)snprintf(s->text + used, size - used, "%s%s", i ? "\n" : "",
                                 s->folder[i]);
    return TN_OK;
}

tn_status tn_search_make(tn_memory *m, const char *extra, bool privileged, tn_search *s,
                         tn_error *e)
{
    char own[PATH_MAX];
    *s = (tn_search){0};
    tn_status status = add_list(m, s, extra, e);
    if (!status && !privileged) status = add_list(m, s, getenv("TENON_PLUGIN_PATH"), e);
    if (!status && !privileged) status = add_user(m, s, e);
    s->builtin = s->count;
    if (!status) status = add(m, s, builtin_folder(own), e);
    if (!status) status = write_text(m, s, e);
    if (status) tn_search_free(m, s);
    return status;
}

void tn_search_free(tn_memory *m, tn_search *s)
{
    for (int32_t i = 0; i < s->count; i++) tn_memory_put(m, s->folder[i]);
    tn_memory_put(m, s->folder);
    tn_memory_put(m, s->text);
    *s = (tn_search){0};
}
