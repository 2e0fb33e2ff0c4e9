/* search.c - where plugins are looked for: order, empty and relative entries, and what a
 * privileged process ignores. */
#include "core/search.h"

#include "support/plugin_folder.h"

static tn_memory memory;

static tn_search search_of(const char *extra, bool privileged)
{
    tn_search s;
    tn_error e = {0};
    cr_assert_eq(tn_search_make(&memory, extra, privileged, &s, &e), TN_OK, "%s", e.text);
    return s;
}

static void done(tn_search *s)
{
    tn_search_free(&memory, s);
    cr_assert_eq(atomic_load(&memory.used), 0);
}

Test(search, order)
{
    setenv("TENON_PLUGIN_PATH", "/three:/four/", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    tn_search s = search_of("/one:/two", false);
    static const char *const expected[] = {"/one", "/two", "/three", "/four",
                                           "/data/tenon/plugins"};
    cr_assert_eq(s.count, 6);
    for (int i = 0; i < 5; i++) cr_assert_str_eq(s.folder[i], expected[i]);
    cr_assert_eq(s.builtin, 5);
    cr_assert_has(s.text, "/one\n/two\n/three\n/four\n/data/tenon/plugins\n/");
    done(&s);
}

Test(search, an_uninstalled_build_uses_its_own_tree)
{
    char own[PATH_MAX], expected[PATH_MAX];
    tn_search s = search_of(NULL, true);
    cr_assert_eq(s.count, 1);
    cr_assert_not_null(realpath(s.folder[0], own));
    cr_assert_not_null(realpath(getenv("TENON_TEST_PLUGINS"), expected));
    cr_assert_str_eq(own, expected);
    done(&s);
}

Test(search, empty_entries_are_left_out)
{
    setenv("TENON_PLUGIN_PATH", ":", 1);
    setenv("XDG_DATA_HOME", "", 1);
    setenv("HOME", "", 1);
    tn_search s = search_of("::/one::", false);
    cr_assert_eq(s.count, 2);
    cr_assert_str_eq(s.folder[0], "/one");
    done(&s);
    s = search_of("", false);
    cr_assert_eq(s.count, 1);
    done(&s);
}

Test(search, relative_entries_are_made_absolute_at_the_start)
{
    const char *here = test_folder();
    char before[PATH_MAX], real[PATH_MAX];
    cr_assert_not_null(getcwd(before, sizeof before));
    cr_assert_eq(chdir(here), 0);
    cr_assert_not_null(realpath(".", real));
    setenv("TENON_PLUGIN_PATH", "below/it", 1);
    tn_search s = search_of("plugins:..", false);
    cr_assert_eq(chdir(before), 0);
    cr_assert_str_eq(s.folder[0], test_path(real, "plugins"));
    cr_assert_str_eq(s.folder[1], test_path(real, ".."));
    cr_assert_str_eq(s.folder[2], test_path(real, "below/it"));
    done(&s);
}

Test(search, the_users_folder)
{
    unsetenv("TENON_PLUGIN_PATH");
    setenv("HOME", "/home/me", 1);
    setenv("XDG_DATA_HOME", "not/absolute", 1); /* to be ignored, says the standard */
    tn_search s = search_of(NULL, false);
    cr_assert_str_eq(s.folder[0], "/home/me/.local/share/tenon/plugins");
    done(&s);
    unsetenv("XDG_DATA_HOME");
    s = search_of(NULL, false);
    cr_assert_str_eq(s.folder[0], "/home/me/.local/share/tenon/plugins");
    done(&s);
    setenv("HOME", "me", 1);
    s = search_of(NULL, false);
    cr_assert_eq(s.count, 1);
    done(&s);
}

Test(search, a_privileged_process_ignores_its_environment)
{
    setenv("TENON_PLUGIN_PATH", "/evil", 1);
    setenv("XDG_DATA_HOME", "/evil", 1);
    setenv("HOME", "/evil", 1);
    tn_search s = search_of("/one", true);
    cr_assert_eq(s.count, 2);
    cr_assert_str_eq(s.folder[0], "/one");
    cr_assert_null(strstr(s.text, "evil"));
    done(&s);
}

Test(search, an_endless_entry_is_refused)
{
    static char entry[2 * PATH_MAX];
    tn_search s;
    tn_error e = {0};
    memset(entry, 'a', sizeof entry - 1);
    cr_assert_eq(tn_search_make(&memory, entry, true, &s, &e), TN_EINVAL);
    cr_assert_has(e.text, "too long");
    cr_assert_eq(atomic_load(&memory.used), 0);
}
