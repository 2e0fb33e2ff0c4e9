/* trust.c - files, folders and links that somebody else could change are not loaded. */
#include "core/trust.h"

#include <fcntl.h>

#include "support/plugin_folder.h"

static const char *folder; /* a search folder with layer/x.so in it */

static void make(void)
{
    folder = test_folder();
    mkdir(test_path(folder, "layer"), 0755);
    test_write(test_path(folder, "layer/x.so"), "x", 1);
    chmod(test_path(folder, "layer/x.so"), 0644);
}

static tn_error judge(tn_status status)
{
    char real[PATH_MAX];
    tn_error e = {0};
    const tn_status got = tn_trust_file(folder, "layer/x.so", real, &e);
    cr_assert_eq(got, status, "%d: %s", got, e.text);
    return e;
}

Test(trust, accepts_what_only_the_user_writes, .init = make)
{
    char real[PATH_MAX];
    cr_assert_eq(tn_trust_file(folder, "layer/x.so", real, NULL), TN_OK);
    cr_assert_str_eq(real, test_path(folder, "layer/x.so"));
    cr_assert_eq(tn_trust_file(folder, "layer/y.so", real, NULL), TN_ENOTFOUND);
    cr_assert_eq(tn_trust_file(folder, "loss/x.so", real, NULL), TN_ENOTFOUND);
    cr_assert_eq(tn_trust_file("/nonexistent", "layer/x.so", real, NULL), TN_ENOTFOUND);
}

Test(trust, refuses_files_that_others_may_write, .init = make)
{
    const char *file = test_path(folder, "layer/x.so");
    chmod(file, 0666);
    tn_error e = judge(TN_EIO);
    cr_assert_has(e.text, "others may write the file");
    cr_assert_has(e.text, file);
    cr_assert_has(e.text, "chmod go-w");
    chmod(file, 0664);
    judge(TN_EIO);
    chmod(file, 0444);
    judge(TN_OK);
}

Test(trust, refuses_folders_that_others_may_write, .init = make)
{
    static const char *const parts[] = {"layer", "."};
    static const mode_t modes[] = {0777, 0775, 01777};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 3; k++) {
            chmod(test_path(folder, parts[i]), modes[k]);
            cr_assert_has(judge(TN_EIO).text, "others may write the folder");
        }
        chmod(test_path(folder, parts[i]), 0755);
        judge(TN_OK);
    }
}

Test(trust, refuses_what_belongs_to_another_user, .init = make)
{
    if (geteuid()) cr_skip_test("only root can give files away");
    cr_assert_eq(chown(test_path(folder, "layer/x.so"), 4242, 4242), 0);
    cr_assert_has(judge(TN_EIO).text, "belongs to another user (4242)");
    cr_assert_eq(chown(test_path(folder, "layer/x.so"), 0, 0), 0);
    cr_assert_eq(chown(test_path(folder, "layer"), 4242, 4242), 0);
    cr_assert_has(judge(TN_EIO).text, "the folder");
}

Test(trust, refuses_what_is_no_file, .init = make)
{
    unlink(test_path(folder, "layer/x.so"));
    mkdir(test_path(folder, "layer/x.so"), 0755);
    cr_assert_has(judge(TN_EIO).text, "not a file");
}

/* ---- links ------------------------------------------------------------------------- */

/* Makes layer/x.so a link. */
static void link_to(const char *target)
{
    unlink(test_path(folder, "layer/x.so"));
    cr_assert_eq(symlink(target, test_path(folder, "layer/x.so")), 0);
}

/* A file in another folder of mode `mode`. */
static const char *file_in(mode_t mode)
{
    const char *other = test_folder();
    const char *file = test_path(other, "y.so");
    test_write(file, "y", 1);
    chmod(file, 0644);
    chmod(other, mode);
    return file;
}

Test(trust, follows_links_to_trusted_places, .init = make)
{
    char real[PATH_MAX];
    const char *file = file_in(0755);
    link_to(file);
    cr_assert_eq(tn_trust_file(folder, "layer/x.so", real, NULL), TN_OK);
    cr_assert_str_eq(real, file);
    rename(test_path(folder, "layer"), test_path(folder, "elsewhere"));
    cr_assert_eq(symlink("./elsewhere/../elsewhere", test_path(folder, "layer")), 0);
    cr_assert_eq(tn_trust_file(folder, "layer/x.so", real, NULL), TN_OK);
    cr_assert_str_eq(real, file);
}

Test(trust, refuses_links_into_folders_that_others_may_write, .init = make)
{
    link_to(file_in(0777));
    cr_assert_has(judge(TN_EIO).text, "others may write the folder");
    link_to(file_in(0775));
    judge(TN_EIO);
    /* Nobody else can take the user's own file out of a sticky folder. */
    link_to(file_in(01777));
    judge(TN_OK);
}

Test(trust, judges_every_stop_of_a_chain_of_links, .init = make)
{
    const char *good = file_in(0755), *open = test_folder();
    const char *stop = test_path(open, "stop.so");
    cr_assert_eq(symlink(good, stop), 0);
    link_to(stop);
    judge(TN_OK);
    chmod(open, 0777); /* others could turn the second link elsewhere */
    cr_assert_has(judge(TN_EIO).text, open);
}

/* In a sticky folder everybody may make links, and turn their own elsewhere. */
Test(trust, refuses_links_of_another_user, .init = make)
{
    if (geteuid()) cr_skip_test("only root can give links away");
    const char *good = file_in(0755), *sticky = test_folder();
    const char *stop = test_path(sticky, "stop.so");
    chmod(sticky, 01777);
    cr_assert_eq(symlink(good, stop), 0);
    link_to(stop);
    judge(TN_OK);
    cr_assert_eq(lchown(stop, 4242, 4242), 0);
    cr_assert_has(judge(TN_EIO).text, sticky);
}

Test(trust, refuses_links_to_files_that_others_may_write, .init = make)
{
    const char *file = file_in(0755);
    link_to(file);
    chmod(file, 0646);
    cr_assert_has(judge(TN_EIO).text, file);
}

Test(trust, a_whole_folder_of_another_place_is_judged_too, .init = make)
{
    const char *other = test_folder();
    test_write(test_path(other, "x.so"), "x", 1);
    rename(test_path(folder, "layer"), test_path(folder, "old"));
    cr_assert_eq(symlink(other, test_path(folder, "layer")), 0);
    judge(TN_OK);
    chmod(other, 0777);
    judge(TN_EIO);
}

Test(trust, links_without_an_end, .init = make)
{
    link_to("x.so");
    cr_assert_has(judge(TN_EIO).text, "too many symbolic links");
    link_to("nothing.so");
    judge(TN_ENOTFOUND);
    link_to("../../../../../../../../../../../../dev/null");
    judge(TN_EIO);
}

/* ---- and so through the registry --------------------------------------------------- */

Test(trust, the_registry_does_not_fall_through_to_the_next_folder)
{
    const char *first = test_folder(), *second = test_folder();
    char path[600];
    tn_error e = {0};
    const tn_entry *entry;
    put_plugin(second, "broken", "sound", "layer", "sound");
    chmod(put_plugin(first, "broken", "sound", "layer", "sound"), 0666);
    snprintf(path, sizeof path, "%s:%s", first, second);
    tn_env *env = new_env(path);
    cr_assert_eq(tn_registry_find(env->registry, "layer", "sound", &entry, &e), TN_EIO);
    cr_assert_has(e.text, first);
    chmod(test_path(first, "layer/sound.so"), 0644);
    cr_assert_eq(tn_registry_find(env->registry, "layer", "sound", &entry, &e), TN_OK);
    tn_env_free(env);
}
