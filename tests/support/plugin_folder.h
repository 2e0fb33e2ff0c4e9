/* plugin_folder.h - search folders of a test's own, environments that look there, and
 * what they log. */
#ifndef TESTS_SUPPORT_PLUGIN_FOLDER_H
#define TESTS_SUPPORT_PLUGIN_FOLDER_H

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/instance.h"
#include "core/registry.h"
#include "support/disk.h"

#define cr_assert_has(text, part) \
    cr_assert_not_null(strstr(text, part), "'%s' lacks '%s'", text, part)

/* Copies the module tests/core/GROUP/NAME.so of the build to folder/KIND/AS.so. */
static inline const char *put_plugin(const char *folder, const char *group,
                                     const char *name, const char *kind, const char *as)
{
    char from[PATH_MAX];
    static char to[PATH_MAX];
    size_t size;
    snprintf(from, sizeof from, "%s/core/%s/%s.so", getenv("TENON_TEST_TOYS"), group,
             name);
    snprintf(to, sizeof to, "%s/%s", folder, kind);
    mkdir(to, 0755);
    const char *bytes = test_read(from, &size);
    cr_assert_not_null(bytes, "%s", from);
    snprintf(to, sizeof to, "%s/%s/%s.so", folder, kind, as);
    test_write(to, bytes, size);
    chmod(to, 0644);
    return to;
}

/* What an environment has logged, one message a line. */
static char logged[8192];

static inline void keep_log(void *data, int32_t level, const char *text)
{
    const size_t used = strlen(logged);
    (void)data;
    snprintf(logged + used, sizeof logged - used, "%d %s\n", level, text);
}

static inline tn_env *new_env(const char *path)
{
    tn_error e = {0};
    const tn_env_options options = {
        .plugin_path = path, .backend = "reference", .threads = 2, .log = keep_log};
    unsetenv("TENON_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    tn_env *env = tn_env_new(&options, &e);
    cr_assert_not_null(env, "%s", e.text);
    return env;
}

#endif
