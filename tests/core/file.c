/* file.c - reading says what is wrong; writing is atomic and durable, whatever fails. */
#include "core/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/disk.h"

/* ---- the calls that make a file durable, watched and made to fail ---------------- */

static char order[64]; /* f: fsync of a file, r: rename, d: fsync of a folder */
static char refused;   /* one of these */

static int step(char which, int (*call)(const void *), const void *arguments)
{
    order[strlen(order)] = which;
    if (refused != which) return call(arguments);
    errno = EIO;
    return -1;
}

static int really_fsync(const void *descriptor)
{
    return (int)syscall(SYS_fsync, *(const int *)descriptor);
}

static int really_rename(const void *paths)
{
    const char *const *path = paths;
    return (int)syscall(SYS_renameat2, AT_FDCWD, path[0], AT_FDCWD, path[1], 0);
}

int fsync(int descriptor)
{
    struct stat s;
    fstat(descriptor, &s);
    return step(S_ISDIR(s.st_mode) ? 'd' : 'f', really_fsync, &descriptor);
}

int rename(const char *from, const char *to)
{
    const char *const path[] = {from, to};
    return step('r', really_rename, path);
}

/* ---- reading --------------------------------------------------------------------- */

static tn_memory memory;

static tn_status try_read(const char *path, size_t limit, tn_error *e)
{
    void *bytes = NULL;
    size_t size;
    const tn_status status = tn_file_read(&memory, path, limit, &bytes, &size, e);
    cr_assert_eq(status == TN_OK, bytes != NULL);
    tn_memory_put(&memory, bytes);
    cr_assert_eq(memory.used, 0);
    return status;
}

static void expect_refusal(const char *path, const char *cause)
{
    tn_error e;
    cr_assert_eq(try_read(path, 0, &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, cause), "%s", e.text);
    cr_assert_eq(strncmp(e.text, path, strlen(path)), 0, "%s", e.text);
}

Test(file, reads_whole_files_with_a_zero_behind_them)
{
    const char *folder = test_folder(), *path = test_path(folder, "x");
    static const char bytes[] = "one\0two";
    void *got;
    size_t size;
    test_write(path, bytes, sizeof bytes - 1);
    cr_assert_eq(tn_file_read(&memory, path, 0, &got, &size, NULL), TN_OK);
    cr_assert_eq(size, sizeof bytes - 1);
    cr_assert_eq(memcmp(got, bytes, sizeof bytes), 0);
    tn_memory_put(&memory, got);
}

Test(file, reads_an_empty_file)
{
    const char *path = test_path(test_folder(), "empty");
    void *got;
    size_t size = 1;
    test_write(path, "", 0);
    cr_assert_eq(tn_file_read(&memory, path, 0, &got, &size, NULL), TN_OK);
    cr_assert_eq(size, 0);
    tn_memory_put(&memory, got);
}

Test(file, says_why_it_cannot_read)
{
    const char *folder = test_folder();
    expect_refusal(test_path(folder, "none.yaml"), "none.yaml: no such file");
    expect_refusal(folder, "is a folder");
    expect_refusal("/dev/null", "is not a regular file");
    test_write(test_path(folder, "x"), "x", 1);
    expect_refusal(test_path(folder, "x/y"), "part of the path is a file");
    const char *pipe = test_path(folder, "pipe");
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    expect_refusal(pipe, "is not a regular file");
}

Test(file, no_permission)
{
    const char *folder = test_folder(), *path = test_path(folder, "secret");
    test_write(path, "x", 1);
    chmod(path, 0);
    chmod(folder, 0555);
    if (!geteuid()) cr_assert_eq(seteuid(65534), 0); /* root may read everything */
    expect_refusal(path, "secret: no permission");
    tn_file_writer w;
    tn_error e;
    cr_assert_eq(tn_file_open(&w, test_path(folder, "model"), &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "model: no permission"), "%s", e.text);
    if (!getuid()) cr_assert_eq(seteuid(0), 0);
    chmod(folder, 0755);
}

Test(file, limits_hold)
{
    const char *path = test_path(test_folder(), "x");
    tn_error e;
    test_write(path, "12345", 5);
    cr_assert_eq(try_read(path, 5, &e), TN_OK);
    cr_assert_eq(try_read(path, 4, &e), TN_EDATA);
    cr_assert_not_null(strstr(e.text, "has 5 bytes, more than the 4 allowed"), "%s",
                       e.text);
    memory.limit = 3;
    cr_assert_eq(try_read(path, 0, &e), TN_ENOMEM);
    cr_assert_eq(strncmp(e.text, path, strlen(path)), 0);
}

/* ---- writing --------------------------------------------------------------------- */

static tn_status write_file(const char *path, const void *bytes, size_t size, tn_error *e)
{
    tn_file_writer w;
    tn_status status = tn_file_open(&w, path, e);
    if (!status) status = tn_file_put(&w, bytes, size, e);
    if (!status) status = tn_file_commit(&w, e);
    return status;
}

static void expect_content(const char *path, const char *text)
{
    const char *got = test_read(path, NULL);
    cr_assert_not_null(got);
    cr_assert_str_eq(got, text);
}

Test(file, writes_and_replaces)
{
    const char *folder = test_folder(), *path = test_path(folder, "model");
    cr_assert_eq(write_file(path, "old", 3, NULL), TN_OK);
    cr_assert_eq(chmod(path, 0640), 0);
    cr_assert_eq(write_file(path, "newer", 5, NULL), TN_OK);
    expect_content(path, "newer");
    struct stat s;
    cr_assert_eq(stat(path, &s), 0);
    cr_assert_eq(s.st_mode & 0777, 0640);
    cr_assert_eq(test_entries(folder), 1);
}

Test(file, syncs_the_file_then_renames_then_syncs_the_folder)
{
    const char *folder = test_folder();
    cr_assert_eq(write_file(test_path(folder, "model"), "x", 1, NULL), TN_OK);
    cr_assert_str_eq(order, "frd");
    memset(order, 0, sizeof order);
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(write_file("model", "x", 1, NULL), TN_OK);
    cr_assert_str_eq(order, "frd");
}

Test(file, a_failing_sync_or_rename_leaves_the_old_file)
{
    const char *folder = test_folder(), *path = test_path(folder, "model");
    tn_error e;
    cr_assert_eq(write_file(path, "old", 3, NULL), TN_OK);
    for (const char *which = "fr"; *which; which++) {
        refused = *which;
        cr_assert_eq(write_file(path, "new", 3, &e), TN_EIO);
        cr_assert_not_null(strstr(e.text, "model: not written: "), "%s", e.text);
        expect_content(path, "old");
        cr_assert_eq(test_entries(folder), 1);
    }
    refused = 'd';
    cr_assert_eq(write_file(path, "new", 3, &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "could not be synced"), "%s", e.text);
    expect_content(path, "new");
}

Test(file, nothing_changes_before_commit_and_after_abandon)
{
    const char *folder = test_folder(), *path = test_path(folder, "model");
    tn_file_writer w;
    cr_assert_eq(write_file(path, "old", 3, NULL), TN_OK);
    cr_assert_eq(tn_file_open(&w, path, NULL), TN_OK);
    cr_assert_eq(tn_file_put(&w, "new", 3, NULL), TN_OK);
    expect_content(path, "old");
    cr_assert_eq(test_entries(folder), 2);
    tn_file_abandon(&w);
    tn_file_abandon(&w);
    expect_content(path, "old");
    cr_assert_eq(test_entries(folder), 1);
    cr_assert_eq(tn_file_put(&w, "new", 3, NULL), TN_EIO);
    cr_assert_eq(tn_file_commit(&w, NULL), TN_EIO);
}

Test(file, abandon_after_commit_is_harmless)
{
    const char *folder = test_folder(), *path = test_path(folder, "model");
    tn_file_writer w;
    cr_assert_eq(tn_file_open(&w, path, NULL), TN_OK);
    cr_assert_eq(tn_file_put(&w, "new", 3, NULL), TN_OK);
    cr_assert_eq(tn_file_commit(&w, NULL), TN_OK);
    tn_file_abandon(&w);
    expect_content(path, "new");
}

Test(file, two_writers_of_one_path_do_not_mix)
{
    const char *folder = test_folder(), *path = test_path(folder, "model");
    tn_file_writer a, b;
    cr_assert_eq(tn_file_open(&a, path, NULL), TN_OK);
    cr_assert_eq(tn_file_open(&b, path, NULL), TN_OK);
    tn_file_put(&a, "first", 5, NULL);
    tn_file_put(&b, "second", 6, NULL);
    tn_error e;
    cr_assert_eq(tn_file_commit(&a, &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "model: not written: someone else"), "%s", e.text);
    cr_assert_null(test_read(path, NULL));
    cr_assert_eq(tn_file_commit(&b, NULL), TN_OK);
    expect_content(path, "second");
    cr_assert_eq(test_entries(folder), 1);
}

/* What a killed writer leaves is gone with the next file of the name; a link that somebody has
 * laid there instead is not followed. */
Test(file, a_temporary_file_left_behind_is_replaced)
{
    const char *folder = test_folder(), *path = test_path(folder, "model");
    tn_file_writer w;
    cr_assert_eq(tn_file_open(&w, path, NULL), TN_OK);
    tn_file_put(&w, "half", 4, NULL); /* and killed here */
    close(w.descriptor);
    cr_assert_eq(write_file(path, "new", 3, NULL), TN_OK);
    expect_content(path, "new");
    cr_assert_eq(test_entries(folder), 1);
    test_write(test_path(folder, "other"), "other", 5);
    cr_assert_eq(symlink("other", test_path(folder, ".model.tmp")), 0);
    cr_assert_eq(write_file(path, "newer", 5, NULL), TN_OK);
    expect_content(path, "newer");
    expect_content(test_path(folder, "other"), "other");
    cr_assert_eq(test_entries(folder), 2);
}

Test(file, a_link_is_written_through)
{
    const char *folder = test_folder(), *link = test_path(folder, "link");
    struct stat s;
    tn_error e;
    cr_assert_eq(tn_folder_make(test_path(folder, "deep"), NULL), TN_OK);
    test_write(test_path(folder, "deep/model"), "old", 3);
    cr_assert_eq(symlink("deep/model", link), 0);
    cr_assert_eq(write_file(link, "new", 3, &e), TN_OK, "%s", e.text);
    cr_assert(!lstat(link, &s) && S_ISLNK(s.st_mode));
    expect_content(test_path(folder, "deep/model"), "new");
    cr_assert_eq(unlink(test_path(folder, "deep/model")), 0);
    cr_assert_eq(write_file(link, "new", 3, &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "link: is a link to a file that is not there"),
                       "%s", e.text);
    cr_assert(!lstat(link, &s) && S_ISLNK(s.st_mode));
}

Test(file, says_why_it_cannot_write)
{
    const char *folder = test_folder();
    char long_path[5000];
    tn_file_writer w;
    tn_error e;
    cr_assert_eq(tn_file_open(&w, test_path(folder, "no/model"), &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "no such folder"), "%s", e.text);
    cr_assert_eq(tn_file_open(&w, folder, &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "is a folder"), "%s", e.text);
    cr_assert_eq(tn_file_open(&w, "/dev/full", &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "not a regular file"), "%s", e.text);
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = 0;
    cr_assert_eq(tn_file_open(&w, long_path, &e), TN_EIO);
    tn_file_abandon(&w);
}

/* A real short write: the kernel takes the first bytes and refuses the rest. */
Test(file, past_the_largest_file_the_old_one_stays)
{
    const char *folder = test_folder(), *path = test_path(folder, "model");
    static const char bytes[100000];
    tn_error e;
    cr_assert_eq(write_file(path, "old", 3, NULL), TN_OK);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){50000, RLIM_INFINITY}), 0);
    cr_assert_eq(write_file(path, bytes, sizeof bytes, &e), TN_EIO);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}),
                 0);
    cr_assert_not_null(strstr(e.text, "not written: larger than the system allows"), "%s",
                       e.text);
    expect_content(path, "old");
    cr_assert_eq(test_entries(folder), 1);
}

Test(file, on_a_full_disk_the_old_one_stays)
{
    const char *folder = test_folder(), *path = test_path(folder, "model");
    static const char bytes[200000];
    tn_error e;
    if (!test_small_disk(folder, 65536)) cr_skip("this system lets nobody mount here");
    cr_assert_eq(write_file(path, "old", 3, NULL), TN_OK);
    cr_assert_eq(write_file(path, bytes, sizeof bytes, &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "model: not written: disk full; free some space"),
                       "%s", e.text);
    expect_content(path, "old");
    cr_assert_eq(test_entries(folder), 1);
    cr_assert_eq(write_file(path, "new", 3, &e), TN_OK, "%s", e.text);
}

/* ---- folders --------------------------------------------------------------------- */

Test(file, folders_are_made_with_their_parents)
{
    const char *folder = test_folder();
    struct stat s;
    tn_error e;
    cr_assert_eq(tn_folder_make(test_path(folder, "a/b//c/"), &e), TN_OK, "%s", e.text);
    cr_assert_eq(stat(test_path(folder, "a/b/c"), &s), 0);
    cr_assert_eq(tn_folder_make(test_path(folder, "a/b/c"), &e), TN_OK);
    test_write(test_path(folder, "a/x"), "", 0);
    cr_assert_eq(tn_folder_make(test_path(folder, "a/x/y"), &e), TN_EIO);
    cr_assert_not_null(strstr(e.text, "a/x: part of the path is a file"), "%s", e.text);
    cr_assert_eq(tn_folder_make("/", &e), TN_OK);
}
