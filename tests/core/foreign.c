/* foreign.c - the service of foreign functions: which libraries and functions plugins get. */
#include <math.h>

#include "support/foreign.h"
#include "support/plugin_folder.h"

static tn_env *env;
static tn_error error;
static tn_fn found;

/* The status of looking for a function where `allowed` may be called. */
static tn_status find(const char *allowed, const char *library, const char *name)
{
    tn_calling calling;
    const tn_env_options options = {.foreign = allowed};
    error = (tn_error){0}, found = NULL;
    env = tn_env_new(&options, &error);
    cr_assert_not_null(env, "%s", error.text);
    tn_call *call = tn_call_make(&calling, env, NULL, 1, &error);
    const tn_foreign_service *service = call->host->service(call, TN_FOREIGN_SERVICE);
    cr_assert_not_null(service);
    const tn_status status = tn_call_end(&calling,
                                         service->find(call, library, name, &found));
    tn_env_free(env);
    return status;
}

static void refuses(const char *allowed, const char *library, const char *name,
                    const char *words)
{
    cr_assert_neq(find(allowed, library, name), TN_OK, "%s of %s", name, library);
    cr_assert_null(found);
    cr_assert_has(error.text, words);
}

Test(foreign, functions_of_what_is_allowed)
{
    cr_assert_eq(find(LIBM, LIBM, "erf"), TN_OK, "%s", error.text);
    double (*own)(double);
    memcpy(&own, &found, sizeof own);
    cr_assert_eq(own(0.3), erf(0.3));
    cr_assert_eq(find("libc.so.6:" LIBM, LIBM, "tgamma"), TN_OK, "%s", error.text);
    cr_assert_eq(find(LIBM ":libc.so.6", LIBM, "tgamma"), TN_OK, "%s", error.text);
    cr_assert_eq(find(curves(), curves(), "curve_square"), TN_OK, "%s", error.text);
}

Test(foreign, nothing_else_is_loaded)
{
    static const char *const lists[] = {
        NULL, "", ":", "libm.so", "libm.so.60", "a:libm.so.6 ", "xlibm.so.6:libc.so.6"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        refuses(lists[i], LIBM, "erf", "--allow-foreign libm.so.6");
    refuses(":", "", "erf", "--allow-foreign");
    refuses(LIBM, LIBM ":libc.so.6", "erf", "--allow-foreign");
}

/* The linker finds it there: the mathematics need the C library. */
Test(foreign, nothing_of_what_a_library_itself_needs)
{
    refuses(LIBM, LIBM, "system", "no function 'system' of its own");
    refuses(curves(), curves(), "malloc", "no function 'malloc' of its own");
}

Test(foreign, what_is_not_there)
{
    refuses(LIBM, LIBM, "erfinv", "no function 'erfinv'");
    refuses(LIBM, LIBM, "", "no function ''");
    refuses("libnone.so.9", "libnone.so.9", "erf", "cannot load the library 'libnone");
    refuses("./none.so", "./none.so", "erf", "no library './none.so'");
    refuses("/none/none.so", "/none/none.so", "erf", "no library '/none/none.so'");
    refuses("/", "/", "erf", "library '/'");
}

/* As with plugins. */
Test(foreign, files_that_others_may_change_and_broken_ones)
{
    size_t size;
    const char *path = test_path(test_folder(), "lib.so"),
               *bytes = test_read(curves(), &size);
    cr_assert_not_null(bytes);
    test_write(path, bytes, size);
    cr_assert_eq(chmod(path, 0644), 0);
    cr_assert_eq(find(path, path, "curve_square"), TN_OK, "%s", error.text);
    cr_assert_eq(chmod(path, 0666), 0);
    refuses(path, path, "curve_square", "others may write the file");
    const char *cut = test_path(test_folder(), "cut.so");
    test_write(cut, bytes, size / 2);
    cr_assert_eq(chmod(cut, 0644), 0);
    refuses(cut, cut, "curve_square", "cut off");
    test_write(cut, "no library", 10);
    refuses(cut, cut, "curve_square", "no shared object");
}
