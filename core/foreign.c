/* foreign.c - see foreign.h. A library is loaded as plugins are: only where no other user could have
 * put it, and for good. */
#include "core/foreign.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "core/host.h"
#include "core/shared_object.h"
#include "core/trust.h"

/* Whether `library` is one of env->foreign, which are separated by ':'. */
static bool is_allowed(const tn_env *env, const char *library)
{
    const size_t size = strlen(library);
    for (const char *at = env->foreign; at && *at;) {
        const size_t length = strcspn(at, ":");
        if (length == size && !memcmp(at, library, size)) return true;
        at += length + (at[length] == ':');
    }
    return false;
}

static tn_status check_allowed(const tn_env *env, const char *library, tn_error *e)
{
    if (*library && is_allowed(env, library)) return TN_OK;
    return tn_error_set(e, TN_EINVAL,
                        "calls functions of the library '%s', which is code of any kind: "
                        "only the command line can allow it, by --allow-foreign %s",
                        library, library);
}

/* A name without '/' is looked for by the linker, in the system's folders. */
static tn_status check_file(const char *library, char real[PATH_MAX], tn_error *e)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(library, '/');
    const size_t length = slash ? (size_t)(slash - library) + 1 : 0;
    if (strlen(library) >= PATH_MAX)
        return tn_error_set(e, TN_EINVAL, "the library's name is too long");
    memcpy(real, library, strlen(library) + 1);
    if (!slash) return TN_OK;
    memcpy(folder, library, length);
    folder[length] = 0;
    const tn_status status = tn_trust_file(folder, slash + 1, real, e);
    if (status == TN_ENOTFOUND)
        return tn_error_set(e, status, "there is no library '%s'", library);
    return status ? status : tn_shared_object_check(real, e);
}

/* The linker also looks in what the library itself needs, such as the C library: that has not been
 * allowed. */
static bool comes_from(void *library, void *function)
{
    struct link_map *own, *its;
    Dl_info about;
    return !dlinfo(library, RTLD_DI_LINKMAP, &own) &&
           dladdr1(function, &about, (void **)&its, RTLD_DL_LINKMAP) && own == its;
}

static tn_status find_in(const char *library, const char *file, const char *name,
                         tn_fn *found, tn_error *e)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return tn_error_set(e, TN_ENOTFOUND, "cannot load the library '%s': %s", library,
                            dlerror());
    void *function = dlsym(handle, name);
    const bool own = function && comes_from(handle, function);
    dlclose(handle);
    if (!own)
        return tn_error_set(e, TN_ENOTFOUND,
                            "the library '%s' has no function '%s' of its own", library,
                            name);
    memcpy(found, &function, sizeof *found);
    return TN_OK;
}

static tn_status find(tn_call *call, const char *library, const char *name, tn_fn *found)
{
    const tn_calling *c = (const tn_calling *)call;
    char file[PATH_MAX];
    tn_status status = check_allowed(c->env, library, c->error);
    if (!status) status = check_file(library, file, c->error);
    return status ? status : find_in(library, file, name, found, c->error);
}

const tn_foreign_service tn_the_foreign_service = {sizeof(tn_foreign_service), find};
