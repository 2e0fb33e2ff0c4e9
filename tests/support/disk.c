/* disk.c - folders of a test's own, and a disk that is really full. */
#include "support/disk.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char folders[16][256];
static int folder_count;
static pid_t owner;

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *ftw)
{
    (void)s, (void)kind, (void)ftw;
    return remove(path), 0;
}

static void remove_all(void)
{
    if (getpid() != owner) return;
    for (int i = 0; i < folder_count; i++) {
        umount2(folders[i], MNT_DETACH);
        nftw(folders[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

const char *test_folder(void)
{
    const char *base = getenv("TMPDIR");
    cr_assert(folder_count < 16);
    char *folder = folders[folder_count++];
    snprintf(folder, sizeof folders[0], "%s/tenon-test-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    if (!owner) atexit(remove_all);
    owner = getpid();
    return folder;
}

const char *test_path(const char *folder, const char *name)
{
    static char paths[8][4096];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void test_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

const char *test_read(const char *path, size_t *size)
{
    static char bytes[8 << 20]; /* a plugin with sanitizers takes more than one */
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    const size_t n = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    bytes[n] = 0;
    if (size) *size = n;
    return bytes;
}

int test_entries(const char *folder)
{
    int count = 0;
    DIR *d = opendir(folder);
    cr_assert_not_null(d);
    for (const struct dirent *entry; (entry = readdir(d));)
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(d);
    return count;
}

bool test_small_disk(const char *folder, size_t bytes)
{
    char options[64];
    snprintf(options, sizeof options, "size=%zu", bytes);
    if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS)) return false;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return false;
    return !mount("tmpfs", folder, "tmpfs", 0, options);
}
